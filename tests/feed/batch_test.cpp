#include "catch.hpp"
#include "expect_error.hpp"
#include "gpu.hpp"

#include <mgca/feed/batch.hpp>
#include <mgca/feed/detection_source.hpp>
#include <mgca/feed/mask_source.hpp>

TEST_CASE("batch: bytes become numbers in [-1, 1], the same in three channels", "[feed][fast]") {
  const auto bytes = torch::arange(256).to(torch::kUInt8).view({1, 1, 16, 16});
  const auto input = mgca::network_input(bytes, torch::kCPU);
  CHECK(input.sizes() == at::IntArrayRef({1, 3, 16, 16}));
  CHECK(input.scalar_type() == torch::kFloat32);
  CHECK(input[0][0][0][0].item<float>() == -1);
  CHECK(input[0][2][15][15].item<float>() == 1);
  CHECK(torch::allclose(input[0][1].flatten(), (torch::arange(256) / 255.0 - 0.5) / 0.5, 0, 1e-6));
}

TEST_CASE("batch: tokens travel with all four parts", "[feed][fast]") {
  const mgca::Tokens tokens{.ids = torch::arange(6).view({2, 3}), .mask = torch::ones({2, 3}, torch::kLong), .word_slot = torch::zeros({2, 3}, torch::kLong),
                            .words = torch::tensor({1, 2})};
  CHECK(tokens.length() == 3);
  const auto there = tokens.to(torch::kMeta);
  for (const auto& part : {there.ids, there.mask, there.word_slot, there.words}) CHECK(part.is_meta());
  CHECK(there.words.sizes() == at::IntArrayRef({2}));
  const auto same = tokens.to(torch::kCPU);
  CHECK(torch::equal(same.ids, tokens.ids));
}

TEST_CASE("batch: a study batch counts its pictures", "[feed][fast]") {
  const mgca::StudyBatch batch{.images = torch::zeros({5, 1, 8, 8}, torch::kUInt8), .tokens = {}, .labels = {}, .records = {}};
  CHECK(batch.size() == 5);
}

TEST_CASE("batch: page-locked parts are equal to what they were, and refused where no GPU is", "[feed][gpu]") {
  const auto ids = torch::arange(6).view({2, 3});
  mgca::StudyBatch batch{.images = torch::full({2, 1, 8, 8}, 7, torch::kUInt8), .tokens = {.ids = ids, .mask = ids, .word_slot = ids, .words = ids[0]},
                         .labels = torch::ones({2, 0}), .records = {3, 4}};
  mgca::DetectionBatch boxes{.images = batch.images, .boxes = torch::zeros({2, 3, 5}), .records = {3, 4}};
  mgca::MaskBatch masks{.images = batch.images, .masks = torch::zeros({2, 1, 8, 8}), .records = {3, 4}};
  mgca::LabelledBatch labelled{.images = batch.images, .labels = torch::ones({2, 1}), .records = {3, 4}};
  if (!at::hasCUDA()) {
    const auto refused = [](auto& one) { mgca::test::expect_error([&] { one.pin(); }, {"needs CUDA", "LoaderOptions::pinned"}); };
    refused(batch), refused(boxes), refused(masks), refused(labelled);
    return;
  }
  boxes.pin(), masks.pin(), labelled.pin();
  for (const auto& part : {boxes.images, boxes.boxes, masks.images, masks.masks, labelled.images, labelled.labels}) CHECK(part.is_pinned());
  batch.pin();
  CHECK(batch.images.is_pinned());
  CHECK(batch.tokens.word_slot.is_pinned());
  CHECK(torch::equal(batch.tokens.ids, ids));
  CHECK(torch::equal(batch.images, torch::full({2, 1, 8, 8}, 7, torch::kUInt8)));
}
