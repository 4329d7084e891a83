// A DICOM file that is read has values within its bits and reads the same again. Mutations change what the format is made of:
// lengths, representations and tags of elements, numbers that describe the pixels, whole elements, nesting.
#include "fuzz.hpp"

#include <mgca/io/dicom.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

using mgca::test::demand;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

struct Place {
  std::size_t at, length_at, length_bytes, value, end;
};

// Elements of an explicit little endian file, one after the other and into sequences, as far as they make sense.
std::vector<Place> places(std::span<const std::uint8_t> b) {
  constexpr std::string_view wide = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
  std::vector<Place> all;
  const auto number = [&](std::size_t at, std::size_t count) {
    std::size_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | b[at + i];
    return value;
  };
  for (std::size_t at = 132; at + 8 <= b.size() && all.size() < 200;) {
    const bool item = number(at, 2) == 0xFFFE, sequence = b[at + 4] == 'S' && b[at + 5] == 'Q';
    const bool is_wide =
        !item && wide.find(std::string_view(reinterpret_cast<const char*>(b.data() + at + 4), 2)) != std::string_view::npos;
    if (is_wide && at + 12 > b.size()) break;
    Place place{.at = at,
                .length_at = at + (item      ? 4U
                                   : is_wide ? 8U
                                             : 6U),
                .length_bytes = item || is_wide ? 4U : 2U,
                .value = 0,
                .end = 0};
    place.value = place.length_at + place.length_bytes;
    const auto length = number(place.length_at, place.length_bytes);
    place.end = length > b.size() - place.value ? place.value : place.value + length;
    all.push_back(place);
    at = item || sequence ? place.value : place.end;
  }
  return all;
}

std::size_t replace(std::uint8_t* data, std::size_t size, std::size_t max_size, std::size_t at, std::span<const std::uint8_t> with) {
  if (with.size() > max_size - size) return size;
  std::memmove(data + at + with.size(), data + at, size - at);
  std::memcpy(data + at, with.data(), with.size());
  return size + with.size();
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  constexpr std::array<std::uint32_t, 12> lengths{0, 1, 2, 4, 7, 8, 64, 255, 65535, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF};
  constexpr std::string_view representations = "OBOWSQUNUSISDSCSUTPNLOUIZZ";
  constexpr std::array<std::uint16_t, 12> tags{0x0002, 0x0004, 0x0008, 0x0010, 0x0011, 0x0100,
                                               0x0101, 0x0102, 0x0103, 0x1050, 0x1053, 0x3000};
  const auto all = places(std::span(data, size));
  if (seed % 4 == 0 || all.empty()) return LLVMFuzzerMutate(data, size, max_size);
  const auto& one = all[seed / 16 % all.size()];
  const auto pick = seed / 4096;
  switch (seed / 4 % 8) {
    case 0:
      for (std::size_t i = 0; i < one.length_bytes; ++i)
        data[one.length_at + i] = static_cast<std::uint8_t>(lengths[pick % lengths.size()] >> (8 * i));
      return size;
    case 1:
      if (one.length_at >= one.at + 6)
        std::memcpy(data + one.at + 4, representations.data() + 2 * (pick % (representations.size() / 2)), 2);
      return size;
    case 2:  // another attribute of the pixels
      data[one.at] = 0x28, data[one.at + 1] = 0, data[one.at + 2] = static_cast<std::uint8_t>(tags[pick % tags.size()]),
      data[one.at + 3] = static_cast<std::uint8_t>(tags[pick % tags.size()] >> 8);
      return size;
    case 3:
      if (one.end - one.value >= 2)
        data[one.value] = static_cast<std::uint8_t>(pick), data[one.value + 1] = static_cast<std::uint8_t>(pick % 3 == 0 ? pick >> 8 : 0);
      return size;
    case 4:
      return replace(data, size, max_size, one.at, std::vector<std::uint8_t>(data + one.at, data + one.end));  // twice
    case 5:
      std::memmove(data + one.at, data + one.end, size - one.end);
      return size - (one.end - one.at);
    case 6: {
      constexpr std::array<std::uint8_t, 20> open{0x40, 0,    0x75, 2,    'S', 'Q',  0,    0,    0xFF, 0xFF,
                                                  0xFF, 0xFF, 0xFE, 0xFF, 0,   0xE0, 0xFF, 0xFF, 0xFF, 0xFF};
      constexpr std::array<std::uint8_t, 16> close{0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0};
      if (max_size - size < 36) return size;
      size = replace(data, size, max_size, one.end, close);
      return replace(data, size, max_size, one.at, open);
    }
    default:  // within the value: fragments, runs, JPEG
      if (one.end > one.value) LLVMFuzzerMutate(data + one.value, one.end - one.value, one.end - one.value);
      return size;
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const mgca::io::DicomOptions options{.frame = size % 2 == 0 ? std::optional<std::int64_t>(0) : std::nullopt,
                                       .limits = {.pixels = 1 << 16, .side = 4096, .elements = 1000, .nesting = 16, .header = 1 << 16}};
  try {
    const auto image = mgca::io::decode_dicom(bytes, "fuzz", options);
    const auto pixels = image.stored.pixels();
    demand(!pixels.empty() && image.bits_stored >= 1 && image.bits_stored <= 16);
    const auto [least, most] = std::minmax_element(pixels.begin(), pixels.end());
    demand(*most - *least < 1 << image.bits_stored && *least >= -(1 << (image.bits_stored - 1)) && *most < 1 << image.bits_stored);
    const auto again = mgca::io::decode_dicom(bytes, "again", options);
    demand(again.stored.size() == image.stored.size() && std::equal(pixels.begin(), pixels.end(), again.stored.pixels().begin()));
    demand(mgca::io::dicom_to_grey(image).pixels().size() == pixels.size());
    if (!image.modality_table) (void)mgca::io::dicom_to_grey(image, {.contrast = mgca::io::DicomContrast::rescaled, .window = {}});
    if (!image.modality_table && !image.windows.empty()) {
      try {
        (void)mgca::io::dicom_to_grey(image, {.contrast = mgca::io::DicomContrast::window, .window = {}});
      } catch (const mgca::Error& error) {
        demand(error.kind() == mgca::ErrorKind::argument);  // a window of no width
      }
    }
  } catch (const mgca::Error& error) {
    demand(std::string_view(error.what()).starts_with("fuzz: "));
  }
  return 0;
}
