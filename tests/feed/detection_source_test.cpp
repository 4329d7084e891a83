#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/feed/detection_source.hpp>

namespace {

// Two pictures of 40 x 20 pixels, one of them with boxes.
struct TwoPictures {
  std::vector<mgca::Study> studies{{.row = 1, .boxes = {{"a", {10, 5, 20, 10}}, {"b", {30, 10, 50, 20}}}}, {.row = 2}};
  std::vector<std::string> names;
  [[nodiscard]] int64_t size() const { return 2; }
  [[nodiscard]] const mgca::Study& record(int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
  [[nodiscard]] mgca::GreyImage image(int64_t i) const {
    mgca::GreyImage picture({.height = 20, .width = 40});
    for (int64_t x = 0; x < 40; ++x) picture.at(7, x) = static_cast<uint8_t>(100 * i + x);
    return picture;
  }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
};

}  // namespace

TEST_CASE("detection_source: pictures are squashed, boxes stay on what they mark and are cut at the edge, rows of 0 fill up", "[feed][fast]") {
  const TwoPictures data;
  const mgca::DetectionSource<TwoPictures> source(data, {.side = 20});
  const std::vector<int64_t> records{1, 0};
  const auto batch = source.batch(records, {});
  CHECK(batch.images.sizes() == at::IntArrayRef({2, 1, 20, 20}));
  CHECK(batch.boxes.sizes() == at::IntArrayRef({2, 2, 5}));
  CHECK(batch.boxes[0].abs().sum().item<float>() == 0);
  CHECK(torch::allclose(batch.boxes[1], torch::tensor({{0.0F, 0.375F, 0.375F, 0.25F, 0.25F}, {0.0F, 0.875F, 0.75F, 0.25F, 0.5F}})));
  CHECK(source.truth(0)[1] == mgca::Box{15, 10, 20, 20});
  CHECK(batch.images[1][0][7][10].item<int>() == 21);  // halfway between columns 20 and 21, rounded up
  CHECK(batch.records == records);
}

TEST_CASE("detection_source: a box outside its picture is refused by row", "[feed][fast]") {
  TwoPictures data;
  data.studies[1].boxes = {{"a", {41, 0, 50, 10}}};
  mgca::test::expect_error([&] { (void)mgca::DetectionSource<TwoPictures>(data, {.side = 20}); }, {"row 2", "(41, 0, 50, 10)", "40 x 20"});
}
