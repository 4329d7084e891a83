// Pictures and masks of a data set as batches, turned and scaled together by address.
// Reference: the published segmentation data: masks reduced by area averages (soft edges), pictures turned at their own size;
// albumentations' ShiftScaleRotate.
#pragma once

#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/data/pack.hpp>  // stored_picture
#include <mgca/feed/loader.hpp>
#include <mgca/feed/picture_config.hpp>  // ImageStore
#include <mgca/image/augment.hpp>
#include <mgca/image/mask.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/tensor/torch.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

struct MaskBatch {
  Tensor images;                 // (B, 1, S, S) uint8
  Tensor masks;                  // (B, 1, S, S) float32: 0 outside, 1 inside, between at soft edges, NaN undecided
  std::vector<int64_t> records;  // positions in the data set

  [[nodiscard]] int64_t size() const { return images.size(0); }
  void pin() { page_lock(images, masks); }
};

enum class MaskOrigin : uint8_t {
  mask,   // Study::mask
  boxes,  // the union of Study::boxes with corners cut to whole numbers, as published for RSNA; no box: an empty mask
};
constexpr auto names_of(MaskOrigin) { return std::to_array<std::string_view>({"mask", "boxes"}); }

struct MaskSourceConfig {
  int64_t side = 224;  // of pictures and masks, pixels
  MaskOrigin origin = MaskOrigin::mask;
  LocalContrast local_contrast;                                     // not in profile official
  Augmentation augmentation = augmentations::shift_scale_rotate();  // its turning, scaling and shifting, of picture and mask
  // official: the picture is turned at its own size and then squashed to the side, the mask turned at the side, each about its own centre.
  // fixed: both are fitted into the side first, keeping their shape, and then turned as one.
  Profile profile = Profile::fixed;
  // none: pictures are decoded and masks made anew for every batch. memory keeps, for each record, a picture of the side (official: as
  // decoded) and four bytes for each pixel of the side.
  ImageStore store = ImageStore::memory;

  static void describe(auto& self, auto&& field) {
    field("side", self.side, "side of pictures and masks, pixels");
    field("origin", self.origin, "what masks are made of");
    field("local_contrast", self.local_contrast, "whether pictures are evened out before they are stored");
    field("augmentation", self.augmentation, "how picture and mask are turned, scaled and shifted");
    field("profile", self.profile, "what is done first, resizing or turning");
    field("store", self.store, "whether pictures and masks are kept");
  }
  void validate() const {
    local_contrast.validate();
    augmentation.validate();
    MGCA_CHECK(side > 0, "mask_source: side must be positive, got ", side);
    MGCA_CHECK(profile == Profile::fixed || local_contrast == LocalContrast{}, "mask_source: local contrast needs profile fixed");
    const bool other = augmentation.flip > 0 || augmentation.least_area < 1 || augmentation.blurred > 0 || augmentation.brightness > 0 ||
                       augmentation.contrast > 0;
    MGCA_CHECK(!other,
               "mask_source: only rotate, scale, shift and moved apply to masks; leave flip, least_area, blurred, brightness and contrast "
               "as they are");
  }
};

namespace detail {

// Marked pixels as 1, reduced (or enlarged) to `size`; NaN where an undecided pixel has a part.
inline Image<float> resized_mask(const RunLengthMask& runs, const std::optional<RunLengthMask>& undecided, const ImageSize& size) {
  const auto made = [&](const RunLengthMask& mask) {
    const auto marked = image::painted(mask, 1);
    Image<float> values(marked.size());
    std::copy(marked.pixels().begin(), marked.pixels().end(), values.pixels().begin());
    if (size == values.size()) return values;
    if (size.height <= mask.height && size.width <= mask.width) return image::resize_area(std::as_const(values).plane(), size);
    Image<float> larger(size);
    for (int64_t y = 0; y < size.height; ++y) {
      for (int64_t x = 0; x < size.width; ++x) larger.at(y, x) = values.at(y * mask.height / size.height, x * mask.width / size.width);
    }
    return larger;
  };
  auto out = made(runs);
  if (!undecided) return out;
  const auto unknown = made(*undecided);
  for (std::size_t i = 0; i < out.pixels().size(); ++i) {
    if (unknown.pixels()[i] > 0) out.pixels()[i] = std::numeric_limits<float>::quiet_NaN();
  }
  return out;
}

inline Image<float> padded_mask(const Image<float>& mask, int64_t side) {
  const auto zeros = image::square_padding(mask.size(), side);
  Image<float> out({.height = side, .width = side});
  for (int64_t y = 0; y < mask.height(); ++y) {
    const auto row = mask.plane().row(y);
    std::copy(row.begin(), row.end(), out.plane().row(y + zeros.top).begin() + zeros.left);
  }
  return out;
}

}  // namespace detail

template <Dataset D>
class MaskSource {
 public:
  using Batch = MaskBatch;

  // Keeps a reference to the data. Every picture is decoded when the source is made, or with store=none for the batches that show it; then
  // Error is thrown, naming the row, for a picture that cannot be read and a mask that has another size than its picture. A record without
  // mask where masks are asked for is refused at once.
  MaskSource(const D& data, const MaskSourceConfig& config) : data_(&data), config_((config.validate(), config)) {
    for (int64_t i = 0; config_.origin == MaskOrigin::mask && i < data.size(); ++i) {
      if (!data.record(i).mask)
        fail(ErrorKind::data, "row ", data.record(i).row, ": it has no mask; leave it out, or make masks of boxes with origin=boxes");
    }
    if (config_.store == ImageStore::none) return;
    std::vector<Pair> all(static_cast<std::size_t>(data.size()));
    parallel_for(data.size(), [&](int64_t i) { all[static_cast<std::size_t>(i)] = made(i); });
    stored_ = std::make_shared<const std::vector<Pair>>(std::move(all));
  }

  [[nodiscard]] int64_t size() const { return data_->size(); }
  [[nodiscard]] const D& data() const { return *data_; }
  [[nodiscard]] int64_t row(int64_t i) const { return data_->record(i).row; }  // where a record stands in its table
  [[nodiscard]] const MaskSourceConfig& config() const { return config_; }
  // The same pictures and masks for evaluation: nothing random.
  [[nodiscard]] MaskSource without_augmentation() const {
    MaskSource plain = *this;
    plain.config_.augmentation.moved = 0;
    return plain;
  }

  [[nodiscard]] Batch batch(std::span<const int64_t> records, RandomKey key) const {
    const auto B = static_cast<int64_t>(records.size()), S = config_.side;
    Batch out{.images = torch::empty({B, 1, S, S}, torch::kUInt8),
              .masks = torch::empty({B, 1, S, S}, torch::kFloat32),
              .records = {records.begin(), records.end()}};
    auto* image = out.images.template data_ptr<uint8_t>();
    auto* mask = out.masks.template data_ptr<float>();
    for (const auto record : records) {
      key.sample = static_cast<uint64_t>(record);
      const auto seen = seen_at(record, image::drawn_similarity(config_.augmentation, key));
      image = std::copy(seen.picture.pixels().begin(), seen.picture.pixels().end(), image);
      mask = std::copy(seen.mask.pixels().begin(), seen.mask.pixels().end(), mask);
    }
    return out;
  }

 private:
  struct Pair {
    GreyImage picture;  // official: as decoded; fixed: side x side
    Image<float> mask;  // side x side
  };

  [[nodiscard]] RunLengthMask runs_of(const Study& study, const ImageSize& size) const {
    if (config_.origin == MaskOrigin::boxes) {
      std::vector<Box> boxes;
      for (const auto& one : study.boxes) boxes.push_back(one.box);
      return image::mask_of_boxes(boxes, size);
    }
    for (const auto* mask : {&study.mask, &study.undecided}) {
      if (*mask && ((*mask)->height != size.height || (*mask)->width != size.width))
        fail(ErrorKind::data, "its mask has ", (*mask)->height, " x ", (*mask)->width, " pixels, its picture ", size.height, " x ",
             size.width);
    }
    return *study.mask;
  }
  [[nodiscard]] Pair made(int64_t i) const {
    const auto& study = data_->record(i);
    auto picture = data_->image(i);
    try {
      const auto runs = runs_of(study, picture.size());
      if (config_.profile == Profile::official) {
        if (picture.height() != picture.width())
          fail(ErrorKind::data, "its picture has ", picture.height(), " x ", picture.width(),
               " pixels; profile official takes square ones only");
        auto mask = detail::resized_mask(runs, study.undecided, {.height = config_.side, .width = config_.side});
        return {std::move(picture), std::move(mask)};
      }
      const auto mask = detail::resized_mask(runs, study.undecided, image::fitted_size(picture.size(), config_.side));
      return {data::stored_picture(std::as_const(picture).plane(), config_.side, config_.local_contrast),
              detail::padded_mask(mask, config_.side)};
    } catch (const Error& error) {
      fail(error.kind(), "row ", study.row, ": ", error.what());
    }
  }
  [[nodiscard]] Pair seen_at(int64_t i, const image::Similarity& s) const {
    Pair out = stored_ ? (*stored_)[static_cast<std::size_t>(i)] : made(i);
    if (s != image::Similarity{}) {
      out.picture = image::warp(std::as_const(out.picture).plane(), image::affine_of(s, out.picture.size()));
      out.mask = image::warp_nearest(std::as_const(out.mask).plane(), image::affine_of(s, out.mask.size()));
    }
    const image::ResizeOptions side{.height = config_.side, .width = config_.side, .filter = image::Filter::bilinear};
    if (out.picture.size() != out.mask.size()) out.picture = image::resize(std::as_const(out.picture).plane(), side);
    return out;
  }

  const D* data_;
  MaskSourceConfig config_;
  std::shared_ptr<const std::vector<Pair>> stored_;  // shared with without_augmentation(); nothing with store=none
};

}  // namespace mgca
