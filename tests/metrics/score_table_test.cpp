#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/metrics/score_table.hpp>

#include <limits>

using mgca::ScoreTable;
using mgca::metrics::column;
using mgca::metrics::macro_mean;
using mgca::test::expect_error;

namespace {
const std::vector<float> kScores{0.1F, 0.2F, 0.3F, 0.4F, 0.5F, 0.6F};
const std::vector<std::uint8_t> kLabels{0, 1, 1, 0, 0, 1};
}  // namespace

TEST_CASE("score_table: a column holds its class without the unknown labels", "[metrics][fast]") {
  const std::vector<std::uint8_t> known{1, 1, 1, 0, 0, 1};
  const ScoreTable table{.scores = kScores, .labels = kLabels, .classes = 2, .known = known};
  CHECK(table.rows() == 3);
  CHECK(column(table, 0).scores == std::vector<float>{0.1F, 0.3F});
  CHECK(column(table, 1).scores == std::vector<float>{0.2F, 0.6F});
  CHECK(column(table, 1).labels == std::vector<std::uint8_t>{1, 1});
}

TEST_CASE("score_table: columns of a table without unknown labels make it up again", "[metrics][fast]") {
  const ScoreTable table{.scores = kScores, .labels = kLabels, .classes = 3};
  for (std::int64_t c = 0; c < 3; ++c) {
    const auto one = column(table, c);
    REQUIRE(one.scores.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(one.scores[i] == kScores[i * 3 + static_cast<std::size_t>(c)]);
      CHECK(one.labels[i] == kLabels[i * 3 + static_cast<std::size_t>(c)]);
    }
  }
}

TEST_CASE("macro_mean: the mean counts defined classes only and says how many they are", "[metrics][fast]") {
  const auto some = macro_mean({0.5, std::nullopt, 1.0});
  CHECK(*some.mean == 0.75);
  CHECK(some.defined == 2);
  CHECK(some.classes() == 3);
  CHECK_FALSE(macro_mean({std::nullopt, std::nullopt}).mean.has_value());
  CHECK_FALSE(macro_mean(std::vector<std::optional<double>>{}).mean.has_value());
  const auto counted = macro_mean(ScoreTable{.scores = kScores, .labels = kLabels, .classes = 2},
                                  [](std::span<const float> scores, std::span<const std::uint8_t>) { return std::optional<double>(scores.size()); });
  CHECK(*counted.mean == 3);
}

TEST_CASE("score_table: shapes that do not fit, NaN and foreign labels are refused by position", "[metrics][fast]") {
  expect_error([] { (void)column({.scores = kScores, .labels = kLabels, .classes = 4}, 0); }, {"6 scores", "4 classes"});
  expect_error([] { (void)column({.scores = kScores, .labels = kLabels, .classes = 0}, 0); }, {"1 class or more", "0"});
  expect_error([] { (void)column({.scores = kScores, .labels = kLabels, .classes = 2}, 2); }, {"class 2 of 2"});
  expect_error([] { (void)column({.scores = kScores, .labels = std::span(kLabels).first(5), .classes = 2}, 0); }, {"6 scores", "5 labels"});
  expect_error([] { (void)column({.scores = kScores, .labels = kLabels, .classes = 2, .known = std::span(kLabels).first(2)}, 0); }, {"2 entries", "6 labels"});
  const std::vector<float> nan{0.5F, std::numeric_limits<float>::quiet_NaN()};
  const std::vector<std::uint8_t> foreign{0, 7}, good{0, 1};
  expect_error([&] { mgca::metrics::check_scores(nan, good); }, {"score 1", "NaN"});
  expect_error([&] { mgca::metrics::check_scores(std::span(kScores).first(2), foreign); }, {"label 1", "7"});
}
