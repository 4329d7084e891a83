#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/config.hpp>
#include <mgca/train/hooks/early_stop.hpp>

#include <cmath>
#include <limits>

namespace {
mgca::Stop give(mgca::EarlyStop& stop, double value) {
  mgca::Values values{{"val_loss", value}};
  return stop.after_epoch({}, values);
}
}  // namespace

TEST_CASE("early_stop: stops after its patience; equal is not better", "[train][fast]") {
  mgca::EarlyStop stop({.patience = 2});
  CHECK(give(stop, 3) == mgca::Stop::no);
  CHECK(give(stop, 2) == mgca::Stop::no);
  CHECK(give(stop, 2) == mgca::Stop::no);
  CHECK(give(stop, 2.5) == mgca::Stop::yes);
}

TEST_CASE("early_stop: an improvement begins the patience anew, in either direction", "[train][fast]") {
  for (const auto better : {mgca::Better::smaller, mgca::Better::larger}) {
    const double sign = better == mgca::Better::smaller ? 1 : -1;
    mgca::EarlyStop stop({.patience = 2, .better = better});
    for (const double value : {5., 6., 4., 6.}) CHECK(give(stop, sign * value) == mgca::Stop::no);
    CHECK(give(stop, sign * 4) == mgca::Stop::yes);
  }
}

TEST_CASE("early_stop: a value that is no number stops at once", "[train][fast]") {
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    mgca::EarlyStop stop;
    CHECK(give(stop, 1) == mgca::Stop::no);
    CHECK(give(stop, value) == mgca::Stop::yes);
  }
}

TEST_CASE("early_stop: a name that does not exist is refused with those that do", "[train][fast]") {
  mgca::Values values{{"loss", 1.0}, {"error", 2.0}};
  mgca::EarlyStop stop;
  mgca::test::expect_error([&] { (void)stop.after_epoch({}, values); }, {"val_loss", "known: error, loss"});
}

TEST_CASE("early_stop: its record says the best value and how long it has waited", "[train][fast]") {
  mgca::EarlyStop stop;
  CHECK(mgca::to_json_text(stop, -1) == R"({"best":null,"waited":0})");
  (void)give(stop, 2);
  (void)give(stop, 3);
  CHECK(mgca::to_json_text(stop, -1) == R"({"best":2.0,"waited":1})");
}
