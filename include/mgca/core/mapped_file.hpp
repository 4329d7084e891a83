// A file as memory, and advice to the system about its pages, so that reading a large one through does not fill the memory of the
// process and what is needed next is there in time. Advice changes no byte.
#pragma once

#include <mgca/core/file.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
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

namespace detail {
// The whole pages within some bytes of a mapped file, or the pages that hold any of them.
inline void advise_pages(std::span<const std::byte> bytes, int advice, bool whole) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data()), end = begin + bytes.size();
  const auto first = (whole ? begin + page - 1 : begin) / page * page, last = whole ? end / page * page : end;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, advice);  // a failure costs memory or time only
}
}  // namespace detail

// Only whole pages within the bytes, which must belong to a mapped file; they come back from the disk when looked at.
inline void release_pages(std::span<const std::byte> bytes) { detail::advise_pages(bytes, MADV_DONTNEED, true); }
// The bytes will be looked at soon: reading them from the disk begins now.
inline void fetch_pages(std::span<const std::byte> bytes) { detail::advise_pages(bytes, MADV_WILLNEED, false); }
// The bytes will be looked at here and there: what lies beside them is not to be read ahead.
inline void expect_scattered_reads(std::span<const std::byte> bytes) { detail::advise_pages(bytes, MADV_RANDOM, false); }

}  // namespace mgca
