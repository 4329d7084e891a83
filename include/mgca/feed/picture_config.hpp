// How the pictures of a data set are stored and what happens to them on the way into a batch: what every source of samples shares.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/data/bad_samples.hpp>
#include <mgca/image/augmentation.hpp>
#include <mgca/image/local_contrast.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace mgca {

enum class ImageStore : std::uint8_t {
  memory,  // every picture is decoded and reduced once, when the source is made; a pack is left where it is
  none,    // decoded again for every batch: for data that do not fit
};
constexpr auto names_of(ImageStore) { return std::to_array<std::string_view>({"memory", "none"}); }

struct PictureConfig {
  std::int64_t stored_side = 256;  // pictures are fitted into a square of this side, the rest black
  LocalContrast local_contrast;
  Augmentation augmentation;
  ImageStore store = ImageStore::memory;
  BadSampleRule bad;

  static void describe(auto& self, auto&& field) {
    field("stored_side", self.stored_side, "side of the square pictures are fitted into, pixels");
    field("local_contrast", self.local_contrast, "whether pictures are evened out before they are stored");
    field("augmentation", self.augmentation, "what happens on the way into a batch");
    field("store", self.store, "whether prepared pictures are kept");
    field("bad", self.bad, "records whose picture cannot be read");
  }
  // For evaluation: centre crop, nothing random.
  [[nodiscard]] PictureConfig without_augmentation() const {
    auto plain = *this;
    plain.augmentation = {.crop = augmentation.crop, .random_crop = false};
    return plain;
  }
  void validate() const {
    local_contrast.validate();
    augmentation.validate();
    bad.validate();
    MGCA_CHECK(stored_side >= augmentation.crop, "pictures: stored_side ", stored_side, " is below the crop of ", augmentation.crop);
  }
};

}  // namespace mgca
