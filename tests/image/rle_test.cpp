#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/image/rle.hpp>

#include <random>

using mgca::RunLengthMask;
using mgca::image::RunForm;
using mgca::test::expect_error;
namespace image = mgca::image;

namespace {

constexpr mgca::ImageSize kLarge{.height = 1024, .width = 1024};
constexpr auto kForms = {RunForm::relative, RunForm::absolute, RunForm::counts, RunForm::compressed};

RunLengthMask random_mask(std::mt19937& random) {
  RunLengthMask mask{.height = 1 + static_cast<int64_t>(random() % 40), .width = 1 + static_cast<int64_t>(random() % 40), .runs = {}};
  const int64_t pixels = mask.height * mask.width, longest = 1 + static_cast<int64_t>(random() % 60);
  for (auto at = static_cast<int64_t>(random()) % 3; at < pixels;) {
    const auto length = std::min(1 + static_cast<int64_t>(random()) % longest, pixels - at);
    mask.runs.push_back({at, length});
    at += length + 1 + static_cast<int64_t>(random()) % longest;
  }
  return mask;
}

}  // namespace

TEST_CASE("rle: the four forms of one mask", "[image][fast]") {
  const RunLengthMask mask{.height = 4, .width = 3, .runs = {{1, 2}, {5, 4}}};
  CHECK(image::mask_text(mask, RunForm::relative) == "1 2 2 4");
  CHECK(image::mask_text(mask, RunForm::absolute) == "2 2 6 4");
  CHECK(image::mask_text(mask, RunForm::counts) == "1 2 2 4 3");
  CHECK(image::counts_of(mask) == std::vector<int64_t>{1, 2, 2, 4, 3});
  for (const auto form : kForms) CHECK(image::parse_mask(image::mask_text(mask, form), form, {.height = 4, .width = 3}) == mask);
  CHECK(image::mask_of_counts(image::counts_of(mask), {.height = 4, .width = 3}) == mask);
}

TEST_CASE("rle: the compressed form is that of pycocotools", "[image][fast]") {
  // rows 1 to 3 of columns 2 to 4, row 6 of columns 5 to 8, (0, 6)
  const RunLengthMask mask{.height = 7, .width = 9, .runs = {{15, 3}, {22, 3}, {29, 3}, {41, 2}, {48, 1}, {55, 1}, {62, 1}}};
  CHECK(image::mask_text(mask, RunForm::compressed) == "?340005OLO1000");
  CHECK(image::parse_mask("?340005OLO1000", RunForm::compressed, {.height = 7, .width = 9}) == mask);
  CHECK(image::mask_text({.height = 4, .width = 3, .runs = {{0, 12}}}, RunForm::compressed) == "0<");
  CHECK(image::parse_mask("0511", RunForm::compressed, {.height = 4, .width = 3}) ==
        RunLengthMask{.height = 4, .width = 3, .runs = {{0, 5}, {6, 6}}});
}

TEST_CASE("rle: every mask survives every form", "[image][fast]") {
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    const auto mask = random_mask(random);
    const mgca::ImageSize size{.height = mask.height, .width = mask.width};
    for (const auto form : kForms) REQUIRE(image::parse_mask(image::mask_text(mask, form), form, size) == mask);
  }
}

TEST_CASE("rle: an empty mask is -1 among pairs, with or without spaces, and one count among counts", "[image][fast]") {
  const RunLengthMask empty{.height = 1024, .width = 1024, .runs = {}};
  for (const auto* text : {"-1", " -1", "-1 ", "\t-1\r\n"}) {
    CHECK(image::parse_mask(text, RunForm::relative, kLarge) == empty);
    CHECK(image::parse_mask(text, RunForm::absolute, kLarge) == empty);
  }
  CHECK(image::mask_text(empty, RunForm::relative) == "-1");
  CHECK(image::mask_text(empty, RunForm::counts) == "1048576");
}

TEST_CASE("rle: runs that touch are one run, also from one column into the next", "[image][fast]") {
  const auto mask = image::parse_mask("2 2 0 3", RunForm::relative, {.height = 4, .width = 3});
  CHECK(mask == RunLengthMask{.height = 4, .width = 3, .runs = {{2, 5}}});
  CHECK(image::parse_mask("3 2 5 3", RunForm::absolute, {.height = 4, .width = 3}) == mask);
}

TEST_CASE("rle: malformed pairs are refused with the reason", "[image][fast]") {
  const auto refuse = [](const char* text, std::initializer_list<std::string_view> pieces, RunForm form = RunForm::relative) {
    INFO("text: " << text);
    expect_error([&] { (void)image::parse_mask(text, form, kLarge); }, {"run-length mask: "});
    expect_error([&] { (void)image::parse_mask(text, form, kLarge); }, pieces);
  };
  refuse("", {"empty", "-1"});
  refuse("  \t", {"empty"});
  refuse("5 3 7", {"ends within pair 2", "pairs of start and length"});
  refuse("5", {"ends within pair 1"});
  refuse("5 3 -1", {"ends within pair 2"});  // -1 stands alone
  refuse("5 three", {"number 2 is not a whole number"});
  refuse("5.5 3", {"number 1 is not a whole number"});
  refuse("5 3,7 2", {"number 2 is not a whole number"});
  refuse("+5 3", {"number 1 is not a whole number"});
  refuse("1e3 4", {"number 1 is not a whole number"});
  refuse("nan 4", {"number 1"});
  refuse("-5 3", {"run 1 begins -5 pixels", "ascend"});
  refuse("5 3 -2 4", {"run 2 begins -2 pixels", "do not overlap"});
  refuse("5 -3", {"run 1 has length -3", "1 or more"});
  refuse("5 0", {"run 1 has length 0"});
  refuse("1048570 10", {"run 1 (10 pixels after a gap of 1048570)", "1024 x 1024"});
  refuse("1048576 1", {"ends beyond"});
  refuse("1000000000000 1", {"gap of 1000000000000"});
  refuse("9223372036854775807 9223372036854775807", {"ends beyond"});
  refuse("99999999999999999999 1", {"number 1 does not fit 64 bits"});
  refuse("1 9223372036854775807 9223372036854775807 1", {"run 1"});
  refuse("0 1", {"run 1 starts at 0"}, RunForm::absolute);
  refuse("-9223372036854775808 1", {"run 1 starts at -9223372036854775808"}, RunForm::absolute);
  refuse("10 5 12 3", {"run 2 begins -3 pixels", "do not overlap"}, RunForm::absolute);
  refuse("10 5 3 2", {"run 2 begins"}, RunForm::absolute);
  refuse("10 5 10 5", {"run 2 begins"}, RunForm::absolute);  // the same run twice
  CHECK_NOTHROW(image::parse_mask("1048575 1", RunForm::relative, kLarge));
  CHECK_NOTHROW(image::parse_mask("1048576 1", RunForm::absolute, kLarge));
}

TEST_CASE("rle: more runs than there is room for are refused at the first that does not fit", "[image][fast]") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "1 1 ";
  expect_error([&] { (void)image::parse_mask(text, RunForm::relative, {.height = 8, .width = 8}); }, {"run 33 "});
}

TEST_CASE("rle: malformed counts are refused with the reason", "[image][fast]") {
  const mgca::ImageSize size{.height = 4, .width = 3};
  const auto refuse = [&](const char* text, std::initializer_list<std::string_view> pieces, RunForm form = RunForm::counts) {
    INFO("text: " << text);
    expect_error([&] { (void)image::parse_mask(text, form, size); }, pieces);
  };
  refuse("5 3", {"cover 8 of 12 pixels", "size"});
  refuse("5 8", {"count 2 (8) ends beyond", "12 pixels"});
  refuse("5 0 7", {"count 2 is 0"});
  refuse("-1", {"count 1 is -1"});
  refuse("5 9223372036854775807", {"count 2"});
  refuse("5 x", {"number 2"});
  refuse("", {"empty"}, RunForm::compressed);
  refuse("0 2", {"character 2"}, RunForm::compressed);
  refuse("\xF0", {"character 1"}, RunForm::compressed);
  refuse("0`", {"ends within count 2"}, RunForm::compressed);
  refuse("oooooooooooooo0", {"count 1 does not fit 60 bits"}, RunForm::compressed);
  refuse("O", {"count 1 is -1"}, RunForm::compressed);
  refuse("05", {"cover 5 of 12"}, RunForm::compressed);
}

TEST_CASE("rle: sizes and masks that are none are refused", "[image][fast]") {
  expect_error([] { (void)image::parse_mask("-1", RunForm::relative, {.height = 0, .width = 4}); }, {"at least 1 x 1", "0 x 4"});
  constexpr int64_t huge = int64_t{1} << 40;
  expect_error([] { (void)image::parse_mask("-1", RunForm::relative, {.height = huge, .width = huge}); }, {"1 x 1"});
  expect_error([] { image::require_valid({.height = 4, .width = 4, .runs = {{2, 3}, {4, 1}}}); }, {"1 pixels at 4", "overlaps"});
  expect_error([] { image::require_valid({.height = 4, .width = 4, .runs = {{15, 2}}}); }, {"4 x 4"});
  expect_error([] { (void)image::mask_text({.height = 4, .width = 4, .runs = {{-1, 2}}}, RunForm::counts); }, {"2 pixels at -1"});
}
