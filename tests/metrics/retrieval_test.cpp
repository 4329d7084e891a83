#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>
#include <mgca/metrics/retrieval.hpp>

#include <limits>

using mgca::metrics::retrieval;
using mgca::test::expect_error;

namespace {
mgca::Plane<const float> matrix(const std::vector<float>& values, std::int64_t columns) {
  return {.pixels = values, .height = static_cast<std::int64_t>(values.size()) / columns, .width = columns};
}
}  // namespace

TEST_CASE("retrieval: ranks of a small example in both directions", "[metrics][fast]") {
  const std::vector<float> similarity{0.9F, 0.1F, 0.3F,  //
                                      0.8F, 0.2F, 0.5F,  //
                                      0.1F, 0.6F, 0.6F};
  const auto result = retrieval(matrix(similarity, 3));
  CHECK(result.image_to_text.ranks == std::vector<std::int64_t>{1, 3, 2});  // row 2: a tie counts against
  CHECK(result.text_to_image.ranks == std::vector<std::int64_t>{1, 2, 1});
  CHECK(result.image_to_text.recall(1) == Approx(1.0 / 3));
  CHECK(result.image_to_text.recall(2) == Approx(2.0 / 3));
  CHECK(result.image_to_text.recall(10) == 1.0);
  CHECK(result.image_to_text.median() == 2.0);
  CHECK(result.image_to_text.mean_reciprocal() == Approx((1 + 1.0 / 3 + 0.5) / 3));
  CHECK(result.text_to_image.candidates == 3);
}

TEST_CASE("retrieval: an encoder that collapsed to one point ranks everything last", "[metrics][fast]") {
  const std::vector<float> similarity(36, 0.7F);
  const auto result = retrieval(matrix(similarity, 6));
  CHECK(result.image_to_text.median() == 6.0);
  CHECK(result.text_to_image.recall(5) == 0.0);
}

TEST_CASE("retrieval: texts of one group are one answer", "[metrics][fast]") {
  const std::vector<float> similarity{0.2F, 0.9F, 0.5F,  //
                                      0.9F, 0.2F, 0.5F,  //
                                      0.3F, 0.4F, 0.1F};
  const std::vector<std::int64_t> groups{7, 7, 8};
  const auto own = retrieval(matrix(similarity, 3));
  const auto grouped = retrieval(matrix(similarity, 3), {.image_groups = groups, .text_groups = groups});
  CHECK(own.image_to_text.ranks == std::vector<std::int64_t>{3, 3, 3});
  CHECK(grouped.image_to_text.ranks == std::vector<std::int64_t>{1, 1, 3});
  const std::vector<std::int64_t> single{0, 1, 2};
  CHECK(retrieval(matrix(similarity, 3), {.image_groups = single, .text_groups = single}).image_to_text.ranks ==
        own.image_to_text.ranks);
}

TEST_CASE("retrieval: chance is what all orders of the answers reach on average", "[metrics][fast]") {
  const std::vector<std::int64_t> groups{0, 1, 0, 2, 0};
  std::vector<float> order{0.1F, 0.2F, 0.3F, 0.4F, 0.5F};
  double recalls[3] = {}, mean = 0, orders = 0;
  mgca::RankList last;
  do {  // every query sees its answers in this order
    std::vector<float> similarity;
    for (int i = 0; i < 5; ++i) similarity.insert(similarity.end(), order.begin(), order.end());
    last = retrieval(matrix(similarity, 5), {.image_groups = groups, .text_groups = groups}).image_to_text;
    for (std::int64_t k = 1; k <= 3; ++k) recalls[k - 1] += last.recall(k);
    mean += last.mean();
    ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  CHECK(last.right == std::vector<std::int64_t>{3, 1, 3, 1, 3});
  for (std::int64_t k = 1; k <= 3; ++k) CHECK(last.chance_recall(k) == Approx(recalls[k - 1] / orders));
  CHECK(last.chance_mean() == Approx(mean / orders));
  CHECK(last.chance_recall(100) == 1);
  expect_error([] { (void)mgca::RankList{.ranks = {1}, .candidates = 3}.chance_recall(1); }, {"0 counts of right answers for 1"});
}

TEST_CASE("retrieval: random similarities rank near the middle, transposition swaps directions", "[metrics][fast]") {
  const std::int64_t n = 101;
  mgca::RandomStream random({.seed = 3}, mgca::Use::test);
  std::vector<float> similarity(static_cast<std::size_t>(n * n)), transposed(similarity.size());
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      const auto value = static_cast<float>(random.uniform());
      similarity[static_cast<std::size_t>(i * n + j)] = value;
      transposed[static_cast<std::size_t>(j * n + i)] = value;
    }
  }
  const auto result = retrieval(matrix(similarity, n)), swapped = retrieval(matrix(transposed, n));
  CHECK(result.image_to_text.ranks == swapped.text_to_image.ranks);
  CHECK(result.image_to_text.median() > 30);
  CHECK(result.image_to_text.median() < 72);
}

TEST_CASE("retrieval: shapes, NaN and queries without an answer are refused", "[metrics][fast]") {
  const std::vector<float> similarity{1, 2, 3, 4, 5, 6};
  expect_error([&] { (void)retrieval(matrix(similarity, 3)); }, {"2 images", "3 texts", "groups"});
  const std::vector<std::int64_t> images{1, 9}, texts{1, 1, 1};
  expect_error([&] { (void)retrieval(matrix(similarity, 3), {.image_groups = images, .text_groups = texts}); },
               {"image 1"});
  expect_error([&] { (void)retrieval(matrix(similarity, 3), {.image_groups = images}); }, {"2 and 0"});
  const std::vector<float> broken{1, 2, std::numeric_limits<float>::quiet_NaN(), 4};
  expect_error([&] { (void)retrieval(matrix(broken, 2)); }, {"row 1, column 0", "NaN"});
  expect_error([] { (void)retrieval({}); }, {"0 x 0"});
  expect_error([] { (void)mgca::RankList{}.median(); }, {"no queries"});
}

TEST_CASE("precision_at: the part of the nearest that is relevant, ties against the model", "[metrics][fast]") {
  const std::vector<float> similarity{0.9F, 0.8F, 0.1F, 0.2F,  //
                                      0.5F, 0.5F, 0.5F, 0.1F};
  const std::vector<int> query{0, 1}, answer{0, 1, 0, 1};
  const auto same = [&](std::int64_t i, std::int64_t j) { return query[static_cast<std::size_t>(i)] == answer[static_cast<std::size_t>(j)]; };
  CHECK(mgca::metrics::precision_at(matrix(similarity, 4), 1, same) == std::vector<double>{1, 0});
  CHECK(mgca::metrics::precision_at(matrix(similarity, 4), 2, same) == std::vector<double>{0.5, 0});  // row 2: two of three equals, the wrong ones
  CHECK(mgca::metrics::precision_at(matrix(similarity, 4), 4, same) == std::vector<double>{0.5, 0.5});
  expect_error([&] { (void)mgca::metrics::precision_at(matrix(similarity, 4), 5, same); }, {"1 .. 4", "5"});
}

TEST_CASE("groups_of_equal: equal texts share a number, and then each other's image is no mistake", "[metrics][fast]") {
  const std::vector<std::string> texts{"clear lungs", "effusion", "clear lungs"};
  const auto groups = mgca::metrics::groups_of_equal(texts);
  CHECK(groups == std::vector<std::int64_t>{0, 1, 0});
  const std::vector<float> similarity{0.2F, 0.1F, 0.9F,  //
                                      0.1F, 0.9F, 0.2F,  //
                                      0.9F, 0.1F, 0.2F};
  CHECK(retrieval(matrix(similarity, 3)).image_to_text.recall(1) == Approx(1.0 / 3));
  const auto grouped = retrieval(matrix(similarity, 3), {.image_groups = groups, .text_groups = groups});
  CHECK(grouped.image_to_text.recall(1) == 1);
  CHECK(grouped.image_to_text.mean() == 1);
}
