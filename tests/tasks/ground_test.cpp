#include "catch.hpp"
#include "expect_error.hpp"
#include "tiny_study.hpp"

#include <mgca/tasks/ground.hpp>

using mgca::GroundedPhrase;
using mgca::PhraseSimilarity;
using mgca::test::expect_error;
using mgca::test::tiny_model;
using mgca::test::TinyStudy;

namespace {

// Patches that are as bright as the picture under them, along one axis of two; every phrase lies on that axis.
struct BrightnessModel : mgca::AlignmentModel {
  BrightnessModel() { register_parameter("weight", torch::zeros({1})); }
  mgca::Embeddings encode_image(const mgca::Tensor& images) override {
    const auto bright = torch::avg_pool2d(images.slice(1, 0, 1), {8, 8}).flatten(1);  // (B, 16) of 32 x 32 pixels
    return {.global = torch::ones({images.size(0), 2}), .local = torch::stack({bright, torch::zeros_like(bright)}, 2)};
  }
  mgca::Embeddings encode_text(const mgca::Tokens& tokens) override {
    const auto B = tokens.ids.size(0), L = tokens.ids.size(1);
    const auto axis = torch::tensor({1.F, 0.F});
    return {.global = axis.expand({B, 2}), .local = axis.expand({B, L, 2}) * 0.5, .valid = torch::ones({B, L}, torch::kBool)};
  }
  mgca::AlignmentLosses losses(const mgca::AlignmentInput&) override { return {}; }
  mgca::Tensor image_features(const mgca::Tensor& images) override { return images; }
  int64_t image_width() const override { return 2; }
  int64_t image_size() const override { return 32; }
  int64_t text_length() const override { return 40; }
  int64_t vocabulary() const override { return 0; }
  mgca::Profile profile() const override { return mgca::Profile::fixed; }
};

// A wide picture, dark but for one bright square.
struct OneSpot {
  mgca::Study study{.row = 1};
  std::vector<std::string> names;
  int64_t size() const { return 1; }
  const mgca::Study& record(int64_t) const { return study; }
  const std::vector<std::string>& label_names() const { return names; }
  mgca::GreyImage image(int64_t) const {
    mgca::GreyImage picture({.height = 64, .width = 128});
    for (int64_t y = 16; y < 48; ++y) {
      for (int64_t x = 96; x < 128; ++x) picture.at(y, x) = 255;
    }
    return picture;
  }
};

}  // namespace

TEST_CASE("ground: a box follows its picture into the square, and the map that marks it scores", "[tasks][fast]") {
  BrightnessModel model;
  const TinyStudy study;
  const OneSpot data;
  const std::vector<GroundedPhrase> phrases{{.record = 0, .phrase = "bright", .boxes = {{96, 16, 128, 48}}}, {.record = 0, .phrase = "elsewhere", .boxes = {{0, 16, 32, 48}}}};
  const auto found = mgca::tasks::ground(model, data, phrases, study.tokenizer, {.stored_side = 32, .thresholds = {-0.25}});
  REQUIRE(found.size() == 2);
  CHECK((found[0].boxes == std::vector<mgca::Box>{{24, 12, 32, 20}}));
  CHECK(found[0].measure->hit);
  CHECK(found[0].measure->iou[0] > 0.5);
  CHECK_FALSE(found[1].measure->hit);
  CHECK(found[1].measure->iou[0] == 0);
  CHECK(found[0].measure->contrast.value() > 2);
  CHECK(found[0].map.at(16, 28) == Approx(0).margin(1e-6));  // half bright, half black: mean grey
}

TEST_CASE("ground: words weigh as much as the phrase's summary where all say the same, and the scale is the cosine's", "[tasks][fast]") {
  BrightnessModel model;
  const auto images = torch::linspace(-1, 1, 32).expand({1, 3, 32, 32});
  const auto tokens = mgca::tokens_of_phrases(std::vector<std::string>{"large heart"}, TinyStudy().tokenizer, mgca::Profile::fixed);
  const auto summary = mgca::tasks::phrase_maps(model, images, tokens, PhraseSimilarity::summary);
  const auto words = mgca::tasks::phrase_maps(model, images, tokens, PhraseSimilarity::words);
  CHECK(summary.sizes() == at::IntArrayRef({1, 32, 32}));
  CHECK(torch::allclose(words * 2, summary, 1e-5, 1e-6));
  CHECK(torch::allclose(summary, -summary.flip({2}), 1e-5, 1e-6));  // centres, not corners: the mirror image of a ramp is its negative
}

TEST_CASE("ground: batches do not change a real model's maps, the mode is restored, and what the crop loses is not measured", "[tasks][fast]") {
  const TinyStudy s;
  auto model = tiny_model();
  model->train();
  std::vector<GroundedPhrase> phrases;
  for (int64_t i = 0; i < 5; ++i) phrases.push_back({.record = i, .phrase = "There is a nodule.", .boxes = {{10, 10, 30, 30}}});
  phrases.push_back({.record = 5, .phrase = "There is a nodule.", .boxes = {{0, 0, 5, 5}}});
  const auto one = mgca::tasks::ground(*model, s.studies, phrases, s.tokenizer, {.stored_side = 40, .batch_size = 2});
  const auto all = mgca::tasks::ground(*model, s.studies, phrases, s.tokenizer, {.stored_side = 40});
  CHECK(model->is_training());
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(one[i].measure->contrast.value() == Approx(all[i].measure->contrast.value()).epsilon(1e-3));
    CHECK(one[i].measure->iou.size() == 5);
  }
  CHECK_FALSE(one[5].measure.has_value());  // 5 of 64 pixels are 3 of 40, of which 4 are cut off
  phrases[0].boxes.clear();
  expect_error([&] { (void)mgca::tasks::ground(*model, s.studies, phrases, s.tokenizer, {.stored_side = 40}); }, {"phrase 1", "no box"});
  phrases[0].record = 24;
  expect_error([&] { (void)mgca::tasks::ground(*model, s.studies, phrases, s.tokenizer, {.stored_side = 40}); }, {"record 24 of 24"});
}
