// What the library asks of a data set: four members and no base class.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/data/record.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

template <class D>
concept Dataset = requires(const D& data, std::int64_t i) {
  { data.size() } -> std::convertible_to<std::int64_t>;
  { data.record(i) } -> std::convertible_to<const Study&>;
  { data.image(i) } -> std::same_as<GreyImage>;  // may be called from several threads at once
  { data.label_names() } -> std::convertible_to<const std::vector<std::string>&>;
};

namespace detail {

// Said at the point of use, one sentence for the first member that is missing; what follows it in a compiler's output may be ignored.
template <class D>
consteval bool require_dataset() {
  constexpr bool size = requires(const D& data) { { data.size() } -> std::convertible_to<std::int64_t>; };
  constexpr bool record = requires(const D& data, std::int64_t i) { { data.record(i) } -> std::convertible_to<const Study&>; };
  constexpr bool image = requires(const D& data, std::int64_t i) { { data.image(i) } -> std::same_as<GreyImage>; };
  constexpr bool names = requires(const D& data) { { data.label_names() } -> std::convertible_to<const std::vector<std::string>&>; };
  static_assert(size, "a data set lacks size() const -> std::int64_t, see mgca/data/dataset.hpp");
  static_assert(!size || record, "a data set lacks record(i) const -> const mgca::Study&, see mgca/data/dataset.hpp");
  static_assert(!size || !record || image, "a data set lacks image(i) const -> mgca::GreyImage, see mgca/data/dataset.hpp");
  static_assert(!size || !record || !image || names, "a data set lacks label_names() const -> const std::vector<std::string>&, see mgca/data/dataset.hpp");
  return true;
}

}  // namespace detail

// A data set of files may also have `image_bytes(i)`, the bytes of the image file, of which a pack keeps the hash, and `image_stamp(i)`, a
// number that changes when the file does, by which an unfinished pack knows that a picture it holds is no longer the one of the file.

// Some records of a data set, in the order given. Keeps a reference.
template <class D>
class Subset {
 public:
  Subset(const D& data, std::vector<std::int64_t> records) : data_(&data), records_(std::move(records)) {
    for (const auto i : records_) MGCA_CHECK(i >= 0 && i < data.size(), "subset: record ", i, " of ", data.size());
  }

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(records_.size()); }
  [[nodiscard]] std::int64_t original(std::int64_t i) const { return records_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] decltype(auto) record(std::int64_t i) const { return data_->record(original(i)); }
  [[nodiscard]] GreyImage image(std::int64_t i) const { return data_->image(original(i)); }
  [[nodiscard]] std::vector<std::byte> image_bytes(std::int64_t i) const
    requires requires(const D& data) { data.image_bytes(i); }
  {
    return data_->image_bytes(original(i));
  }
  [[nodiscard]] std::uint64_t image_stamp(std::int64_t i) const
    requires requires(const D& data) { data.image_stamp(i); }
  {
    return data_->image_stamp(original(i));
  }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return data_->label_names(); }

 private:
  const D* data_;
  std::vector<std::int64_t> records_;
};

// The records of one split. Throws Error(data) listing the splits that exist if there is none.
template <class D>
[[nodiscard]] Subset<D> split_of(const D& data, const std::string& split) {
  static_assert(detail::require_dataset<D>());
  std::vector<std::int64_t> records;
  std::vector<std::string> known;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto& name = data.record(i).split;
    if (name == split) records.push_back(i);
    else if (std::find(known.begin(), known.end(), name) == known.end()) known.push_back(name);
  }
  if (records.empty()) {
    std::string list;
    for (const auto& name : known) list += (list.empty() ? "'" : ", '") + name + "'";
    fail(ErrorKind::data, "split '", split, "': no record belongs to it; splits of this data set: ", list.empty() ? "none" : list);
  }
  return Subset<D>(data, std::move(records));
}

}  // namespace mgca
