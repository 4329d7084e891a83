#include "catch.hpp"
#include "tiny_study.hpp"

#include <mgca/tasks/retrieve.hpp>

using mgca::test::tiny_model;
using mgca::test::TinyStudy;

TEST_CASE("retrieve: a gallery's rows are unit vectors in the data's order, and the mode is restored", "[tasks][fast]") {
  const TinyStudy s;
  auto model = tiny_model();
  model->train();
  const auto gallery = mgca::tasks::embed(*model, s.source, 5);
  CHECK(model->is_training());
  CHECK((gallery.records.size() == 24 && gallery.records.front() == 0 && gallery.records.back() == 23));
  CHECK(gallery.images.sizes() == at::IntArrayRef({24, 32}));
  CHECK_FALSE(gallery.images.requires_grad());
  CHECK(torch::allclose(gallery.images.norm(2, {1}), torch::ones({24}), 1e-4, 1e-4));
  CHECK(torch::allclose(gallery.reports, mgca::tasks::embed(*model, s.source, 24).reports, 1e-4, 1e-5));
}

TEST_CASE("retrieve: the mode is restored when a picture cannot be read", "[tasks][fast]") {
  const TinyStudy s;
  struct Broken {
    using Batch = mgca::StudyBatch;
    [[nodiscard]] int64_t size() const { return 4; }
    [[nodiscard]] Batch batch(std::span<const int64_t>, mgca::RandomKey) const { mgca::fail(mgca::ErrorKind::data, "row 3"); }
  } broken;
  auto model = tiny_model();
  model->train();
  CHECK_THROWS_AS(mgca::tasks::embed(*model, broken), mgca::Error);
  CHECK(model->is_training());
}

TEST_CASE("retrieve: only the own partner is a hit, in both directions", "[tasks][fast]") {
  const auto images = torch::eye(3);
  const auto reports = torch::tensor({{1.F, 0.F, 0.F}, {0.F, 0.F, 1.F}, {0.F, 1.F, 0.F}});  // the second and third are exchanged
  const auto found = mgca::tasks::retrieve({.images = images, .reports = reports});
  CHECK(found.image_to_text.recall(1) == Approx(1.0 / 3));
  CHECK(found.text_to_image.recall(1) == Approx(1.0 / 3));
  CHECK(mgca::tasks::retrieve({.images = images, .reports = images}).image_to_text.recall(1) == 1);
  CHECK(mgca::tasks::retrieve({.images = torch::ones({3, 2}), .reports = torch::ones({3, 2})}).image_to_text.recall(1) == 0);  // ties count against us
}
