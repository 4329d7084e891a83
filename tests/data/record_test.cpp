#include "catch.hpp"

#include <mgca/core/enum.hpp>
#include <mgca/data/record.hpp>

using mgca::Sex;
using mgca::View;

TEST_CASE("record: a view is read in any case, blank is unknown, anything else is refused", "[data][fast]") {
  CHECK(mgca::view_of("PA") == View::pa);
  CHECK(mgca::view_of(" ap\t") == View::ap);
  CHECK(mgca::view_of("Lateral") == View::lateral);
  CHECK(mgca::view_of("LL") == View::ll);
  CHECK(mgca::view_of("") == View::unknown);
  CHECK(mgca::view_of("  ") == View::unknown);
  for (const char* bad : {"P", "A P", "pa.", "frontal", "0", "AP AXIAL"}) CHECK_FALSE(mgca::view_of(bad).has_value());
}

TEST_CASE("record: sex is a letter or a word, blank is unknown, anything else is refused", "[data][fast]") {
  CHECK(mgca::sex_of("F") == Sex::female);
  CHECK(mgca::sex_of("m") == Sex::male);
  CHECK(mgca::sex_of("Other") == Sex::other);
  CHECK(mgca::sex_of("O") == Sex::other);
  CHECK(mgca::sex_of("FEMALE") == Sex::female);
  CHECK(mgca::sex_of("") == Sex::unknown);
  for (const char* bad : {"W", "fe", "1", "M/F", "-"}) CHECK_FALSE(mgca::sex_of(bad).has_value());
}

TEST_CASE("record: every name of a view and a sex reads back as itself", "[data][fast]") {
  for (std::size_t i = 0; i < names_of(View{}).size(); ++i) CHECK(mgca::view_of(to_string(static_cast<View>(i))) == static_cast<View>(i));
  for (std::size_t i = 0; i < names_of(Sex{}).size(); ++i) CHECK(mgca::sex_of(to_string(static_cast<Sex>(i))) == static_cast<Sex>(i));
}

TEST_CASE("record: a study says nothing that nobody told it", "[data][fast]") {
  const mgca::Study study;
  CHECK(study.view == View::unknown);
  CHECK(study.sex == Sex::unknown);
  CHECK_FALSE(study.age.has_value());
  CHECK(std::isnan(mgca::kUnknownLabel));
}
