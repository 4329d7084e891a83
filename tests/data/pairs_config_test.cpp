#include "catch.hpp"

#include <mgca/core/config.hpp>
#include <mgca/data/sources/pairs_config.hpp>

using mgca::PairsConfig;

TEST_CASE("pairs_config: every option of the configuration is written, read back and counts", "[data][fast]") {
  const PairsConfig usual;
  const auto rows = mgca::option_table(usual);
  CHECK(rows.size() == 16);
  auto changed = usual;
  mgca::apply_overrides(changed, {"extra_rows=ignore", "split_rule.seed=7", "root=/data", "view_column=position"});
  CHECK(changed.extra_rows == mgca::ExtraRows::ignore);
  REQUIRE(changed.split_rule.has_value());
  CHECK(changed.split_rule->seed == 7);
  const auto again = mgca::from_json_text<PairsConfig>(mgca::to_json_text(changed), "config.json");
  CHECK(mgca::differences(changed, again).empty());
  CHECK(mgca::differences(usual, again).size() == 4);
}
