#include "catch.hpp"

#include <mgca/core/rank_names.hpp>

using Ranks = std::vector<std::int64_t>;

TEST_CASE("rank names: one, several, and those in a row", "[core][fast]") {
  CHECK(mgca::rank_names(Ranks{3}) == "rank 3");
  CHECK(mgca::rank_names(Ranks{1, 3}) == "ranks 1 and 3");
  CHECK(mgca::rank_names(Ranks{0, 1}) == "ranks 0 and 1");
  CHECK(mgca::rank_names(Ranks{0, 1, 2}) == "ranks 0 to 2");
  CHECK(mgca::rank_names(Ranks{0, 1, 2, 3, 4, 5, 7, 9}) == "ranks 0 to 5, 7 and 9");
  CHECK(mgca::rank_names(Ranks{1, 2, 9, 10, 11}) == "ranks 1, 2 and 9 to 11");
}
