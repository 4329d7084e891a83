// The folder a data set reads from. Names in tables are other people's input: none of them may lead out of it.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/hash.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

namespace mgca {

class DataRoot {
 public:
  // Throws Error(system) for a folder that cannot be resolved.
  explicit DataRoot(const std::filesystem::path& folder) {
    std::error_code code;
    root_ = std::filesystem::canonical(folder.empty() ? std::filesystem::path(".") : folder, code);
    if (code) fail_system(folder, "resolve the data folder", code.value());
  }

  // Why a name cannot be that of a file below a root, judged by its text alone; nothing where it can.
  [[nodiscard]] static std::optional<std::string_view> objection(std::string_view name) {
    constexpr std::size_t longest_path = 1024, longest_part = 255;  // bytes; the second is the file systems' own limit
    if (name.empty()) return "is empty";
    if (name.size() > longest_path) return "is longer than 1,024 bytes";
    if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 32 || c == 127; })) return "holds a control character";
    if (name.find('\\') != std::string_view::npos) return "holds a backslash";
    if (name.front() == '/') return "is absolute";
    const std::filesystem::path path(name);
    for (const auto& part : path) {
      if (part == "..") return "holds '..'";
      if (part.native().size() > longest_part) return "has a part longer than 255 bytes";
    }
    if (path.filename().empty() || path.filename() == ".") return "names a folder";
    return std::nullopt;
  }

  // The whole file. Symbolic links may lead from one place below the root to another. Throws Error(data) for a path that
  // leads out of the root or to a folder, pipe or device, Error(system) for a file that is missing or unreadable.
  [[nodiscard]] std::vector<std::byte> read(const std::filesystem::path& relative) const {
    std::error_code code;
    const auto resolved = std::filesystem::weakly_canonical(root_ / relative, code);
    if (code) fail_system(relative, "resolve", code.value());
    const auto [end, _] = std::mismatch(root_.begin(), root_.end(), resolved.begin(), resolved.end());
    if (end != root_.end()) {
      fail(ErrorKind::data, relative.generic_string(), " leads out of the data folder through a symbolic link; make the folder it leads to the root, or copy the file");
    }
    const auto status = std::filesystem::status(resolved, code);
    if (status.type() == std::filesystem::file_type::not_found) fail_system(relative, "open", ENOENT);
    if (code) fail_system(relative, "open", code.value());
    if (!std::filesystem::is_regular_file(status)) fail(ErrorKind::data, relative.generic_string(), " is a folder, a pipe or a device; expected a regular file");
    return read_file(resolved);
  }

  // A number that changes with the file's size or time of modification, 0 where there is none; the file is not opened.
  [[nodiscard]] std::uint64_t stamp(const std::filesystem::path& relative) const {
    std::error_code code;
    const std::uint64_t size = std::filesystem::file_size(root_ / relative, code);
    if (code) return 0;
    const auto time = std::filesystem::last_write_time(root_ / relative, code).time_since_epoch().count();
    const std::array<std::uint64_t, 2> both{size, static_cast<std::uint64_t>(time)};
    return code ? 0 : checksum(std::as_bytes(std::span(both)));
  }

 private:
  std::filesystem::path root_;  // canonical
};

}  // namespace mgca
