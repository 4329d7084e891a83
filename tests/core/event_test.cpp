#include "catch.hpp"

#include <mgca/core/event.hpp>

#include <string>
#include <vector>

TEST_CASE("event: name and fields reach the sink in their order and types", "[core][fast]") {
  std::string seen;
  const mgca::EventSink sink = [&](std::string_view event, std::span<const mgca::Field> fields) {
    seen = event;
    for (const auto& field : fields) {
      seen += " " + std::string(field.name) + "=" + std::to_string(field.value.index());
    }
  };
  mgca::emit(sink, "epoch", {{"number", std::int64_t{3}}, {"loss", 0.5}, {"note", std::string("best so far")}});
  CHECK(seen == "epoch number=0 loss=1 note=2");
  mgca::emit(sink, "end");
  CHECK(seen == "end");
}

TEST_CASE("event: values arrive unchanged, whatever bytes a text holds", "[core][fast]") {
  std::vector<mgca::Field> kept;
  const mgca::EventSink sink = [&](std::string_view, std::span<const mgca::Field> fields) { kept.assign(fields.begin(), fields.end()); };
  const std::string hostile("\0\xFF\n%s", 5);
  mgca::emit(sink, "x", {{"least", INT64_MIN}, {"text", hostile}});
  REQUIRE(kept.size() == 2);
  CHECK(std::get<std::int64_t>(kept[0].value) == INT64_MIN);
  CHECK(std::get<std::string>(kept[1].value) == hostile);
}

TEST_CASE("event: without a sink nothing happens", "[core][fast]") {
  CHECK_NOTHROW(mgca::emit({}, "nobody listens", {{"number", std::int64_t{1}}}));
}
