#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/box.hpp>
#include <mgca/core/enum.hpp>
#include <mgca/core/event.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/core/profile.hpp>

using mgca::Box;

TEST_CASE("box: forms convert into each other and overlap is a share", "[core][fast]") {
  const Box box = mgca::box_of(mgca::CornerSize{.x = 10, .y = 20, .width = 30, .height = 40});
  CHECK(box == Box{10, 20, 40, 60});
  CHECK(mgca::box_of(mgca::centre_of(box)) == box);
  CHECK(mgca::iou(box, box) == 1);
  CHECK(mgca::iou({0, 0, 2, 2}, {1, 1, 3, 3}) == Approx(1.0 / 7));
  CHECK(mgca::iou({0, 0, 1, 1}, {2, 2, 3, 3}) == 0);
  CHECK(mgca::iou({0, 0, 0, 0}, {0, 0, 0, 0}) == 0);
  CHECK(box.scaled(2, 0.5) == Box{20, 10, 80, 30});
}

TEST_CASE("plane: pixels are row-major with interleaved channels, and owners need a size", "[core][fast]") {
  mgca::Image<int> image({.height = 2, .width = 3, .channels = 2});
  image.at(1, 2, 1) = 7;
  CHECK(image.pixels()[11] == 7);
  const mgca::Plane<const int> view = image.plane();
  CHECK(view.row(1)[5] == 7);
  mgca::test::expect_error([] { mgca::GreyImage({.height = 0, .width = 3}); }, {"0 x 3"});
}

TEST_CASE("profile: official keeps every published defect, fixed has none", "[core][fast]") {
  const auto old = mgca::text_quirks(mgca::Profile::official), now = mgca::text_quirks(mgca::Profile::fixed);
  CHECK((old.zero_position_ids && old.shifted_word_attention && old.last_token_unread && old.separator_is_word));
  CHECK_FALSE((now.zero_position_ids || now.shifted_word_attention || now.last_token_unread || now.separator_is_word));
  CHECK(mgca::parse_enum<mgca::Profile>("fixed") == mgca::Profile::fixed);
  mgca::test::expect_error([] { (void)mgca::parse_enum<mgca::Profile>("offical"); }, {"offical", "did you mean 'official'"});
}

TEST_CASE("event: fields reach the sink, an empty sink costs nothing", "[core][fast]") {
  std::string seen;
  const mgca::EventSink sink = [&](std::string_view event, std::span<const mgca::Field> fields) {
    seen = std::string(event) + " " + std::string(fields[0].name) + " " + std::to_string(std::get<int64_t>(fields[0].value));
  };
  mgca::emit(sink, "epoch", {{"number", int64_t{3}}});
  CHECK(seen == "epoch number 3");
  mgca::emit({}, "nobody listens");
}
