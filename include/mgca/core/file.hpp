// Files that must survive a crash: every operation goes through one small interface, so that faults can be injected at
// each of them, and a file is replaced as a whole or not at all.
// Method: write a temporary beside the target, sync it, rename it over the target, sync the folder.
#pragma once

#include <mgca/core/error.hpp>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace mgca {

// The operations the library performs on files it must not lose. Each throws Error(system) naming operation, path and
// reason. Implementations for tests fail at a chosen operation or forget what was not synced.
class Files {
 public:
  virtual ~Files() = default;
  // Opens a new file for writing; fails if the name exists.
  virtual int create(const std::filesystem::path& path) = 0;
  // Opens a file to write behind its first `size` bytes; what follows them is cut off. With size 0 it need not exist. Fails for
  // a shorter file and for one that another process is writing.
  virtual int append(const std::filesystem::path& path, std::size_t size) = 0;
  // Writes some of the bytes and returns how many.
  virtual std::size_t write(int file, std::span<const std::byte> bytes, const std::filesystem::path& path) = 0;
  virtual void sync(int file, const std::filesystem::path& path) = 0;
  virtual void close(int file, const std::filesystem::path& path) = 0;
  virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual void sync_folder(const std::filesystem::path& folder) = 0;
  virtual void remove(const std::filesystem::path& path) = 0;
  [[nodiscard]] virtual std::vector<std::string> list(const std::filesystem::path& folder) = 0;
  [[nodiscard]] virtual std::vector<std::byte> read(const std::filesystem::path& path) = 0;
};

// Throws Error(system): "checkpoint.safetensors: cannot write: No space left on device".
[[noreturn]] inline void fail_system(const std::filesystem::path& path, std::string_view operation, int code) {
  fail(ErrorKind::system, path.string(), ": cannot ", operation, ": ", std::strerror(code));
}

namespace detail {

struct OpenFile {
  int file;
  std::size_t size;
};

// A regular file, open for reading. A pipe or device is refused, never waited for.
inline OpenFile open_regular(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) fail_system(path, "open", errno);
  struct stat status {};
  int code = ::fstat(file, &status) == 0 ? 0 : errno;
  if (code == 0 && S_ISDIR(status.st_mode)) code = EISDIR;
  if (code == 0 && !S_ISREG(status.st_mode)) code = EINVAL;
  if (code == 0) return {file, static_cast<std::size_t>(status.st_size)};
  ::close(file);
  fail_system(path, "read", code);
}

}  // namespace detail

class PosixFiles final : public Files {
 public:
  int create(const std::filesystem::path& path) override {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file < 0) fail_system(path, "create", errno);
    return file;
  }
  int append(const std::filesystem::path& path, std::size_t size) override {
    const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (size == 0 ? O_CREAT : 0), 0666);
    if (file < 0) fail_system(path, "open for writing", errno);
    struct stat status {};
    int code = ::flock(file, LOCK_EX | LOCK_NB) == 0 && ::fstat(file, &status) == 0 ? 0 : errno;
    if (code == 0 && static_cast<std::size_t>(status.st_size) < size) code = EINVAL;
    if (code == 0 && ::ftruncate(file, static_cast<off_t>(size)) != 0) code = errno;
    if (code == 0) return file;
    ::close(file);
    if (code == EWOULDBLOCK) fail(ErrorKind::system, path.string(), ": another process is writing it; wait for its end, or choose another name");
    fail_system(path, "continue", code);
  }
  std::size_t write(int file, std::span<const std::byte> bytes, const std::filesystem::path& path) override {
    for (;;) {
      const auto written = ::write(file, bytes.data(), bytes.size());
      if (written >= 0) return static_cast<std::size_t>(written);
      if (errno != EINTR) fail_system(path, "write", errno);
    }
  }
  void sync(int file, const std::filesystem::path& path) override {
    while (::fsync(file) != 0) {
      if (errno != EINTR) fail_system(path, "sync", errno);
    }
  }
  void close(int file, const std::filesystem::path& path) override {
    if (::close(file) != 0 && errno != EINTR) fail_system(path, "close", errno);
  }
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) fail_system(to, "rename a finished temporary to it", errno);
  }
  void sync_folder(const std::filesystem::path& folder) override {
    const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) fail_system(folder, "open the folder", errno);
    const int code = ::fsync(file) == 0 ? 0 : errno;
    ::close(file);
    if (code != 0 && code != EINVAL) fail_system(folder, "sync the folder", code);  // EINVAL: nothing to sync here
  }
  void remove(const std::filesystem::path& path) override {
    if (::unlink(path.c_str()) != 0) fail_system(path, "remove", errno);
  }
  std::vector<std::string> list(const std::filesystem::path& folder) override {
    std::vector<std::string> names;
    std::error_code code;
    for (std::filesystem::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
      names.push_back(it->path().filename().string());
    }
    if (code) fail_system(folder, "list", code.value());
    return names;
  }
  std::vector<std::byte> read(const std::filesystem::path& path) override {
    const auto [file, size] = detail::open_regular(path);
    std::vector<std::byte> bytes;
    int code = 0;
    try {
      bytes.resize(size);
    } catch (const std::bad_alloc&) {
      code = ENOMEM;
    }
    for (std::size_t done = 0; code == 0 && done < bytes.size();) {
      const auto got = ::read(file, bytes.data() + done, bytes.size() - done);
      if (got > 0) done += static_cast<std::size_t>(got);
      else if (got == 0) bytes.resize(done);  // the file shrank meanwhile: hand over what is there
      else if (errno != EINTR) code = errno;
    }
    ::close(file);
    if (code != 0) fail_system(path, "read", code);
    return bytes;
  }
};

[[nodiscard]] inline Files& posix_files() {
  static PosixFiles files;  // without state
  return files;
}

// A file that appears under its name only when it is whole. Without commit() the old file stays and the temporary goes.
class AtomicFile {
 public:
  AtomicFile(Files& files, std::filesystem::path target)
      : files_(&files), target_(std::move(target)), temporary_(temporary_name(target_)), file_(files.create(temporary_)) {}
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() {
    if (committed_) return;
    try {
      if (file_ >= 0) files_->close(std::exchange(file_, -1), temporary_);
    } catch (const Error&) {  // the failure that brought us here is the one to report
    }
    try {
      files_->remove(temporary_);
    } catch (const Error&) {  // left behind under a name nobody reads
    }
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto written = files_->write(file_, bytes, target_);
      if (written == 0) fail_system(target_, "write", EIO);
      bytes = bytes.subspan(written);
    }
  }
  // After this the file is on disk under its name, even through a power failure.
  void commit() {
    files_->sync(file_, target_);
    files_->close(std::exchange(file_, -1), target_);
    files_->rename(temporary_, target_);
    committed_ = true;
    files_->sync_folder(folder_of(target_));
  }

 private:
  static std::filesystem::path folder_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  }
  static std::filesystem::path temporary_name(const std::filesystem::path& target) {
    static std::atomic<unsigned> count = 0;
    return folder_of(target) / ("." + target.filename().string() + ".tmp-" + std::to_string(::getpid()) + "-" +
                                std::to_string(count++));
  }

  Files* files_;
  std::filesystem::path target_, temporary_;
  int file_;
  bool committed_ = false;
};

// Removes the temporaries that killed processes of this host left in a folder. A living process keeps its own.
inline void remove_abandoned(Files& files, const std::filesystem::path& folder) {
  constexpr std::string_view mark = ".tmp-";
  for (const auto& name : files.list(folder)) {
    const auto at = name.rfind(mark);
    if (!name.starts_with('.') || at == std::string::npos) continue;
    pid_t process = 0;
    std::from_chars(name.data() + at + mark.size(), name.data() + name.size(), process);
    if (process > 0 && ::kill(process, 0) != 0 && errno == ESRCH) files.remove(folder / name);
  }
}

// Replaces a file as a whole. Throws Error(system) and leaves the old file untouched.
inline void atomic_write(Files& files, const std::filesystem::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(files, path);
  file.write(bytes);
  file.commit();
}
inline void atomic_write(Files& files, const std::filesystem::path& path, std::string_view text) {
  atomic_write(files, path, std::as_bytes(std::span(text)));
}

[[nodiscard]] inline std::vector<std::byte> read_file(const std::filesystem::path& path) { return posix_files().read(path); }
[[nodiscard]] inline std::string read_text_file(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace mgca
