#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/data/synthetic.hpp>
#include <mgca/feed/mask_source.hpp>
#include <mgca/tensor/bridge.hpp>

#include <atomic>

using mgca::MaskOrigin;
using mgca::MaskSource;
using mgca::Profile;

namespace {

// One picture of 8 x 12 pixels whose right half is bright, and a mask of that half.
struct HalfBright {
  mgca::Study study{.row = 7, .image = "half.png"};
  mgca::GreyImage picture{{.height = 8, .width = 12}};
  std::vector<std::string> names;

  HalfBright() {
    mgca::GreyImage mask({.height = 8, .width = 12}), undecided = mask;
    for (int64_t y = 0; y < 8; ++y) {
      for (int64_t x = 6; x < 12; ++x) picture.at(y, x) = 200, mask.at(y, x) = 255;
    }
    undecided.at(0, 0) = 1;
    study.mask = mgca::image::mask_of(std::as_const(mask).plane());
    study.undecided = mgca::image::mask_of(std::as_const(undecided).plane());
    study.boxes = {{"bright", {6.7, 1.2, 9.9, 4.8}}};
  }
  [[nodiscard]] int64_t size() const { return 1; }
  [[nodiscard]] const mgca::Study& record(int64_t /*i*/) const { return study; }
  [[nodiscard]] mgca::GreyImage image(int64_t /*i*/) const { return picture; }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
};

const std::vector<int64_t> kFirst{0};

}  // namespace

TEST_CASE("mask_source: picture and mask are fitted into the square side by side; an undecided pixel spoils the one it has a part in",
          "[feed][fast]") {
  const HalfBright data;
  const auto batch = MaskSource(data, {.side = 6, .augmentation = {}}).batch(kFirst, {});
  CHECK(batch.images.sizes() == at::IntArrayRef({1, 1, 6, 6}));
  CHECK(batch.masks.sizes() == at::IntArrayRef({1, 1, 6, 6}));
  const auto image = batch.images[0][0], mask = batch.masks[0][0];
  CHECK((image.slice(0, 1, 5).slice(1, 3) == 200).all().item<bool>());
  CHECK((image.slice(0, 0, 1) == 0).all().item<bool>());
  CHECK(std::isnan(mask[1][0].item<float>()));
  auto expected = torch::zeros({6, 6});
  expected.slice(0, 1, 5).slice(1, 3).fill_(1);
  expected[1][0] = 0;
  CHECK(torch::equal(mask.nan_to_num(0), expected));
  CHECK(mask.isnan().sum().item<int64_t>() == 1);
}

TEST_CASE("mask_source: boxes become the union of their whole pixels; without boxes the mask is empty", "[feed][fast]") {
  HalfBright data;
  const auto masks = [&] {
    return MaskSource(data, {.side = 12, .origin = MaskOrigin::boxes, .augmentation = {}}).batch(kFirst, {}).masks[0][0].nan_to_num(0);
  };
  const auto one = masks();
  CHECK(one.sum().item<float>() == 9);  // columns 6 to 8, rows 1 to 3 below two rows of padding
  CHECK((one.slice(0, 3, 6).slice(1, 6, 9) == 1).all().item<bool>());
  data.study.boxes.clear();
  data.study.mask.reset();
  CHECK(masks().sum().item<float>() == 0);
}

TEST_CASE("mask_source: what is drawn follows the address, picture and mask go the same way", "[feed][fast]") {
  const mgca::SyntheticStudies studies({.count = 6, .seed = 3, .image_size = 64, .contrast = 0, .noise = 0});
  const MaskSource<mgca::SyntheticStudies> source(studies, {.side = 64, .augmentation = {.rotate = 30, .scale = 0.2}});
  const std::vector<int64_t> all{0, 1, 2, 3, 4, 5}, some{4, 1};
  const auto a = source.batch(all, {.seed = 1, .epoch = 2}), b = source.batch(some, {.seed = 1, .epoch = 2}),
             c = source.batch(all, {.seed = 1, .epoch = 3});
  CHECK((torch::equal(a.images[4], b.images[0]) && torch::equal(a.masks[1], b.masks[1]) && b.records == some));
  CHECK_FALSE(torch::equal(a.masks, c.masks));
  // The mask of a picture that is its own mask stays with it, up to rims.
  struct Discs {
    const mgca::SyntheticStudies& of;
    [[nodiscard]] int64_t size() const { return of.size(); }
    [[nodiscard]] const mgca::Study& record(int64_t i) const { return of.record(i); }
    [[nodiscard]] mgca::GreyImage image(int64_t i) const { return of.mask(i); }
    [[nodiscard]] const std::vector<std::string>& label_names() const { return of.label_names(); }
  };
  const Discs discs{studies};
  const auto turned =
      MaskSource<Discs>(discs, {.side = 64, .augmentation = {.rotate = 30, .scale = 0.2, .shift = 0.1}}).batch(all, {.seed = 9});
  const auto apart = (turned.images.to(torch::kFloat32) / 255 - turned.masks).abs();
  CHECK(apart.mean().item<double>() < 0.02);
  CHECK(turned.masks.sum().item<double>() > 500);
  const auto plain = source.without_augmentation().batch(all, {.seed = 1, .epoch = 2});
  CHECK((torch::equal(plain.masks, MaskSource(studies, {.side = 64, .augmentation = {}}).batch(all, {}).masks) &&
         !torch::equal(plain.masks, a.masks)));
}

TEST_CASE("mask_source: official turns the picture at its own size and the mask at the side, soft edges by area averages", "[feed][fast]") {
  const mgca::SyntheticStudies studies({.count = 3, .seed = 5, .image_size = 96});
  mgca::MaskSourceConfig config{.side = 40, .profile = Profile::official};
  config.augmentation.moved = 1;
  const MaskSource<mgca::SyntheticStudies> source(studies, config);
  const mgca::RandomKey key{.seed = 4, .epoch = 1, .sample = 2};
  const std::vector<int64_t> last{2};
  const auto batch = source.batch(last, {.seed = 4, .epoch = 1});
  const auto s = mgca::image::drawn_similarity(config.augmentation, key);
  REQUIRE((s.angle != 0 && s.scale != 1 && s.shift_x == 0));
  const auto picture = studies.image(2);
  const auto turned = mgca::image::warp(picture.plane(), mgca::image::affine_of(s, picture.size()));
  const auto small = mgca::image::resize(turned.plane(), {.height = 40, .width = 40, .filter = mgca::image::Filter::bilinear});
  CHECK(torch::equal(batch.images[0], mgca::tensor_of(small.plane())));
  mgca::Image<float> whole({.height = 96, .width = 96});
  const auto marked = studies.mask(2);
  for (std::size_t i = 0; i < whole.pixels().size(); ++i) whole.pixels()[i] = marked.pixels()[i] != 0 ? 1.0F : 0.0F;
  const auto soft = mgca::image::resize_area(std::as_const(whole).plane(), {.height = 40, .width = 40});
  const auto mask = mgca::image::warp_nearest(soft.plane(), mgca::image::affine_of(s, soft.size()));
  CHECK(torch::equal(batch.masks[0], mgca::tensor_of(mask.plane())));
  CHECK(((batch.masks > 0) & (batch.masks < 1)).any().item<bool>());
}

TEST_CASE("mask_source: with store=none nothing is decoded before a batch asks for it or kept after, and batches are the same", "[feed][fast]") {
  struct Counted {
    const mgca::SyntheticStudies& of;
    mutable std::atomic<int64_t> decoded = 0;
    explicit Counted(const mgca::SyntheticStudies& studies) : of(studies) {}
    [[nodiscard]] int64_t size() const { return of.size(); }
    [[nodiscard]] const mgca::Study& record(int64_t i) const { return of.record(i); }
    [[nodiscard]] mgca::GreyImage image(int64_t i) const { return ++decoded, of.image(i); }
    [[nodiscard]] const std::vector<std::string>& label_names() const { return of.label_names(); }
  };
  const mgca::SyntheticStudies studies({.count = 4, .seed = 5, .image_size = 48});
  const std::vector<int64_t> some{3, 0, 3};
  for (const auto profile : {Profile::official, Profile::fixed}) {
    const Counted data(studies);
    const MaskSource<Counted> made(data, {.side = 32, .profile = profile, .store = mgca::ImageStore::none});
    CHECK(data.decoded == 0);
    const auto anew = made.batch(some, {.seed = 2, .epoch = 1});
    CHECK(data.decoded == 3);
    const auto plain = made.without_augmentation().batch(some, {});
    CHECK(data.decoded == 6);
    const MaskSource<Counted> kept(data, {.side = 32, .profile = profile});
    CHECK(data.decoded == 10);
    const auto stored = kept.batch(some, {.seed = 2, .epoch = 1});
    CHECK((torch::equal(anew.images, stored.images) && torch::equal(anew.masks, stored.masks) && anew.records == stored.records));
    CHECK(torch::equal(plain.masks, kept.without_augmentation().batch(some, {}).masks));
    CHECK(data.decoded == 10);
  }
  HalfBright oblong;  // what cannot be used is told by row when it is asked for
  const MaskSource late(oblong, {.side = 8, .profile = Profile::official, .store = mgca::ImageStore::none});
  mgca::test::expect_error([&] { (void)late.batch(kFirst, {}); }, {"row 7", "square"});
  oblong.study.mask.reset();
  mgca::test::expect_error([&] { (void)MaskSource(oblong, {.store = mgca::ImageStore::none}); }, {"row 7", "no mask"});
}

TEST_CASE("mask_source: batches are the same on any number of threads", "[feed][fast]") {
  const mgca::SyntheticStudies studies({.count = 9, .seed = 6, .image_size = 32});
  const MaskSource<mgca::SyntheticStudies> source(studies, {.side = 32});
  std::vector<mgca::Tensor> sums;
  for (const int64_t threads : {0, 3}) {
    const mgca::Loader loader(source, {.batch_size = 2, .last_batch = mgca::LastBatch::keep, .threads = threads});
    auto epoch = loader.epoch_batches(1);
    std::vector<mgca::Tensor> all;
    while (auto batch = epoch.next()) all.push_back(batch->images.sum() + batch->masks.sum());
    sums.push_back(torch::stack(all));
  }
  CHECK((sums[0].size(0) == 5 && torch::equal(sums[0], sums[1])));
}

TEST_CASE("mask_source: a missing mask, one of another size, other augmentations and oblong pictures under official are refused",
          "[feed][fast]") {
  HalfBright data;
  const auto made = [&](const mgca::MaskSourceConfig& config) { (void)MaskSource(data, config); };
  mgca::test::expect_error([&] { made({.side = 8, .profile = Profile::official}); }, {"row 7", "8 x 12", "square"});
  mgca::test::expect_error([&] { made({.augmentation = {.flip = 0.5}}); }, {"flip"});
  mgca::test::expect_error([&] { made({.local_contrast = {.radius = 4}, .profile = Profile::official}); }, {"local contrast", "fixed"});
  data.picture = mgca::GreyImage({.height = 8, .width = 10});
  mgca::test::expect_error([&] { made({.side = 8}); }, {"row 7", "8 x 12", "8 x 10"});
  data.study.mask.reset();
  mgca::test::expect_error([&] { made({.side = 8}); }, {"row 7", "no mask", "origin=boxes"});
}
