#include "raw_download.hpp"

#include <mgca/data/published_subsets.hpp>

TEST_CASE("published subsets: the training rows are those pandas' sample keeps with seed 42", "[data][fast]") {
  std::vector<mgca::Study> studies(210);
  for (std::size_t i = 0; i < studies.size(); ++i) studies[i] = {.split = i % 21 == 20 ? "test" : "train", .percent = 7};
  mgca::data::draw_published_subsets(studies);
  CHECK(mgca::test::count_of(studies, "test", 0) == 10);
  CHECK(mgca::test::count_of(studies, "train", 1) == 2);
  CHECK(mgca::test::count_of(studies, "train", 10) == 18);
  CHECK(mgca::test::count_of(studies, "train", 100) == 180);
  const auto rows = mgca::data::LegacyRandom(42).permutation(200);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const auto row = static_cast<std::size_t>(rows[k]);
    CHECK(studies[row + row / 20].percent == (k < 2 ? 1 : k < 20 ? 10 : 100));  // one of 21 studies is not of the training rows
  }
}
