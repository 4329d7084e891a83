#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>
#include <mgca/text/unicode.hpp>

using mgca::text::decode_utf8;
using mgca::text::InvalidUtf8;

namespace {
std::string encode(const std::vector<char32_t>& points) {
  std::string text;
  for (const char32_t point : points) mgca::text::append_utf8(text, point);
  return text;
}
}  // namespace

TEST_CASE("unicode: every code point but surrogates survives the way out and back", "[text][fast]") {
  for (char32_t point = 0; point <= 0x10FFFF; point += point < 0x3000 ? 1 : 37) {
    if (point >= 0xD800 && point < 0xE000) continue;
    const auto back = decode_utf8(encode({point}));
    REQUIRE(back.size() == 1);
    REQUIRE(back[0] == point);
  }
}

TEST_CASE("unicode: the first and last ill-formed sequences of each kind are refused at their byte", "[text][fast]") {
  for (const std::string_view bad : {"\x80", "\xBF", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF",
                                     "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98"}) {
    mgca::test::expect_error([&] { (void)decode_utf8("ab" + std::string(bad)); }, {"byte 2 of", "not UTF-8"});
  }
}

TEST_CASE("unicode: replacement keeps what is well formed and is valid text again", "[text][fast]") {
  CHECK(decode_utf8("a\xFFz", InvalidUtf8::replace) == std::vector<char32_t>{U'a', U'\uFFFD', U'z'});
  CHECK(decode_utf8("\xE2\x82", InvalidUtf8::replace) == std::vector<char32_t>{U'\uFFFD', U'\uFFFD'});
  for (uint64_t i = 0; i < 5000; ++i) {
    mgca::RandomStream random({.seed = 3, .sample = i}, mgca::Use::test);
    std::string bytes(random.below(30), '\0');
    for (auto& c : bytes) c = static_cast<char>(random.below(256));
    const auto points = decode_utf8(bytes, InvalidUtf8::replace);
    REQUIRE(decode_utf8(encode(points)) == points);
  }
}

TEST_CASE("unicode: word characters and lower case are those of Python", "[text][golden][fast]") {
  for (const char32_t yes : {U'a', U'Z', U'0', U'_', U'é', U'ß', U'中', U'²', U'½', U'Ⅳ', U'ª'}) CHECK(mgca::text::is_word_character(yes));
  for (const char32_t no : {U' ', U'-', U'.', U'\u0301', U'\uFFFD', U'€', U'\u200B', U'\n'}) CHECK_FALSE(mgca::text::is_word_character(no));
  CHECK(mgca::text::lower(U'Å') == U'å');
  CHECK(mgca::text::lower(U'Σ') == U'σ');
  CHECK(mgca::text::lower(U'7') == U'7');
}
