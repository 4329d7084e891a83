#include "catch.hpp"
#include "expect_error.hpp"
#include "tiny_study.hpp"

#include <mgca/tasks/explain.hpp>

using mgca::test::tiny_model;
using mgca::test::TinyStudy;

TEST_CASE("explain: one weight per patch and word, with their formulas, and the mode is restored", "[tasks][fast]") {
  const TinyStudy s;
  auto model = tiny_model();
  model->train();
  const std::vector<int64_t> record{3};
  const auto batch = s.source.batch(record, {});
  const auto out = mgca::tasks::explain(*model, mgca::network_input(batch.images, torch::kCPU), batch.tokens);
  CHECK(model->is_training());
  CHECK(out.regions.height() == 4);
  CHECK(out.words.size() == s.source.words(3, s.tokenizer.vocabulary()).size());
  for (const float weight : out.words) CHECK(weight >= 0);
  CHECK(std::abs(out.similarity) <= 1);
  CHECK_FALSE(out.region_formula.empty());
  CHECK_FALSE(out.word_formula.empty());
}

TEST_CASE("explain: the regions are the cosines of the report with each patch, row by row", "[tasks][fast]") {
  const TinyStudy s;
  auto model = tiny_model();
  model->eval();
  const torch::NoGradGuard no_grad;
  const std::vector<int64_t> record{5};
  const auto batch = s.source.batch(record, {});
  const auto images = mgca::network_input(batch.images, torch::kCPU);
  const auto out = mgca::tasks::explain(*model, images, batch.tokens);
  const auto local = model->encode_image(images).local[0];
  const auto report = model->encode_text(batch.tokens).global[0];
  for (const int64_t patch : {0, 6, 15}) {
    CHECK(out.regions.pixels()[static_cast<std::size_t>(patch)] == Approx(local[patch].dot(report).item<float>()).margin(1e-5));
  }
}

TEST_CASE("explain: more than one pair is refused with the counts", "[tasks][fast]") {
  const TinyStudy s;
  auto model = tiny_model();
  const std::vector<int64_t> records{3, 4};
  const auto batch = s.source.batch(records, {});
  mgca::test::expect_error([&] { (void)mgca::tasks::explain(*model, mgca::network_input(batch.images, torch::kCPU), batch.tokens); },
                           {"explain", "one image and one report", "2 and 2"});
}
