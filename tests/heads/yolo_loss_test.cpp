#include "expect_error.hpp"
#include "gradients.hpp"
#include "host_reads.hpp"

#include <mgca/heads/yolo_loss.hpp>

using mgca::heads::yolo_loss;
using mgca::heads::yolo_targets;

namespace {

const mgca::YoloConfig kYolo;

mgca::Tensor yolo_rows(std::vector<double> numbers) { return torch::tensor(numbers, torch::kFloat64).view({1, -1, 5}); }
std::vector<mgca::Tensor> raw_outputs(int64_t batch, int64_t side = 7) {
  std::vector<mgca::Tensor> all;
  for (int64_t g = 0; g < 3; ++g) all.push_back(torch::randn({batch, 18, side << g, side << g}));
  return all;
}

}  // namespace

TEST_CASE("yolo_loss: a box is assigned to its cell and the anchor most like it, with the published loss for outputs of 0", "[heads][golden][fast]") {
  const auto zeros = torch::zeros({1, 18, 7, 7});
  const auto boxes = yolo_rows({0, 0.5, 0.4, 0.3, 0.2, 0, 0, 0, 0, 0});
  const auto t = yolo_targets(kYolo, 0, zeros, boxes);
  CHECK(t.mask.sum().item<double>() == 1);
  CHECK(t.mask[0][0][2][3].item<double>() == 1);
  CHECK(t.x[0][0][2][3].item<double>() == Approx(0.5));
  CHECK(t.y[0][0][2][3].item<double>() == Approx(0.8));
  CHECK(t.w[0][0][2][3].item<double>() == Approx(0.0731223).epsilon(1e-6));
  CHECK(t.h[0][0][2][3].item<double>() == Approx(-0.0785623).epsilon(1e-6));
  CHECK(t.classes[0][0][2][3][0].item<double>() == 1);
  CHECK(t.empty.numel() - t.empty.sum().item<double>() == 1);  // the other two anchors resemble it by 0.47 and 0.16
  const auto loss = yolo_loss(kYolo, {zeros}, boxes, mgca::YoloArithmetic::published);
  const auto& terms = loss.grids.front();
  CHECK(terms.x.item<double>() == Approx(0.0047152869).epsilon(1e-8));
  CHECK(terms.w.item<double>() == Approx(3.637324e-05).epsilon(1e-6));
  CHECK(terms.h.item<double>() == Approx(4.198666e-05).epsilon(1e-6));
  CHECK(terms.confidence.item<double>() == Approx(0.3489312338).epsilon(1e-8));
  CHECK(loss.total.item<double>() == Approx(0.3774188551).epsilon(1e-8));
  CHECK(yolo_loss(kYolo, {zeros}, boxes.to(torch::kFloat32)).total.item<double>() == Approx(0.3774188551).epsilon(1e-6));
}

TEST_CASE("yolo_loss: of two boxes at one anchor and cell the later stays, in any precision; the edge at 1 lies in the last cell", "[heads][fast]") {
  const auto zeros = torch::zeros({1, 18, 7, 7});
  const auto t = yolo_targets(kYolo, 0, zeros, yolo_rows({0, 0.5, 0.4, 0.30, 0.20, 0, 0.51, 0.41, 0.31, 0.21, 0, 1, 1, 0.2, 0.2}));
  CHECK(t.mask.sum().item<double>() == 2);
  CHECK(t.x[0][0][2][3].item<double>() == Approx(0.57));
  CHECK(t.mask.select(2, 6).select(2, 6).sum().item<double>() == 1);
  const auto swapped = yolo_targets(kYolo, 0, zeros, yolo_rows({0, 0.51, 0.41, 0.31, 0.21, 0, 0.5, 0.4, 0.30, 0.20}));
  CHECK(swapped.x[0][0][2][3].item<double>() == Approx(0.5));
  const auto none = yolo_loss(kYolo, raw_outputs(2), torch::zeros({2, 4, 5}));
  CHECK((none.grids[0].x.item<double>() == 0 && none.grids[0].classes.item<double>() == 0 && none.total.item<double>() > 0));
  CHECK(yolo_targets(kYolo, 0, zeros, torch::zeros({1, 0, 5})).mask.sum().item<double>() == 0);
}

TEST_CASE("yolo_loss: with one grid a box is found only where the most similar of all nine anchors is, and nothing holds it down there", "[heads][fast]") {
  const mgca::YoloConfig one{.assignment = mgca::YoloAssignment::one_grid};
  const auto boxes = yolo_rows({0, 0.3, 0.3, 0.9, 0.8, 0, 0.6, 0.6, 30.0 / 416, 61.0 / 416, 0, 0.2, 0.7, 0.02, 0.03});  // anchors 2, 3 and 6
  const auto outputs = raw_outputs(1);
  for (int64_t g = 0; g < 3; ++g) {
    const auto t = yolo_targets(one, g, outputs[static_cast<std::size_t>(g)], boxes);
    const auto anchor = t.mask[0].sum({1, 2});
    CHECK(t.mask.sum().item<double>() == 1);
    CHECK(anchor.argmax().item<int64_t>() == (g == 0 ? 2 : 0));
    CHECK((t.empty * t.mask).sum().item<double>() == 0);
    CHECK(yolo_targets(kYolo, g, outputs[static_cast<std::size_t>(g)], boxes).mask.sum().item<double>() == 3);
  }
  CHECK(yolo_targets(one, 1, outputs[1], torch::zeros({1, 2, 5})).mask.sum().item<double>() == 0);
  CHECK(yolo_targets(one, 1, outputs[1], torch::zeros({1, 0, 5})).empty.sum().item<double>() == 3 * 14 * 14);
}

TEST_CASE("yolo_loss: a step reads nothing of the device, and its derivative is right", "[heads][fast]") {
  const auto boxes = torch::rand({3, 5, 5}) * 0.8 + 0.1;
  boxes.select(-1, 0).zero_();
  auto raw = raw_outputs(3, 4);
  for (auto& one : raw) one.requires_grad_();
  {
    const mgca::test::HostReads watching;
    yolo_loss({.image_size = 128}, raw, boxes).total.backward();
    (void)yolo_loss({.image_size = 128, .assignment = mgca::YoloAssignment::one_grid}, raw, boxes);
    CHECK(watching.reads().empty());
    CHECK(watching.operator_count() > 100);
  }
  const auto at = mgca::test::random_tensor({1, 18, 2, 2}, 3) * 0.5;
  const auto box = yolo_rows({0, 0.3, 0.7, 0.5, 0.4});
  CHECK(mgca::test::gradient_is_right([&](const mgca::Tensor& x) { return yolo_loss({.image_size = 64}, {x}, box).total - yolo_loss({.image_size = 64}, {x}, box).grids[0].classes; }, at));
}

TEST_CASE("yolo_loss: boxes of another form are refused", "[heads][fast]") {
  mgca::test::expect_error([] { (void)yolo_loss(kYolo, raw_outputs(2), torch::zeros({2, 4, 6})); }, {"expected boxes (2, M, 5), got [2, 4, 6]"});
  mgca::test::expect_error([] { (void)yolo_loss(kYolo, {torch::zeros({1, 17, 7, 7})}, torch::zeros({1, 4, 5})); }, {"(B, 18, H, W), got [1, 17, 7, 7]"});
}
