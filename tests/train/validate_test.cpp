#include "catch.hpp"
#include "toy_run.hpp"

#include <atomic>

using mgca::test::ToyData;

TEST_CASE("validate: adds the held-out values under their prefix and leaves the others", "[train][fast]") {
  const ToyData data;
  const mgca::Loader<ToyData> held_out(data, {.batch_size = 8, .order = mgca::Order::as_stored, .threads = 0});
  mgca::test::ToyTask task;
  mgca::Validate validate(task, held_out);
  mgca::Values values{{"loss", 7.0}};
  CHECK(validate.after_epoch({}, values) == mgca::Stop::no);
  const auto direct = mgca::evaluate(task, held_out);
  CHECK(values.size() == 3);
  CHECK(values.at("loss") == 7);
  CHECK(values.at("val_loss") == direct.at("loss"));
  CHECK(values.at("val_error") == direct.at("error"));
}

TEST_CASE("validate: interrupted by a stop it adds nothing and says so", "[train][fast]") {
  const ToyData data;
  const mgca::Loader<ToyData> held_out(data, {.batch_size = 8, .order = mgca::Order::as_stored, .threads = 0});
  mgca::test::ToyTask task;
  mgca::Validate validate(task, held_out);
  const std::atomic<bool> stop = true;
  mgca::Values values;
  CHECK(validate.after_epoch({.stop = &stop}, values) == mgca::Stop::interrupted);
  CHECK(values.empty());
}
