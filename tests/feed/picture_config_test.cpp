#include "catch.hpp"
#include "described.hpp"
#include "expect_error.hpp"

#include <mgca/feed/study_source.hpp>

TEST_CASE("picture_config: every field is described, and the study source hands on its own", "[feed][fast]") {
  mgca::test::expect_described<mgca::PictureConfig>(184);
  const mgca::StudySourceConfig study{.stored_side = 40, .local_contrast = {.radius = 3}, .augmentation = {.crop = 32, .flip = 0.5},
                                      .store = mgca::ImageStore::none, .bad = {.policy = mgca::BadSamples::skip}};
  const mgca::PictureConfig same{.stored_side = 40, .local_contrast = {.radius = 3}, .augmentation = {.crop = 32, .flip = 0.5},
                                 .store = mgca::ImageStore::none, .bad = {.policy = mgca::BadSamples::skip}};
  CHECK(mgca::differences(study.pictures(), same).empty());
}

TEST_CASE("picture_config: evaluation keeps the crop and nothing random", "[feed][fast]") {
  const mgca::PictureConfig config{.stored_side = 40, .augmentation = {.rotate = 10, .crop = 32, .flip = 0.5, .blurred = 0.5}};
  const auto plain = config.without_augmentation();
  CHECK(plain.stored_side == 40);
  CHECK(mgca::differences(plain.augmentation, mgca::Augmentation{.crop = 32, .random_crop = false}).empty());
  mgca::test::expect_error([&] { mgca::PictureConfig{.stored_side = 16, .augmentation = {.crop = 32}}.validate(); }, {"stored_side 16", "crop of 32"});
}
