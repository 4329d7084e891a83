#include "catch.hpp"

#include <mgca/core/nearest.hpp>
#include <mgca/core/random.hpp>

#include <string>
#include <vector>

using mgca::edit_distance;

TEST_CASE("nearest: edit distances of the textbook", "[core][golden][fast]") {
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("saturday", "sunday") == 3);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
}

TEST_CASE("nearest: the edit distance is a metric", "[core][fast]") {
  mgca::RandomStream random({.seed = 1}, mgca::Use::test);
  const auto word = [&] {
    std::string text(random.below(7), 'a');
    for (auto& c : text) c = static_cast<char>('a' + random.below(3));
    return text;
  };
  for (int i = 0; i < 2000; ++i) {
    const auto a = word(), b = word(), c = word();
    REQUIRE((edit_distance(a, b) == 0) == (a == b));
    REQUIRE(edit_distance(a, b) == edit_distance(b, a));
    REQUIRE(edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c));
  }
}

TEST_CASE("nearest: names are sorted by distance, far ones are not suggested, long lists are cut", "[core][fast]") {
  const std::vector<std::string> known{"width", "depth", "heads"};
  CHECK(mgca::nearest("dpth", known).front() == "depth");
  CHECK(mgca::nearest_hint("dpth", known) == "; did you mean 'depth'? Known: depth, width, heads");
  CHECK(mgca::nearest_hint("zzzzzzzz", known).find("did you mean") == std::string::npos);
  CHECK(mgca::nearest_hint("x", std::vector<std::string>(20, "name")).find("20 in all") != std::string::npos);
  CHECK(mgca::nearest_hint("x", std::vector<std::string>{}) == "; nothing is known here");
}

TEST_CASE("nearest: the one nearest name is the first of the sorted ones", "[core][fast]") {
  const std::vector<std::string> known{"encoder.layer.0.output.bias", "encoder.layer.0.output.weight", "encoder.layer.10.output.weight", "pooler", "", "pooler.x"};
  for (const std::string name : {"encoder.layer.1.output.weight", "layer.0.output.weight", "pool", "x", "", "encoder.layer.0.output"}) {
    INFO(name);
    CHECK(mgca::nearest_one(name, known) == mgca::nearest(name, known).front());
  }
  CHECK(mgca::nearest_one("a", std::vector<std::string>{}) == std::nullopt);
}
