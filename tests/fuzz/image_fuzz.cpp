// A picture that is read has the size its file claims and survives the way through a PNG. Mutated PNG files get checksums
// that fit again, so that the decoder behind the container checks is reached.
#include "fuzz.hpp"

#include <mgca/io/image_file.hpp>

#include <algorithm>

using mgca::test::demand;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  const std::span<std::byte> bytes(reinterpret_cast<std::byte*>(data), size);
  if (seed % 8 == 0 || !mgca::io::detail::is_png(bytes)) return size;
  for (std::size_t at = 8; at + 12 <= size;) {
    const std::size_t length = mgca::io::detail::big_endian(bytes, at, 4);
    if (length > size - at - 12) break;
    const auto crc = mgca::io::detail::crc32<0xEDB88320U>(bytes.subspan(at + 4, length + 4));
    for (std::size_t i = 0; i < 4; ++i) data[at + 8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    at += 12 + length;
  }
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto image = mgca::io::decode_image(std::as_bytes(std::span(data, size)), "fuzz", {.pixels = 1 << 20, .side = 4096, .scans = 20, .chunks = 500});
    demand(image.width() > 0 && image.height() > 0 && image.channels() == 1);
    const auto again = mgca::io::decode_image(mgca::io::encode_png(image.plane()), "again");
    demand(again.size() == image.size() && std::equal(image.pixels().begin(), image.pixels().end(), again.pixels().begin()));
  } catch (const mgca::Error& error) {
    demand(std::string_view(error.what()).starts_with("fuzz: "));
  }
  return 0;
}
