// A page on disk, whole or not at all. One with report text can be read by its owner alone, from its first byte on.
#pragma once

#include <mgca/core/file.hpp>
#include <mgca/viz/page.hpp>

namespace mgca::viz {
namespace detail {

// Creates every file with mode 0600 and leaves the rest to the files below.
class OwnerOnlyFiles final : public Files {
 public:
  explicit OwnerOnlyFiles(Files& below) : below_(below) {}

  int create(const std::filesystem::path& path) override { return restricted(below_.create(path), path); }
  int append(const std::filesystem::path& path, std::size_t size) override { return restricted(below_.append(path, size), path); }
  std::size_t write(int file, std::span<const std::byte> bytes, const std::filesystem::path& path) override {
    return below_.write(file, bytes, path);
  }
  void sync(int file, const std::filesystem::path& path) override { below_.sync(file, path); }
  void close(int file, const std::filesystem::path& path) override { below_.close(file, path); }
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override { below_.rename(from, to); }
  void sync_folder(const std::filesystem::path& folder) override { below_.sync_folder(folder); }
  void remove(const std::filesystem::path& path) override { below_.remove(path); }
  std::vector<std::string> list(const std::filesystem::path& folder) override { return below_.list(folder); }
  std::vector<std::byte> read(const std::filesystem::path& path) override { return below_.read(path); }

 private:
  int restricted(int file, const std::filesystem::path& path) {
    if (::fchmod(file, S_IRUSR | S_IWUSR) == 0) return file;
    const int code = errno;
    below_.close(file, path);
    below_.remove(path);
    fail_system(path, "restrict to its owner", code);
  }

  Files& below_;
};

}  // namespace detail

// Throws Error(system); an older page under the name then stays as it was.
inline void write_page(Files& files, const std::filesystem::path& path, const Page& page) {
  if (!page.holds_report_text()) return atomic_write(files, path, page.render());
  detail::OwnerOnlyFiles restricted(files);
  atomic_write(restricted, path, page.render());
}

}  // namespace mgca::viz
