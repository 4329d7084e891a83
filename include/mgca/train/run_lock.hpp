// One run per folder: a second one is told who holds it. The lock dies with its owner, whatever killed it; no clock is asked.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <unistd.h>

namespace mgca {

class RunLock {
 public:
  // Throws Error(system) naming host and process of the owner.
  explicit RunLock(const std::filesystem::path& folder) : path_(folder / "run.lock") {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file_ < 0) fail_system(path_, "open", errno);
    try {
      take(folder);
    } catch (...) {
      ::close(file_);
      throw;
    }
  }
  ~RunLock() {
    (void)!::ftruncate(file_, 0);
    ::close(file_);
  }
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  static std::string host() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
  }

  void take(const std::filesystem::path& folder) {
    std::string owner;
    for (int attempt = 0; attempt < 200; ++attempt) {  // a new owner needs a moment to write its name over a dead one's
      if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return sign();
      if (errno != EWOULDBLOCK && errno != EINTR) fail_system(path_, "lock", errno);
      owner = signature();
      if (names_living_process(owner)) break;
      ::usleep(5000);
    }
    fail(ErrorKind::system, folder.string(), ": another run works in this folder (", owner.empty() ? "owner unknown" : owner,
         "); wait for it, stop it, or choose another folder");
  }
  // The text only helps the message above; the lock holds without it.
  void sign() const {
    const auto text = "host " + host() + ", process " + std::to_string(::getpid());
    if (::ftruncate(file_, 0) == 0) (void)!::pwrite(file_, text.data(), text.size(), 0);
  }
  [[nodiscard]] std::string signature() const {
    std::array<char, 512> text{};
    const auto length = ::pread(file_, text.data(), text.size(), 0);
    return {text.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
  }
  // Of another host nothing is known, so its word is taken.
  static bool names_living_process(std::string_view owner) {
    const auto mine = "host " + host() + ", process ";
    if (!owner.starts_with(mine)) return !owner.empty();
    owner.remove_prefix(mine.size());
    pid_t process = 0;
    std::from_chars(owner.data(), owner.data() + owner.size(), process);
    return process > 0 && (::kill(process, 0) == 0 || errno != ESRCH);
  }

  std::filesystem::path path_;
  int file_ = -1;
};

}  // namespace mgca
