#include "catch.hpp"
#include "expect_error.hpp"
#include "viz_support.hpp"

#include <mgca/viz/words.hpp>

using namespace mgca;
using test::count_of;
using test::expect_error;

TEST_CASE("words: the shade is the weight over the largest, the first k are bold", "[viz][fast]") {
  const std::vector<WordWeight> report{{"small", 0.2}, {"effusion", 0.4}, {"no", 0}, {"edema", 0.1}};
  const auto figure = viz::words(report, {.text = ReportText::shown, .top = 2});
  CHECK(figure.html.find("rgba(245,158,11,0.750)\" title=\"0.4000\">effusion</b>") != std::string::npos);
  CHECK(figure.html.find("rgba(245,158,11,0.375)\" title=\"0.2000\">small</b>") != std::string::npos);
  CHECK(figure.html.find(">edema</span>") != std::string::npos);
  CHECK(count_of(figure.html, "<b ") == 2);
  CHECK(test::malformed(figure.html) == "");
}

TEST_CASE("words: a report without any weight has no bold word", "[viz][fast]") {
  const std::vector<WordWeight> report{{"a", 0}, {"b", 0}};
  CHECK(count_of(viz::words(report, {.text = ReportText::shown}).html, "<b ") == 0);
}

TEST_CASE("words: without consent, with negative weights or without words nothing is drawn", "[viz][fast]") {
  const std::vector<WordWeight> report{{"canary", 1}, {"b", -0.5}};
  try {
    (void)viz::words(report, {.text = ReportText::shown});
    FAIL("a negative weight was accepted");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("word 1") != std::string::npos);
    CHECK(std::string(error.what()).find("canary") == std::string::npos);
  }
  expect_error([&] { (void)viz::words(report); }, {"ReportText::shown"});
  expect_error([] { (void)viz::words({}, {.text = ReportText::shown}); }, {"0 words"});
}
