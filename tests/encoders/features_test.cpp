#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/encoders/features.hpp>

TEST_CASE("features: patches of a square grid tell its side, any other number is refused", "[encoders][fast]") {
  for (const int64_t side : {1, 2, 14, 19, 37, 1000}) CHECK(mgca::grid_side(side * side) == side);
  for (const int64_t patches : {0, 2, 15, 197, 999999}) {
    mgca::test::expect_error([&] { (void)mgca::grid_side(patches); }, {std::to_string(patches), "no square grid"});
  }
}
