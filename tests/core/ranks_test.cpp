#include "catch.hpp"

#include <mgca/core/ranks.hpp>

TEST_CASE("rank address: one process that nobody told of others is alone", "[core]") {
  const mgca::RankAddress alone;
  CHECK(alone.rank == 0);
  CHECK(alone.world == 1);
}
