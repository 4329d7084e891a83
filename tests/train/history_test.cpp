#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/core/config.hpp>
#include <mgca/train/hooks/history.hpp>

#include <limits>

using mgca::test::Scratch;

namespace {
void epoch(mgca::History& history, int64_t number, mgca::Values values) {
  history.after_epoch({.epoch = number, .step = 3 * (number + 1), .learning_rate = 0.5}, values);
}
}  // namespace

TEST_CASE("history: one row per epoch, one column per value ever seen", "[train][fast]") {
  const Scratch scratch;
  mgca::History history(scratch / "history.csv");
  epoch(history, 0, {{"loss", 2}});
  epoch(history, 1, {{"loss", 1}, {"val_loss", 1.0 / 3}});
  CHECK(mgca::read_text_file(scratch / "history.csv") == "epoch,step,learning_rate,loss,val_loss\n0,3,0.5,2,\n1,6,0.5,1,0.333333333\n");
  CHECK(history.rows().size() == 2);
  CHECK(history.column("val_loss") == std::vector<double>{1.0 / 3});
  CHECK(history.fell("loss"));
  CHECK_FALSE(history.fell("val_loss"));
  CHECK_FALSE(history.fell("nothing"));
}

TEST_CASE("history: a value that is no finite number is an empty cell, and the record stays readable", "[train][fast]") {
  const Scratch scratch;
  mgca::History history(scratch / "history.csv");
  epoch(history, 0, {{"loss", std::numeric_limits<double>::quiet_NaN()}, {"error", std::numeric_limits<double>::infinity()}});
  epoch(history, 1, {{"loss", 1}});
  CHECK(mgca::read_text_file(scratch / "history.csv") == "epoch,step,learning_rate,loss\n0,3,0.5,\n1,6,0.5,1\n");
  const auto text = mgca::to_json_text(history, -1);
  CHECK(mgca::to_json_text(mgca::from_json_text<mgca::History>(text, "test", mgca::History()), -1) == text);
}

TEST_CASE("history: taken up again, the file is what the record says, without rows of a lost future", "[train][fast]") {
  const Scratch scratch;
  mgca::History history(scratch / "history.csv");
  epoch(history, 0, {{"loss", 2}});
  const auto record = mgca::to_json_text(history, -1), file = mgca::read_text_file(scratch / "history.csv");
  epoch(history, 1, {{"loss", 1}});
  auto again = mgca::from_json_text<mgca::History>(record, "test", mgca::History(scratch / "history.csv"));
  again.resumed({});
  CHECK(mgca::read_text_file(scratch / "history.csv") == file);
}

TEST_CASE("history: without a path nothing is written; with an impossible one the path is named", "[train][fast]") {
  mgca::History memory;
  epoch(memory, 0, {{"loss", 1}});
  CHECK(memory.rows().size() == 1);
  const Scratch scratch;
  mgca::History nowhere(scratch / "missing" / "history.csv");
  mgca::test::expect_error([&] { epoch(nowhere, 0, {{"loss", 1}}); }, {"missing", "history.csv", "No such file"});
}
