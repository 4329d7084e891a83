// Pages of a mapped file given back, so that reading a large file through does not fill the memory of the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/mman.h>
#include <unistd.h>

namespace mgca::io::detail {

// The whole pages within some bytes of a mapped file, or the pages that hold any of them, with advice to the system.
inline void advise_pages(std::span<const std::byte> bytes, int advice, bool whole) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data()), end = begin + bytes.size();
  const auto first = (whole ? begin + page - 1 : begin) / page * page, last = whole ? end / page * page : end;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, advice);  // a failure costs memory or time only
}

// Only whole pages within the bytes, which must belong to a mapped file; they come back from the disk when looked at.
inline void release_pages(std::span<const std::byte> bytes) { advise_pages(bytes, MADV_DONTNEED, true); }
// The bytes will be looked at soon: reading them from the disk begins now.
inline void fetch_pages(std::span<const std::byte> bytes) { advise_pages(bytes, MADV_WILLNEED, false); }
// The bytes will be looked at here and there: what lies beside them is not to be read ahead.
inline void expect_scattered_reads(std::span<const std::byte> bytes) { advise_pages(bytes, MADV_RANDOM, false); }

}  // namespace mgca::io::detail
