// A file as memory.
#pragma once

#include <mgca/core/file.hpp>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace mgca {

// A file as memory, without a copy: pages come from the disk when they are touched and go when memory is short. What is
// open stays as it is when another file takes its name; a file that somebody cuts off while it is open ends the process.
class MappedFile {
 public:
  // Throws Error(system), for a folder, pipe or device too.
  explicit MappedFile(const std::filesystem::path& path) {
    const auto [file, size] = detail::open_regular(path);
    void* address = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    const int code = errno;
    ::close(file);
    if (address == MAP_FAILED) fail_system(path, "map", code);
    bytes_ = {static_cast<const std::byte*>(address), size};
  }
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace mgca
