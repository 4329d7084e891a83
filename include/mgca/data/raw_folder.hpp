// A raw download: names lead nowhere else, and what is read is remembered with its hash, so that a manifest can say what a
// prepared folder was made from.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/core/nearest.hpp>
#include <mgca/data/data_root.hpp>
#include <mgca/io/csv.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

// One file that was read, or a group of files of one kind.
struct SourceFile {
  std::string name;        // relative to the raw folder
  std::int64_t files = 1;
  std::int64_t bytes = 0;
  std::string sha256;      // of a group: over its files' hashes in the order of their names

  static void describe(auto& self, auto&& field) {
    field("name", self.name, "relative to the raw folder");
    field("files", self.files, "how many files");
    field("bytes", self.bytes, "their size together");
    field("sha256", self.sha256, "of the content; of a group over its files' hashes");
  }
  friend bool operator==(const SourceFile&, const SourceFile&) = default;
};

class RawFolder {
 public:
  // Throws Error(system) unless it is a folder that can be read.
  explicit RawFolder(std::filesystem::path folder) : folder_(std::move(folder)), root_(folder_) {
    std::error_code code;
    if (!std::filesystem::is_directory(folder_, code)) fail(ErrorKind::system, folder_.string(), ": not a folder; --raw names the folder the data set was unpacked into");
  }

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const DataRoot& root() const { return root_; }
  [[nodiscard]] bool has(const std::string& name) const {
    std::error_code code;
    return std::filesystem::exists(folder_ / name, code);
  }

  // A whole file. Throws Error(system) with the nearest names beside it if there is none. Not for several threads at once.
  [[nodiscard]] std::string text(const std::string& name) {
    if (!has(name)) missing(name);
    const auto bytes = root_.read(name);
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());  // NOLINT: bytes as characters
    note({.name = name, .bytes = static_cast<std::int64_t>(bytes.size()), .sha256 = sha256(text)});
    return text;
  }
  [[nodiscard]] io::CsvTable table(const std::string& name, const io::CsvOptions& options = {}) { return io::CsvTable(text(name), name, options); }

  // The regular files below a folder whose names end so, relative to the raw folder, sorted. Throws Error(system) if there is no such folder.
  [[nodiscard]] std::vector<std::string> files(const std::string& below, std::string_view ending) const {
    std::vector<std::string> names;
    std::error_code code;
    std::filesystem::recursive_directory_iterator it(folder_ / below, std::filesystem::directory_options::none, code), end;
    if (code) fail_system(below.empty() ? folder_ : std::filesystem::path(below), "list", code.value());
    for (; it != end; it.increment(code)) {
      if (code) fail_system(it->path(), "list", code.value());
      if (it->is_regular_file() && it->path().native().ends_with(ending)) names.push_back(it->path().lexically_relative(folder_).generic_string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  // Adds to what was read: for files that were read some other way.
  void note(SourceFile file) {
    const auto same = std::find_if(read_.begin(), read_.end(), [&](const SourceFile& known) { return known.name == file.name; });
    if (same == read_.end()) read_.push_back(std::move(file));
    else *same = std::move(file);
  }
  [[nodiscard]] const std::vector<SourceFile>& read() const { return read_; }

 private:
  [[noreturn]] void missing(const std::string& name) const {
    std::vector<std::string> beside;  // of its kind: names of images can be identifiers and are not shown
    std::error_code code;
    const auto path = folder_ / name;
    for (const auto& entry : std::filesystem::directory_iterator(path.parent_path(), code)) {
      if (entry.path().extension() == path.extension()) beside.push_back(entry.path().filename().string());
    }
    const auto near = nearest_one(path.filename().string(), beside);
    fail(ErrorKind::system, path.string(), ": there is no such file", near ? "; beside it lies '" + *near + "'" : std::string("; --raw names the folder the data set was unpacked into"));
  }

  std::filesystem::path folder_;
  DataRoot root_;
  std::vector<SourceFile> read_;
};

}  // namespace mgca
