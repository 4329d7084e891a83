// One run per folder: a second one is told who holds it. The lock dies with its owner, whatever killed it.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/file.h>
#include <unistd.h>

namespace mgca {

class RunLock {
 public:
  // Throws Error(system) naming host and process of the owner.
  explicit RunLock(const std::filesystem::path& folder) {
    const auto path = folder / "run.lock";
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file_ < 0) fail_system(path, "open", errno);
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      std::array<char, 256> owner{};
      const auto length = ::read(file_, owner.data(), owner.size() - 1);
      ::close(file_);
      fail(ErrorKind::system, folder.string(), ": another run works in this folder (",
           length > 0 ? std::string(owner.data(), static_cast<std::size_t>(length)) : std::string("owner unknown"),
           "); wait for it, stop it, or choose another folder");
    }
    std::array<char, 128> host{};
    ::gethostname(host.data(), host.size() - 1);
    const auto text = std::string("host ") + host.data() + ", process " + std::to_string(::getpid());
    // The text only helps the message above; the lock holds without it.
    if (::ftruncate(file_, 0) == 0) (void)!::write(file_, text.data(), text.size());
  }
  ~RunLock() { ::close(file_); }
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int file_;
};

}  // namespace mgca
