// The pictures of a data set as they are stored before augmentation: in a pack, in memory, or made anew each time; and what stands in for
// those that cannot be read.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/core/random.hpp>
#include <mgca/data/bad_samples.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/data/pack.hpp>
#include <mgca/image/local_contrast.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mgca::detail {

template <Dataset D>
class PictureStore {
 public:
  // Keeps a reference to the data. Throws Error(data) where the pack lacks a record or its pictures were stored otherwise.
  PictureStore(const D& data, int64_t side, const LocalContrast& how, const BadSampleRule& bad, std::shared_ptr<const ImagePack> pack)
      : data_(&data), side_(side), how_(how), pack_(std::move(pack)), bad_(std::make_shared<BadSampleList>(bad, data.size())) {
    if (pack_) find_in_pack();
  }
  // Decodes all pictures, unless they are in the pack.
  void keep() {
    if (pack_) return;
    kept_.resize(static_cast<std::size_t>(data_->size()));
    parallel_for(data_->size(), [&](int64_t i) {
      try {
        kept_[static_cast<std::size_t>(i)] = made(i);
      } catch (const Error& error) {
        tell_bad(i, error);
      }
    });
  }

  [[nodiscard]] const BadSampleList& bad() const { return *bad_; }
  [[nodiscard]] const ImagePack* pack() const { return pack_.get(); }
  [[nodiscard]] int64_t place(int64_t i) const { return places_[static_cast<std::size_t>(i)]; }  // in the pack
  // These will be asked for soon.
  void fetch(std::span<const int64_t> records) const {
    if (!pack_) return;
    for (const auto i : records) pack_->fetch(place(i));
  }

  // A copy. Throws Error for a picture that cannot be read, whatever the rule says.
  [[nodiscard]] GreyImage copy(int64_t i) const {
    if (!pack_) return is_kept(i) ? kept_[static_cast<std::size_t>(i)] : made(i);
    const auto plane = pack_->picture(place(i));
    GreyImage picture({.height = plane.height, .width = plane.width});
    std::copy(plane.pixels.begin(), plane.pixels.end(), picture.pixels().begin());
    return picture;
  }

  struct Seen {
    int64_t record;
    Plane<const uint8_t> picture;
  };
  // What is seen in a record's place: itself, another drawn at its address where it is bad and to be replaced, or nothing where it is
  // to be skipped. The pixels lie in the pack, in memory, or in `room`.
  [[nodiscard]] std::optional<Seen> seen_at(int64_t i, const RandomKey& key, GreyImage& room) const {
    if (const auto own = picture(i, room)) return Seen{i, *own};
    if (bad_->rule().policy != BadSamples::replace) return std::nullopt;
    RandomStream random(key, Use::replace);
    for (int attempt = 0; attempt < 100; ++attempt) {
      const auto other = static_cast<int64_t>(random.below(static_cast<uint64_t>(data_->size())));
      if (const auto found = picture(other, room)) return Seen{other, *found};
    }
    fail(ErrorKind::data, "nothing found to replace row ", data_->record(i).row, ": none of 100 other pictures can be read");
  }

 private:
  void find_in_pack() {
    const auto& content = pack_->content();
    if (content.side != side_ || content.local_contrast != how_) {
      fail(ErrorKind::data, pack_->source(), ": its pictures were stored otherwise than asked for (side ", content.side, " and ", side_,
           " pixels, radius of local contrast ", content.local_contrast.radius, " and ", how_.radius,
           "); pack the pictures again with mgca pack");
    }
    for (int64_t i = 0; i < data_->size(); ++i) {
      const auto row = data_->record(i).row;
      const auto found = pack_->find(data_->record(i));
      if (!found) fail(ErrorKind::data, pack_->source(), ": row ", row, " is not in the pack; pack the pictures again with mgca pack");
      places_.push_back(*found);
      if (pack_->entry(*found).bad)
        bad_->add(row, pack_->source() + ": row " + std::to_string(row) + ": its picture could not be read when the pack was made");
    }
  }
  [[nodiscard]] bool is_kept(int64_t i) const { return !kept_.empty() && !kept_[static_cast<std::size_t>(i)].empty(); }
  [[nodiscard]] GreyImage made(int64_t i) const {
    const auto decoded = data_->image(i);
    return data::stored_picture(decoded.plane(), side_, how_);
  }
  void tell_bad(int64_t i, const Error& error) const { bad_->add(data_->record(i).row, error.what(), error.kind()); }
  [[nodiscard]] std::optional<Plane<const uint8_t>> picture(int64_t i, GreyImage& room) const {
    if (is_kept(i)) return kept_[static_cast<std::size_t>(i)].plane();
    if (!kept_.empty()) return std::nullopt;
    try {
      if (pack_) return pack_->picture(place(i));
      room = made(i);
      return std::as_const(room).plane();
    } catch (const Error& error) {
      tell_bad(i, error);
      return std::nullopt;
    }
  }

  const D* data_;
  int64_t side_;
  LocalContrast how_;
  std::shared_ptr<const ImagePack> pack_;
  std::shared_ptr<BadSampleList> bad_;
  std::vector<int64_t> places_;   // of the records, in the pack
  std::vector<GreyImage> kept_;   // empty pictures: bad ones
};

}  // namespace mgca::detail
