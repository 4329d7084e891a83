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
  const auto lower = [](const std::vector<char32_t>& points) {
    std::vector<char32_t> out;
    for (const char32_t point : points) mgca::text::append_lower(out, point);
    return out;
  };
  CHECK(lower({U'Å', U'Σ', U'7', U'Q'}) == std::vector<char32_t>{U'å', U'σ', U'7', U'q'});
  CHECK(lower({U'\u0130', U'ẞ'}) == std::vector<char32_t>{U'i', U'\u0307', U'ß'});
}

TEST_CASE("unicode: canonical forms are those of the standard", "[text][fast]") {
  using mgca::text::compose, mgca::text::decompose;
  using Points = std::vector<char32_t>;
  CHECK(decompose({U'ế', U'q', U'\u0307', U'\u0323'}) == Points{U'e', U'\u0302', U'\u0301', U'q', U'\u0323', U'\u0307'});
  CHECK(compose({U'e', U'\u0302', U'\u0301'}) == Points{U'ế'});
  CHECK(compose({U'e', U'\u0301', U'\u0302'}) == Points{U'é', U'\u0302'});  // of one class: the order stays and blocks
  CHECK(compose({U'\u212B', U'\u1112', U'\u1161', U'\u11AB'}) == Points{U'Å', U'한'});
  CHECK(compose({U'\u0958', U'\u2ADC'}) == Points{U'\u0915', U'\u093C', U'\u2ADD', U'\u0338'});  // never composed
  CHECK(compose({U'\u0301', U'\u0316'}) == Points{U'\u0316', U'\u0301'});
  CHECK(decompose({}).empty());
}
