// The operating system's files with a fault at the k-th operation: how every crash path is tried.
#pragma once

#include <mgca/core/file.hpp>

#include <algorithm>
#include <cerrno>

namespace mgca::test {

class FaultyFiles final : public Files {
 public:
  enum class Mode { once, for_ever };
  struct Options {
    int64_t fail_at = 1;  // counted from 1
    int code = ENOSPC;
    Mode mode = Mode::once;
    bool die = false;     // end the process instead of reporting
  };
  explicit FaultyFiles(Options options) : options_(options) {}

  // Did the operation that was to fail happen at all?
  [[nodiscard]] bool reached() const { return count_ >= options_.fail_at; }

  int create(const std::filesystem::path& path) override { return before(path, "create"), real_.create(path); }
  int append(const std::filesystem::path& path, std::size_t size) override { return before(path, "append"), real_.append(path, size); }
  std::size_t write(int file, std::span<const std::byte> bytes, const std::filesystem::path& path) override {
    before(path, "write");
    return real_.write(file, bytes.first(std::min<std::size_t>(bytes.size(), 100)), path);  // short writes are legal
  }
  void sync(int file, const std::filesystem::path& path) override { before(path, "sync"), real_.sync(file, path); }
  void close(int file, const std::filesystem::path& path) override {
    try {
      before(path, "close");
    } catch (const Error&) {
      ::close(file);  // a failed close still gives the descriptor back
      throw;
    }
    real_.close(file, path);
  }
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override { before(to, "rename"), real_.rename(from, to); }
  void sync_folder(const std::filesystem::path& folder) override { before(folder, "sync folder"), real_.sync_folder(folder); }
  void remove(const std::filesystem::path& path) override { before(path, "remove"), real_.remove(path); }
  std::vector<std::string> list(const std::filesystem::path& folder) override { return before(folder, "list"), real_.list(folder); }
  std::vector<std::byte> read(const std::filesystem::path& path) override { return before(path, "read"), real_.read(path); }

 private:
  void before(const std::filesystem::path& path, std::string_view operation) {
    ++count_;
    if (count_ != options_.fail_at && !(options_.mode == Mode::for_ever && count_ > options_.fail_at)) return;
    if (options_.die) ::_exit(3);
    fail_system(path, operation, options_.code);
  }

  PosixFiles real_;
  Options options_;
  int64_t count_ = 0;
};

}  // namespace mgca::test
