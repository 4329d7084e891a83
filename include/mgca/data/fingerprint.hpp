// The identity of a data set: what a run compares before it goes on with other data than it began with.
#pragma once

#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/image/rle.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mgca::data {

namespace detail {
// Every field with its length or width, so that no two lists of fields give the same bytes.
class FieldHash {
 public:
  void number(std::uint64_t value) {
    std::array<std::byte, 8> bytes{};
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i) & 0xFFU);
    hash_.update(std::span<const std::byte>(bytes));
  }
  void number(double value) { number(std::isnan(value) ? ~std::uint64_t{0} : std::bit_cast<std::uint64_t>(value)); }  // one NaN
  void text(std::string_view value) {
    number(std::uint64_t{value.size()});
    hash_.update(value);
  }
  void mask(const std::optional<RunLengthMask>& value) {
    number(std::uint64_t{value ? 1U : 0U});
    if (!value) return;
    for (const auto side : {value->height, value->width}) number(static_cast<std::uint64_t>(side));
    number(std::uint64_t{value->runs.size()});
    for (const auto& [start, length] : value->runs) number(static_cast<std::uint64_t>(start)), number(static_cast<std::uint64_t>(length));
  }
  [[nodiscard]] std::string hex_digest() { return hash_.hex_digest(); }

 private:
  Sha256 hash_;
};
}  // namespace detail

// SHA-256 over label names and every record in order: image path, report, patient, split, view, age, sex, labels, boxes, masks, and the
// content of its picture where `pictures` (audit() makes them) has one per record. Row numbers do not count.
template <Dataset D>
[[nodiscard]] std::string fingerprint(const D& data, std::span<const std::uint64_t> pictures = {}) {
  MGCA_CHECK(pictures.empty() || static_cast<std::int64_t>(pictures.size()) == data.size(), "fingerprint: expected one picture for each of ", data.size(),
             " records, got ", pictures.size());
  detail::FieldHash hash;
  bool masks = false;
  for (std::int64_t i = 0; i < data.size() && !masks; ++i) masks = data.record(i).mask || data.record(i).undecided;
  hash.text(masks ? "mgca data 3" : "mgca data 2");  // without masks as it was before they counted
  hash.number(std::uint64_t{data.label_names().size()});
  for (const auto& name : data.label_names()) hash.text(name);
  hash.number(static_cast<std::uint64_t>(data.size()));
  hash.number(std::uint64_t{pictures.size()});
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto& study = data.record(i);
    for (const std::string_view text : {std::string_view(study.image.native()), std::string_view(study.report), std::string_view(study.patient), std::string_view(study.split),
                                        to_string(study.view), to_string(study.sex)}) {
      hash.text(text);
    }
    hash.number(study.age.value_or(std::nan("")));
    hash.number(std::uint64_t{study.labels.size()});
    for (const float label : study.labels) hash.number(static_cast<double>(label));
    hash.number(std::uint64_t{study.boxes.size()});
    for (const auto& [label, box] : study.boxes) {
      hash.text(label);
      for (const double side : {box.x1, box.y1, box.x2, box.y2}) hash.number(side);
    }
    for (const auto* mask : {&study.mask, &study.undecided}) {
      if (masks) hash.mask(*mask);
    }
    if (!pictures.empty()) hash.number(pictures[static_cast<std::size_t>(i)]);
  }
  return hash.hex_digest();
}

}  // namespace mgca::data
