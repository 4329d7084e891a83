#include "expect_error.hpp"
#include "gradients.hpp"

#include <mgca/heads/yolo.hpp>

using mgca::Yolo;

namespace {
const mgca::YoloConfig kSmallYolo{.image_size = 32, .c3 = 6, .c4 = 8, .c5 = 12, .width = 8, .classes = 2};
mgca::Pyramid small_pyramid() { return {.c2 = {}, .c3 = torch::randn({2, 6, 8, 8}), .c4 = torch::randn({2, 8, 4, 4}), .c5 = torch::randn({2, 12, 2, 2})}; }
}  // namespace

TEST_CASE("yolo: three grids of raw outputs, and a gradient at every parameter", "[heads][fast]") {
  torch::manual_seed(1);
  Yolo yolo(kSmallYolo);
  const auto outputs = yolo(small_pyramid());
  REQUIRE(outputs.size() == 3);
  for (int64_t g = 0; g < 3; ++g) CHECK(outputs[static_cast<std::size_t>(g)].sizes() == at::IntArrayRef({2, 21, 2 << g, 2 << g}));
  CHECK(mgca::heads::yolo_decode(kSmallYolo, outputs).sizes() == at::IntArrayRef({2, 3 * (4 + 16 + 64), 7}));
  auto loss = torch::zeros({});
  for (const auto& output : outputs) loss = loss + mgca::test::projected(output);
  mgca::test::expect_gradients(*yolo, loss);
}

TEST_CASE("yolo: outputs of 0 are the anchors in the middle of their cells, half sure", "[heads][fast]") {
  const mgca::YoloConfig config;  // 224 pixels
  std::vector<mgca::Tensor> outputs;
  for (int64_t g = 0; g < 3; ++g) outputs.push_back(torch::zeros({1, 18, 7 << g, 7 << g}));
  const auto boxes = mgca::heads::yolo_decode(config, outputs);
  REQUIRE(boxes.sizes() == at::IntArrayRef({1, 147 + 588 + 2352, 6}));
  CHECK(torch::allclose(boxes[0][7 + 2], torch::tensor({80.0F, 48.0F, 62.461538F, 48.461538F, 0.5F, 0.5F})));  // first anchor, row 1, column 2
  CHECK(torch::allclose(boxes[0][147], torch::tensor({8.0F, 8.0F, 16.153846F, 32.846154F, 0.5F, 0.5F})));
}

TEST_CASE("yolo: sizes that do not fit are refused with what to do", "[heads][fast]") {
  mgca::test::expect_error([] { (void)Yolo({.width = 6}); }, {"four divides, got 6"});
  mgca::test::expect_error([] { (void)Yolo({.anchors = {1, 2}}); }, {"9 anchors", "got 2 numbers"});
  mgca::test::expect_error([] { Yolo yolo({.image_size = 32, .c3 = 6, .c4 = 8, .c5 = 13, .width = 8}); (void)yolo(small_pyramid()); }, {"13 channels, got 6, 8 and 12", "pyramid_widths"});
}
