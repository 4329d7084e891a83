// Gzip files, in which PhysioNet ships its tables: decompressed in memory, up to a limit, with length and checksum verified.
// Reference: RFC 1952.
#pragma once

#include <mgca/core/error.hpp>

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace mgca::io {

[[nodiscard]] inline bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1F\x8B"); }

// The text of all members of the file. `source` names it in errors. Throws Error(data) for anything but whole gzip members, and for
// more than `limit` bytes of text.
[[nodiscard]] inline std::string gunzip(std::string_view bytes, const std::string& source, std::size_t limit = std::size_t{1} << 30) {
  constexpr int gzip_only = 16 + MAX_WBITS;
  constexpr std::size_t piece = std::size_t{1} << 16;
  z_stream stream{};
  if (inflateInit2(&stream, gzip_only) != Z_OK) fail(ErrorKind::system, source, ": no memory to decompress it");
  struct Guard {
    z_stream* stream;
    ~Guard() { inflateEnd(stream); }
  } guard{&stream};
  std::string text;
  std::size_t at = 0;
  for (int code = Z_OK; at < bytes.size() || code != Z_STREAM_END;) {
    if (code == Z_STREAM_END) inflateReset(&stream);  // another member follows
    const auto given = std::min<std::size_t>(bytes.size() - at, std::numeric_limits<uInt>::max());
    const auto old = text.size();
    text.resize(old + piece);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + at));  // NOLINT: zlib does not write there
    stream.avail_in = static_cast<uInt>(given);
    stream.next_out = reinterpret_cast<Bytef*>(text.data() + old);  // NOLINT: bytes as characters
    stream.avail_out = static_cast<uInt>(piece);
    code = inflate(&stream, Z_NO_FLUSH);
    at += given - stream.avail_in;
    text.resize(old + piece - stream.avail_out);
    if (text.size() > limit)
      fail(ErrorKind::data, source, ": more than the limit of ", limit, " bytes when decompressed; decompress it with gunzip");
    if (code == Z_BUF_ERROR || (code == Z_OK && at == bytes.size() && stream.avail_out > 0)) {
      fail(ErrorKind::data, source, ": the compressed file ends too early, after ", bytes.size(), " bytes; download it again");
    }
    if (code != Z_OK && code != Z_STREAM_END) {
      fail(ErrorKind::data, source, ": byte ", at, " of ", bytes.size(), " is no valid gzip data; download it again");
    }
  }
  return text;
}

}  // namespace mgca::io
