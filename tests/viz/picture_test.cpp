#include "catch.hpp"
#include "expect_error.hpp"
#include "viz_support.hpp"

#include <mgca/viz/picture.hpp>

using namespace mgca;
using test::expect_error;
using test::malformed;
using viz::detail::figure_html;
using viz::detail::picture_html;

TEST_CASE("base64: the vectors of RFC 4648", "[viz][fast]") {
  const std::vector<std::pair<std::string, std::string>> vectors{{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) CHECK(viz::detail::base64(std::as_bytes(std::span(plain))) == coded);
}

TEST_CASE("picture: pixels become an image of their own size, with the description as text", "[viz][fast]") {
  const Png png{test::tiny_png(GreyImage({.height = 3, .width = 5}, 9).plane())};
  const auto html = picture_html(png, "a \"small\" scan");
  CHECK(malformed(html) == "");
  CHECK(html.find("width=\"5\" height=\"3\"") != std::string::npos);
  CHECK(html.find("alt=\"a &quot;small&quot; scan\"") != std::string::npos);
  CHECK(html.find("data:image/png;base64," + viz::detail::base64(png.bytes)) != std::string::npos);
}

TEST_CASE("picture: a figure shows what it was given and nothing else", "[viz][fast]") {
  const Svg drawing{"<svg viewBox=\"0 0 1 1\"></svg>"};
  CHECK(figure_html({.picture = drawing}, "") == "<figure>" + drawing.element + "</figure>");
  const auto html = figure_html({.picture = drawing, .title = "T", .caption = "C", .formula = "a < b", .scale = ColorScale{.low = "0", .high = "1"}}, "whole");
  CHECK(malformed(html) == "");
  for (const std::string_view part : {"class=\"whole\"", "<h3>T</h3>", "C<span class=\"formula\">a &lt; b</span>", "linear-gradient"}) {
    INFO(part);
    CHECK(html.find(part) != std::string::npos);
  }
}

TEST_CASE("picture: bytes that are no PNG and drawings that are no SVG are refused", "[viz][fast]") {
  auto cut = test::tiny_png(GreyImage({.height = 3, .width = 5}).plane());
  cut.resize(20);
  expect_error([&] { (void)picture_html(Png{cut}, ""); }, {"20 bytes", "no PNG"});
  expect_error([] { (void)picture_html(Png{}, ""); }, {"0 bytes"});
  expect_error([] { (void)picture_html(Png{std::vector<std::byte>(40)}, ""); }, {"40 bytes", "no PNG"});
  expect_error([] { (void)picture_html(Svg{"<img>"}, ""); }, {"<svg>"});
  expect_error([] { (void)picture_html(Svg{"<svg onload=\"x\">"}, ""); }, {"<svg>"});
  expect_error([] { (void)picture_html(Picture{}, ""); }, {"<svg>"});
}
