#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/metrics/text_features.hpp>

namespace metrics = mgca::metrics;
using mgca::TokenList;
using mgca::test::expect_error;

TEST_CASE("tfidf: a hand-computed example", "[metrics][fast]") {
  const std::vector<TokenList> texts{{"no", "effusion"}, {"effusion", "effusion", "small"}};
  const auto model = metrics::fit_tfidf(texts);
  REQUIRE(model.width() == 3);
  CHECK(model.columns.at("effusion") == 0);
  CHECK(model.idf[0] == Approx(1.0));                      // in both texts
  CHECK(model.idf[1] == Approx(std::log(3.0 / 2.0) + 1));  // "no", in one
  const auto rows = metrics::tfidf(model, texts);
  const double small = std::log(1.5) + 1;
  CHECK(rows.at(1, 0) == Approx(2 / std::hypot(2, small)));
  CHECK(rows.at(1, 2) == Approx(small / std::hypot(2, small)));
  CHECK(rows.at(1, 1) == 0.0F);
}

TEST_CASE("tfidf: rows have length one, unknown terms are left out", "[metrics][fast]") {
  const std::vector<TokenList> training{{"a", "b"}, {"b", "c"}, {"b", "d", "d"}};
  const auto model = metrics::fit_tfidf(training);
  const std::vector<TokenList> texts{{"a", "d", "x"}, {"x", "y"}, {}};
  const auto rows = metrics::tfidf(model, texts);
  double first = 0, second = 0;
  for (std::int64_t j = 0; j < rows.width(); ++j) first += rows.at(0, j) * rows.at(0, j), second += rows.at(1, j);
  CHECK(first == Approx(1.0));
  CHECK(second == 0.0);
}

TEST_CASE("tfidf: min_texts and max_terms keep the terms in most texts", "[metrics][fast]") {
  const std::vector<TokenList> texts{{"a", "b", "c"}, {"b", "c"}, {"c", "d"}};
  CHECK(metrics::fit_tfidf(texts, {.min_texts = 2}).width() == 2);
  const auto one = metrics::fit_tfidf(texts, {.max_terms = 1});
  CHECK(one.columns.count("c") == 1);
  expect_error([&] { (void)metrics::fit_tfidf(texts, {.min_texts = 4}); }, {"4 terms", "3 texts", "lower min_texts"});
  expect_error([&] { (void)metrics::tfidf(one, {}); }, {"0 texts"});
}
