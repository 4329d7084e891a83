#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/enum.hpp>

namespace {

enum class Summary { cls, mean, attention };
constexpr auto names_of(Summary) { return std::to_array<std::string_view>({"cls", "mean", "attention"}); }
enum class Nameless { one };

}  // namespace

static_assert(mgca::NamedEnum<Summary>);
static_assert(!mgca::NamedEnum<Nameless>);
static_assert(!mgca::NamedEnum<int>);
static_assert(mgca::to_string(Summary::attention) == "attention");

TEST_CASE("enum: every value is read back from its name", "[core][fast]") {
  for (const auto value : {Summary::cls, Summary::mean, Summary::attention}) CHECK(mgca::parse_enum<Summary>(mgca::to_string(value)) == value);
}

TEST_CASE("enum: names that are none are refused with the known ones, nearest first", "[core][fast]") {
  using mgca::test::expect_error;
  expect_error([] { (void)mgca::parse_enum<Summary>("maen"); }, {"unknown value 'maen'", "did you mean 'mean'", "cls", "attention"});
  expect_error([] { (void)mgca::parse_enum<Summary>(""); }, {"unknown value ''"});
  expect_error([] { (void)mgca::parse_enum<Summary>("Mean"); }, {"'Mean'"});             // case counts
  expect_error([] { (void)mgca::parse_enum<Summary>(std::string_view("cls\0", 4)); }, {"unknown value"});
  try {
    (void)mgca::parse_enum<Summary>("max");
    FAIL("accepted");
  } catch (const mgca::Error& error) {
    CHECK(error.kind() == mgca::ErrorKind::config);
  }
}
