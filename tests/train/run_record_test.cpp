#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/config.hpp>
#include <mgca/train/run_record.hpp>

#include <functional>

namespace {

mgca::RunRecord example() {
  return {.epoch = 3, .batch = 4, .step = 5, .identity = {{"config", "abc"}, {"data", "def"}}, .options = {{"epochs", "4"}, {"precision", "\"f32\""}},
          .hooks = {{"history", "{}"}}, .threads = 2};
}

}  // namespace

TEST_CASE("run_record: everything that decides a result is refused with both values, on whichever side it is", "[train][fast]") {
  struct Edit {
    std::function<void(mgca::RunRecord&)> change;
    std::string first, second;  // what the message says of it, and with the sides changed
  };
  const std::vector<Edit> edits{
      {[](auto& r) { r.identity["config"] = "xyz"; }, "config: the checkpoint has abc, this run xyz", "config: the checkpoint has xyz, this run abc"},
      {[](auto& r) { r.identity.erase("data"); }, "data: the checkpoint has def, this run (absent)", "data: the checkpoint has (absent), this run def"},
      {[](auto& r) { r.identity["new"] = "1"; }, "new: the checkpoint has (absent), this run 1", "new: the checkpoint has 1, this run (absent)"},
      {[](auto& r) { r.options["precision"] = "\"bf16\""; }, "precision: the checkpoint has \"f32\", this run \"bf16\"",
       "precision: the checkpoint has \"bf16\", this run \"f32\""},
      {[](auto& r) { r.options.erase("epochs"); }, "epochs: the checkpoint has 4, this run (absent)", "epochs: the checkpoint has (absent), this run 4"},
      {[](auto& r) { r.hooks.clear(); }, "hook history: the checkpoint has one, this run (absent)", "hook history: the checkpoint has (absent), this run one"},
      {[](auto& r) { r.hooks["early_stop"] = "{}"; }, "hook early_stop: the checkpoint has (absent), this run one",
       "hook early_stop: the checkpoint has one, this run (absent)"}};
  for (const auto& edit : edits) {
    auto other = example();
    edit.change(other);
    mgca::test::expect_error([&] { mgca::require_same_run(example(), other, "runs/mine"); }, {"runs/mine", "another run", edit.first});
    mgca::test::expect_error([&] { mgca::require_same_run(other, example(), "runs/mine"); }, {"runs/mine", "another run", edit.second});
  }
  CHECK_NOTHROW(mgca::require_same_run(example(), example(), "runs/mine"));
}

TEST_CASE("run_record: where a run stands, what its hooks remember and what it works on are no differences", "[train][fast]") {
  auto other = example();
  other.epoch = other.batch = other.step = 0;
  other.hooks["history"] = "{\"rows\":[]}";
  other.threads = 8;
  other.device = "cuda";
  other.library = "9.9.9";
  other.finished = true;
  CHECK_NOTHROW(mgca::require_same_run(example(), other, "runs/mine"));
}

TEST_CASE("run_record: changed threads, device and library are told with both values", "[train][fast]") {
  auto other = example();
  std::vector<std::string> told;
  const mgca::EventSink sink = [&](std::string_view event, std::span<const mgca::Field> fields) {
    auto text = std::string(event);
    for (const auto& field : fields) text += std::visit([](const auto& value) { return " " + mgca::detail::join(value); }, field.value);
    told.push_back(text);
  };
  mgca::report_changes(example(), other, sink);
  CHECK(told.empty());
  other.threads = 8;
  other.device = "cuda";
  other.library = "9.9.9";
  mgca::report_changes(example(), other, sink);
  CHECK((told == std::vector<std::string>{"threads_changed 2 8", "device_changed cpu cuda", "library_changed " + example().library + " 9.9.9"}));
}

TEST_CASE("run_record: survives the way through JSON", "[train][fast]") {
  const auto text = mgca::to_json_text(example());
  CHECK(mgca::to_json_text(mgca::from_json_text<mgca::RunRecord>(text, "test")) == text);
}
