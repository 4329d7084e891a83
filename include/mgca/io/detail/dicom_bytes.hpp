// The bytes of a DICOM data set: as they stand in the file, or inflated as far as somebody looks.
#pragma once

#include <mgca/io/detail/image_container.hpp>

#ifndef MGCA_IMAGE_BACKEND_STB
#include <zlib.h>
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mgca::io::detail {

#ifdef MGCA_IMAGE_BACKEND_STB

class Inflater {
 public:
  explicit Inflater(std::span<const std::byte>) {
    throw ImageProblem("its data set is deflated, which needs zlib; build without MGCA_IMAGE_BACKEND_STB");
  }
  std::size_t inflate(std::span<std::byte>) { return 0; }
};

#else

// A raw deflate stream, unpacked piece by piece.
class Inflater {
 public:
  explicit Inflater(std::span<const std::byte> packed) : packed_(packed), stream_(new z_stream{}, &close) {
    if (inflateInit2(stream_.get(), -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }

  // Fills `out`, or less of it where the stream ends. Throws ImageProblem where it is damaged or cut off.
  std::size_t inflate(std::span<std::byte> out) {
    std::size_t done = 0;
    while (done < out.size() && !ended_) {
      const auto give = std::min<std::size_t>(packed_.size(), 1 << 30), room = std::min<std::size_t>(out.size() - done, 1 << 30);
      stream_->next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed_.data()));
      stream_->avail_in = static_cast<uInt>(give);
      stream_->next_out = reinterpret_cast<Bytef*>(out.data() + done);
      stream_->avail_out = static_cast<uInt>(room);
      const int code = ::inflate(stream_.get(), Z_NO_FLUSH);
      packed_ = packed_.subspan(give - stream_->avail_in);
      done += room - stream_->avail_out;
      if (code == Z_STREAM_END) {
        ended_ = true;  // a pad byte may follow, or a checksum and length as of gzip
        if (packed_.size() > 9) throw ImageProblem(std::to_string(packed_.size()) + " bytes stand behind the deflated data set");
      } else if (code == Z_BUF_ERROR || (code == Z_OK && packed_.empty() && stream_->avail_out != 0)) {
        throw ImageProblem("the deflated data set is cut off");
      } else if (code != Z_OK) {
        throw ImageProblem("the deflated data set is damaged");
      }
    }
    return done;
  }

 private:
  static void close(z_stream* stream) {
    inflateEnd(stream);
    delete stream;
  }

  std::span<const std::byte> packed_;
  std::unique_ptr<z_stream, void (*)(z_stream*)> stream_;
  bool ended_ = false;
};

#endif

class DicomBytes {
 public:
  explicit DicomBytes(std::span<const std::byte> file) : file_(file) {}

  // What follows `at` is a deflate stream; place 0 is its first byte. At most `budget` bytes of it are unpacked.
  void inflate_from(std::size_t at, std::size_t budget) {
    inflater_ = std::make_unique<Inflater>(file_.subspan(at));
    file_ = {};
    budget_ = budget;
  }
  void raise_budget(std::size_t by) { budget_ += by; }

  // Whether [at, at + count) exists.
  [[nodiscard]] bool has(std::size_t at, std::size_t count) {
    if (count > SIZE_MAX - at) return false;
    if (at + count <= file_.size()) return true;
    return inflater_ && unpack(at + count);
  }
  [[nodiscard]] std::span<const std::byte> get(std::size_t at, std::size_t count) {
    if (!has(at, count)) throw ImageProblem("the file ends early");
    return file_.subspan(at, count);
  }
  // How much is there, as far as it is known.
  [[nodiscard]] std::size_t size() const { return file_.size(); }

 private:
  bool unpack(std::size_t end) {
    if (end > budget_)
      throw ImageProblem("its deflated data set holds more than " + std::to_string(budget_) + " bytes, the limit for its size");
    const auto old = unpacked_.size();
    // In steps, so that a length that lies costs no memory.
    for (std::size_t size = old; size < end;) {
      const auto step =
          std::min(std::max<std::size_t>(end, std::min<std::size_t>(2 * size, budget_)) - size, std::max<std::size_t>(size, 1 << 16));
      unpacked_.resize(size + step);
      const auto got = inflater_->inflate(std::span(unpacked_).subspan(size));
      size += got;
      unpacked_.resize(size);
      file_ = unpacked_;
      if (got < step) break;
    }
    return end <= unpacked_.size();
  }

  std::span<const std::byte> file_;
  std::unique_ptr<Inflater> inflater_;
  std::vector<std::byte> unpacked_;
  std::size_t budget_ = 0;
};

}  // namespace mgca::io::detail
