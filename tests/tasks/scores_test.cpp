#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/tasks/scores.hpp>

#include <limits>

TEST_CASE("scores: logits row by row, labels as 0 and 1, unknown ones marked", "[tasks][fast]") {
  const float unknown = std::numeric_limits<float>::quiet_NaN();
  const auto scores = mgca::tasks::scores_of(torch::tensor({{0.5F, -1.F}, {2.F, 3.F}, {4.F, 5.F}}), torch::tensor({{1.F, 0.F}, {unknown, 1.F}, {0.F, unknown}}));
  CHECK(scores.classes == 2);
  CHECK(scores.values == std::vector<float>{0.5F, -1, 2, 3, 4, 5});
  CHECK(scores.labels == std::vector<uint8_t>{1, 0, 0, 1, 0, 0});
  CHECK(scores.known == std::vector<uint8_t>{1, 1, 0, 1, 1, 0});
  const auto table = scores.table();
  CHECK(table.classes == 2);
  CHECK(table.scores.data() == scores.values.data());
}

TEST_CASE("scores: other types and layouts give the same", "[tasks][fast]") {
  const auto logits = torch::tensor({{0.5F, 2.F}, {-1.F, 3.F}}), labels = torch::tensor({{1.F, 0.F}, {0.F, 1.F}});
  const auto plain = mgca::tasks::scores_of(logits, labels), other = mgca::tasks::scores_of(logits.to(torch::kFloat64).t().contiguous().t(), labels.to(torch::kLong));
  CHECK(plain.values == other.values);
  CHECK(plain.labels == other.labels);
}

TEST_CASE("scores: logits and labels of different shapes are refused with both", "[tasks][fast]") {
  mgca::test::expect_error([] { (void)mgca::tasks::scores_of(torch::zeros({3, 2}), torch::zeros({3, 1})); }, {"[3, 2]", "[3, 1]"});
}
