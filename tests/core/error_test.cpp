#include "catch.hpp"

#include <mgca/core/error.hpp>

using mgca::Error;
using mgca::ErrorKind;

namespace {

Error caught(auto&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::argument, "nothing was thrown");
}
void need_positive(int value) { MGCA_CHECK(value > 0, "probe: expected a positive value, got ", value, "; raise it"); }

}  // namespace

TEST_CASE("error: the message is its pieces in order, numbers with nine digits", "[core][fast]") {
  const auto error = caught([] { mgca::fail(ErrorKind::data, "a.csv: row ", 12, ": ", 0.123456789, " of ", std::string("three")); });
  CHECK(std::string(error.what()) == "a.csv: row 12: 0.123456789 of three");
  CHECK(error.kind() == ErrorKind::data);
}

TEST_CASE("error: a check that holds costs no evaluation of its message", "[core][fast]") {
  int evaluated = 0;
  const auto piece = [&] { return ++evaluated; };
  MGCA_CHECK(true, piece());
  CHECK(evaluated == 0);
  CHECK_NOTHROW(need_positive(1));
}

TEST_CASE("error: a failed check is an argument error with value and remedy", "[core][fast]") {
  const auto error = caught([] { need_positive(-3); });
  CHECK(error.kind() == ErrorKind::argument);
  CHECK(std::string(error.what()) == "probe: expected a positive value, got -3; raise it");
}

TEST_CASE("error: a program that knows only the standard library catches it", "[core][fast]") {
  CHECK_THROWS_AS(need_positive(0), std::runtime_error);
}
