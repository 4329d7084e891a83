#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/data/uncertain_labels.hpp>

#include <optional>
#include <vector>

using mgca::data::map_uncertain;

TEST_CASE("uncertain labels: the mixed rule decides each of the five findings as published", "[data][fast]") {
  std::vector<float> uncertain;
  for (const auto finding : mgca::data::kFiveFindings) {
    uncertain.push_back(map_uncertain(finding, -1).value());
    CHECK(map_uncertain(finding, 1) == 1.0F);
    CHECK(map_uncertain(finding, 0) == 0.0F);
    CHECK(map_uncertain(finding, std::nullopt) == 0.0F);  // not mentioned
  }
  CHECK(uncertain == std::vector<float>{1, 0, 0, 1, 1});
}

TEST_CASE("uncertain labels: other values have no label, other findings no rule", "[data][fast]") {
  for (const double value : {2.0, 0.5, -2.0}) CHECK_FALSE(map_uncertain("Edema", value));
  mgca::test::expect_error([] { (void)map_uncertain("Pleural Efusion", 1); }, {"did you mean 'Pleural Effusion'?", "Atelectasis"});
}
