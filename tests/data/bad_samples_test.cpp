#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/parallel.hpp>
#include <mgca/data/bad_samples.hpp>

using mgca::BadSampleList;
using mgca::BadSamples;

TEST_CASE("bad_samples: by default the first one stops, with its own reason and kind", "[data][fast]") {
  BadSampleList list({}, 1000);
  try {
    list.add(12, "t.csv: row 12: cannot open", mgca::ErrorKind::system);
    FAIL("nothing was thrown");
  } catch (const mgca::Error& error) {
    CHECK(error.kind() == mgca::ErrorKind::system);
    CHECK(std::string(error.what()) == "t.csv: row 12: cannot open");
  }
  CHECK(list.count() == 0);
}

TEST_CASE("bad_samples: up to the limit they are counted once each, one more stops with the first rows", "[data][fast]") {
  for (const auto policy : {BadSamples::skip, BadSamples::replace}) {
    BadSampleList list({.policy = policy}, 1200);
    mgca::parallel_for(24, [&](std::int64_t i) { list.add(100 - i / 2, "why " + std::to_string(i / 2)); }, {.threads = 4});
    CHECK(list.count() == 12);
    CHECK(list.reasons().begin()->first == 89);
    mgca::test::expect_error([&] { list.add(3, "empty file"); }, {"13 of 1200", "1 %", "row 3: empty file", "row 89: why 11", "the first of them"});
  }
  BadSampleList none({.policy = BadSamples::skip, .limit = 0}, 100);
  mgca::test::expect_error([&] { none.add(3, "empty file"); }, {"1 of 100", "row 3"});
  mgca::test::expect_error([&] { BadSampleList list({.limit = 1.5}, 10); }, {"limit", "1.5"});
}
