#include "catch.hpp"
#include "tiny_study.hpp"

#include <mgca/tasks/feature_table.hpp>

TEST_CASE("feature_table: features are the image tower's own, in the data's order, and the mode is restored", "[tasks][fast]") {
  const mgca::test::TinyStudy s;
  auto model = mgca::test::tiny_model();
  model->train();
  const auto table = mgca::tasks::features(*model, s.source, 7);
  CHECK(model->is_training());
  CHECK(table.features.sizes() == at::IntArrayRef({24, model->image_width()}));
  CHECK_FALSE(table.features.requires_grad());
  for (const int64_t i : {0, 13, 23}) CHECK(table.labels[i][2].item<float>() == s.studies.record(i).labels[2]);
  CHECK(table.records.size() == 24);
  CHECK(table.records[23] == 23);
  CHECK(torch::allclose(table.features, mgca::tasks::features(*model, s.source, 24).features, 1e-4, 1e-5));
}
