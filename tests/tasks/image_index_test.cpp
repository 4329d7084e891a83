#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/tasks/image_index.hpp>

using mgca::ImageIndex;
using mgca::test::expect_error;

TEST_CASE("image_index: the nearest come first, equal ones in the order of the index", "[tasks][fast]") {
  const ImageIndex index(torch::tensor({{1.F, 0.F}, {0.F, 1.F}, {0.6F, 0.8F}, {0.F, 1.F}}), {"a.png", "b.png", "c.png", "d.png"});
  const auto hits = index.nearest(torch::tensor({0.F, 1.F}), 3);
  REQUIRE(hits.size() == 3);
  CHECK(index.path(hits[0].place) == "b.png");
  CHECK(index.path(hits[1].place) == "d.png");
  CHECK(index.path(hits[2].place) == "c.png");
  CHECK(hits[2].similarity == Approx(0.8));
  CHECK(index.nearest(torch::tensor({1.F, 0.F}), 99).size() == 4);
}

TEST_CASE("image_index: exact on many rows, against a full sort", "[tasks][fast]") {
  torch::manual_seed(1);
  const auto random = torch::randn({3000, 16}), rows = random / random.norm(2, {1}, true);
  const ImageIndex index(rows, std::vector<std::string>(3000, "x"));
  for (int64_t q = 0; q < 5; ++q) {
    const auto [values, places] = rows.mv(rows[q]).sort(0, true);
    const auto hits = index.nearest(rows[q], 10);
    CHECK(hits[0].place == q);
    for (int64_t i = 0; i < 10; ++i) CHECK(hits[static_cast<std::size_t>(i)].similarity == values[i].item<float>());
  }
}

TEST_CASE("image_index: a file gives back rows, paths and what it says of itself", "[tasks][fast]") {
  const mgca::test::Scratch folder;
  const auto file = folder / "index.safetensors";
  const ImageIndex index(torch::eye(3), {"p1/ä b.png", "", "p2/x.jpg"}, {{"weights_sha256", "abc"}});
  index.write(file);
  const auto again = ImageIndex::read(file);
  CHECK(again.size() == 3);
  CHECK(again.path(0) == "p1/ä b.png");
  CHECK(again.path(1).empty());
  CHECK(again.path(2) == "p2/x.jpg");
  CHECK(again.metadata().at("weights_sha256") == "abc");
  CHECK(again.nearest(torch::tensor({0.F, 0.F, 1.F}), 1)[0].place == 2);
}

TEST_CASE("image_index: what is no index is refused by file, what does not fit by number", "[tasks][fast]") {
  const mgca::test::Scratch folder;
  const auto file = folder / "other.safetensors";
  mgca::write_weights(file, {.tensors = {{"image.global", torch::eye(2)}}, .metadata = {}});
  expect_error([&] { (void)ImageIndex::read(file); }, {"other.safetensors", "no index", "--write-index"});
  mgca::write_weights(file, {.tensors = {{"image.global", torch::eye(2)}, {"path.text", torch::zeros({3}, torch::kUInt8)}, {"path.end", torch::tensor({int64_t{2}, int64_t{9}})}}, .metadata = {}});
  expect_error([&] { (void)ImageIndex::read(file); }, {"other.safetensors", "path 2", "damaged"});
  expect_error([] { ImageIndex(torch::eye(2), {"a"}); }, {"[2, 2]", "1 paths"});
  expect_error([] { ImageIndex(torch::eye(2) * 3, {"a", "b"}); }, {"image 1", "length 3"});
  const ImageIndex index(torch::eye(2), {"a", "b"});
  expect_error([&] { (void)index.nearest(torch::ones({3}), 1); }, {"2 numbers", "these weights"});
  expect_error([&] { (void)index.nearest(torch::ones({2}), 0); }, {"1 image or more"});
}
