// A picture that is read has the size its file claims and survives the way through a PNG; tolerance and reduced size change only
// what they are for. The mutator knows what files are made of: chunks and segments are changed, doubled, dropped and exchanged,
// sizes set to extremes, pixel data changed behind their compression, and checksums and lengths fit again.
#include "fuzz.hpp"

#include <mgca/io/image_file.hpp>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <random>

using mgca::io::DecodedImage;
using mgca::test::demand;
using Bytes = std::vector<std::uint8_t>;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

struct Part {
  std::uint32_t type = 0;  // of a PNG chunk, or the marker of a JPEG segment
  Bytes data;
};
struct Parts {
  std::vector<Part> list;
  Bytes rest;  // what follows: the end of a PNG, the scans of a JPEG
};

Parts taken_apart(std::span<const std::uint8_t> file, bool png) {
  Parts parts;
  const auto bytes = std::as_bytes(file);
  std::size_t at = png ? 8 : 2;
  const std::size_t head = png ? 8 : 4, tail = png ? 4 : 0;
  while (at + head + tail <= file.size()) {
    const std::size_t length = png ? mgca::io::detail::big_endian(bytes, at, 4) : mgca::io::detail::big_endian(bytes, at + 2, 2);
    const std::size_t data = png ? length : std::max<std::size_t>(length, 2) - 2;
    if (data > file.size() - at - head - tail || (!png && (length < 2 || file[at] != 0xFF))) break;
    const auto from = file.subspan(at + head, data);
    parts.list.push_back(
        {.type = png ? mgca::io::detail::big_endian(bytes, at + 4, 4) : file[at + 1], .data = Bytes(from.begin(), from.end())});
    at += head + data + tail;
    if (!png && parts.list.back().type == 0xDA) break;  // entropy-coded data have no length
  }
  parts.rest.assign(file.begin() + static_cast<std::ptrdiff_t>(std::min(at, file.size())), file.end());
  return parts;
}

void put(Bytes& out, std::uint32_t value, int count) {
  for (int i = count - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

Bytes put_together(const Parts& parts, bool png) {
  Bytes out = png ? Bytes{0x89, 'P', 'N', 'G', 13, 10, 26, 10} : Bytes{0xFF, 0xD8};
  for (const auto& part : parts.list) {
    if (png) {
      put(out, static_cast<std::uint32_t>(part.data.size()), 4);
      const auto start = out.size();
      put(out, part.type, 4);
      out.insert(out.end(), part.data.begin(), part.data.end());
      put(out, mgca::io::detail::crc32<0xEDB88320U>(std::as_bytes(std::span(out)).subspan(start)), 4);
    } else {
      put(out, 0xFF00U | part.type, 2);
      put(out, static_cast<std::uint32_t>(std::min<std::size_t>(part.data.size() + 2, 0xFFFF)), 2);
      out.insert(out.end(), part.data.begin(), part.data.end());
    }
  }
  out.insert(out.end(), parts.rest.begin(), parts.rest.end());
  return out;
}

void mutate(Bytes& data, std::size_t more) {
  const auto size = data.size();
  data.resize(size + more);
  data.resize(LLVMFuzzerMutate(data.data(), size, data.size()));
}

// The rows behind the compression, changed and compressed again.
void mutate_rows(Bytes& data) {
  Bytes rows(1 << 16);
  uLongf length = rows.size();
  if (data.empty() || uncompress(rows.data(), &length, data.data(), data.size()) != Z_OK) return;
  rows.resize(length);
  mutate(rows, 64);
  data.resize(compressBound(rows.size()));
  length = data.size();
  compress2(data.data(), &length, rows.data(), rows.size(), 1);
  data.resize(length);
}

void mutate_parts(Parts& parts, bool png, std::minstd_rand& random) {
  auto& list = parts.list;
  const auto any = [&](std::size_t count) { return random() % count; };
  if (list.empty()) return;
  const auto i = any(list.size());
  switch (any(8)) {
    case 0:
      list.insert(list.begin() + static_cast<std::ptrdiff_t>(any(list.size() + 1)), Part(list[i]));
      return;
    case 1:
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    case 2:
      std::swap(list[i], list[any(list.size())]);
      return;
    case 3: {  // a frame of another size, depth or kind
      constexpr std::array<std::uint8_t, 12> extremes{0, 1, 2, 3, 4, 7, 8, 9, 16, 17, 127, 255};
      for (auto& part : list) {
        const bool frame = png ? part.type == mgca::io::detail::kHeaderChunk : part.type >= 0xC0 && part.type <= 0xCF && part.type != 0xC4;
        if (frame && !part.data.empty()) part.data[any(part.data.size())] = extremes[any(extremes.size())];
      }
      return;
    }
    case 4: {
      constexpr std::array<std::uint32_t, 8> kinds{mgca::io::detail::kDataChunk,
                                                   mgca::io::detail::kPaletteChunk,
                                                   mgca::io::detail::kEndChunk,
                                                   0x74524E53 /* tRNS */,
                                                   0x67414D41 /* gAMA */,
                                                   0x62414B47 /* bKGD */,
                                                   0x6943,
                                                   0x65584966 /* eXIf */};
      list[i].type = png ? kinds[any(kinds.size())] : static_cast<std::uint32_t>(0xC0 + any(64));
      return;
    }
    case 5:
      mutate(parts.rest, 16);
      return;
    case 6:
      if (png && list[i].type == mgca::io::detail::kDataChunk) return mutate_rows(list[i].data);
      [[fallthrough]];
    default:
      mutate(list[i].data, 16);
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  const std::span file(data, size);
  const bool png = mgca::io::detail::is_png(std::as_bytes(file));
  if (seed % 8 == 0 || (!png && !mgca::io::detail::is_jpeg(std::as_bytes(file)))) return LLVMFuzzerMutate(data, size, max_size);
  std::minstd_rand random(seed);
  auto parts = taken_apart(file, png);
  for (unsigned i = 0; i <= seed % 3; ++i) mutate_parts(parts, png, random);
  const auto out = put_together(parts, png);
  if (out.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(out.begin(), out.end(), data);
  return out.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto same = [](const mgca::GreyImage& a, const mgca::GreyImage& b) {
    return a.size() == b.size() && std::equal(a.pixels().begin(), a.pixels().end(), b.pixels().begin());
  };
  const auto read = [&](std::int64_t reduced_to, bool tolerant) {
    DecodedImage decoded;
    try {
      decoded = mgca::io::decode_image_as(
          bytes, "fuzz",
          {.limits = {.pixels = 1 << 20, .side = 4096, .scans = 20, .chunks = 500}, .reduced_to = reduced_to, .tolerant = tolerant});
    } catch (const mgca::Error& error) {
      demand(std::string_view(error.what()).starts_with("fuzz: "));
    }
    return decoded;
  };
  const auto strict = read(0, false), tolerant = read(0, true);
  demand(strict.image.empty() || (strict.damage.empty() && strict.image.size() == strict.full));
  demand(strict.image.empty() || (tolerant.damage.empty() && same(strict.image, tolerant.image)));
  demand(!strict.image.empty() || tolerant.image.empty() || !tolerant.damage.empty());
  if (strict.image.empty()) return 0;
  const auto reduced = read(16, false);
  const auto part = [&](std::int64_t side) { return (side + reduced.reduction - 1) / reduced.reduction; };
  demand(reduced.image.empty() || (reduced.full == strict.full && reduced.image.height() == part(strict.full.height) &&
                                   reduced.image.width() == part(strict.full.width)));
  demand(same(mgca::io::decode_image(mgca::io::encode_png(strict.image.plane()), "again"), strict.image));
  return 0;
}
