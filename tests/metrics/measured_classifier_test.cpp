#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/metrics/classification.hpp>
#include <mgca/metrics/compare.hpp>

namespace metrics = mgca::metrics;
using mgca::test::expect_error;

TEST_CASE("measured_classifier: calls that are right follow their own threshold and the known labels, or the highest logit", "[metrics][fast]") {
  const std::vector<float> logits{2, -1, 0.5F, 3, -2, 1};
  const std::vector<std::uint8_t> labels{1, 0, 0, 1, 1, 0}, known{1, 1, 1, 1, 1, 0};
  const metrics::MeasuredClassifier two({.scores = logits, .labels = labels, .classes = 2, .known = known}, {.thresholds = {1.0F, std::nullopt}});
  CHECK(two.right_calls(0) == std::vector<std::uint8_t>{1, 1, 0});  // 2 above, 0.5 not above, -2 not above a positive
  CHECK(two.right_calls(1).empty());
  CHECK(two.right_answers().empty());
  const std::vector<std::uint8_t> classes{1, 0, 0, 1, 1, 0};
  const metrics::MeasuredClassifier one_of_two({.scores = logits, .labels = classes, .classes = 2, .known = {}}, {.kind = mgca::LabelKind::exclusive});
  CHECK(one_of_two.right_answers() == std::vector<std::uint8_t>{1, 1, 0});
  CHECK(one_of_two.right_calls(0) == one_of_two.right_calls(1));
  CHECK(metrics::mcnemar(two.right_calls(0), std::vector<std::uint8_t>{0, 1, 0}).only_first == 1);
}

TEST_CASE("measured_classifier: any resample gives what the drawn rows give as a table of their own", "[metrics][fast]") {
  const std::vector<float> logits{2, -1, 0.5F, 3, -2, 1, 0.1F, -0.3F, 1.5F, 0.2F};
  const std::vector<std::uint8_t> labels{1, 0, 0, 1, 1, 0, 0, 1, 1, 1}, known{1, 1, 1, 1, 1, 0, 1, 1, 1, 1};
  const metrics::ClassificationOptions options{.thresholds = {0.3F, 0.0F}};
  const metrics::MeasuredClassifier all({.scores = logits, .labels = labels, .classes = 2, .known = known}, options);
  const std::vector<std::int64_t> indices{0, 0, 1, 3, 4};
  const std::vector<std::uint32_t> times{2, 1, 0, 1, 1};
  std::vector<float> drawn_logits;
  std::vector<std::uint8_t> drawn_labels, drawn_known;
  for (const auto row : indices) {
    for (std::size_t at = static_cast<std::size_t>(2 * row); at < static_cast<std::size_t>(2 * row + 2); ++at) {
      drawn_logits.push_back(logits[at]);
      drawn_labels.push_back(labels[at]);
      drawn_known.push_back(known[at]);
    }
  }
  const auto found = all({.indices = indices, .times = times});
  const auto alone = metrics::classification({.scores = drawn_logits, .labels = drawn_labels, .classes = 2, .known = drawn_known}, options);
  REQUIRE(found.size() == 3 * mgca::kMeasures);
  for (std::size_t m = 0; m < mgca::kMeasures; ++m) {
    INFO(names_of(mgca::Measure{})[m]);
    for (std::size_t c = 0; c < 2; ++c) CHECK(found[c * mgca::kMeasures + m].value_or(-9) == Approx(alone.classes[c].measures.all[m].estimate.value_or(-9)));
    CHECK(found[2 * mgca::kMeasures + m].value_or(-9) == Approx(alone.macro.all[m].estimate.value_or(-9)));
  }
  expect_error([&] { metrics::MeasuredClassifier({.scores = logits, .labels = labels, .classes = 2, .known = known}, {.thresholds = {0.5F}}); }, {"1 thresholds for 2"});
  expect_error([] { metrics::MeasuredClassifier({.scores = {}, .labels = {}, .classes = 2, .known = {}}, {}); }, {"no rows"});
}
