#include "catch.hpp"

#include <mgca/core/random.hpp>
#include <mgca/core/utf8.hpp>

using mgca::first_invalid_utf8;
using mgca::replaced_invalid_utf8;
using mgca::utf8_length;

TEST_CASE("utf8: the table of well-formed sequences is met at both ends of every row", "[core][golden][fast]") {
  for (const std::string_view good : {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xE0\xBF\xBF", "\xE1\x80\x80", "\xEC\xBF\xBF", "\xED\x80\x80",
                                      "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF1\x80\x80\x80", "\xF3\xBF\xBF\xBF",
                                      "\xF4\x8F\xBF\xBF"}) {
    CHECK(utf8_length(good, 0) == good.size());
    CHECK(first_invalid_utf8(good) == good.size());
    for (std::size_t cut = 1; cut < good.size(); ++cut) CHECK(utf8_length(good.substr(0, cut), 0) == 0);
  }
  for (const std::string_view bad : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF",
                                     "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3\x28", "\xE2\x28\xA1", "\xE2\x82\x28"}) {
    CHECK(utf8_length(bad, 0) == 0);
  }
  CHECK(utf8_length("", 0) == 0);
  CHECK(utf8_length(std::string_view("\0", 1), 0) == 1);
}

TEST_CASE("utf8: the first bad byte is named, wherever it stands", "[core][fast]") {
  CHECK(first_invalid_utf8("Gr\xC3\xB6\xC3\x9F" "e") == 7);
  CHECK(first_invalid_utf8("12 \xB0 C") == 3);
  CHECK(first_invalid_utf8("ab\xE2\x82") == 2);
}

TEST_CASE("utf8: replacement leaves good text alone and makes any bytes good, in as many characters as there were bad bytes", "[core][fast]") {
  CHECK(replaced_invalid_utf8("Gr\xC3\xB6\xC3\x9F" "e") == "Gr\xC3\xB6\xC3\x9F" "e");
  CHECK(replaced_invalid_utf8("a\xB0z") == "a\xEF\xBF\xBDz");
  CHECK(replaced_invalid_utf8("\xE2\x82") == "\xEF\xBF\xBD\xEF\xBF\xBD");
  for (std::uint64_t i = 0; i < 20000; ++i) {
    mgca::RandomStream random({.seed = 5, .sample = i}, mgca::Use::test);
    std::string bytes(random.below(20), '\0');
    for (auto& c : bytes) c = static_cast<char>(random.below(2) == 0 ? random.below(256) : 0x80 + random.below(0x80));
    const auto good = replaced_invalid_utf8(bytes);
    REQUIRE(first_invalid_utf8(good) == good.size());
    REQUIRE(replaced_invalid_utf8(good) == good);
    REQUIRE((first_invalid_utf8(bytes) == bytes.size()) == (good == bytes));
  }
}
