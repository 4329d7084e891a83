#include "catch.hpp"
#include "expect_error.hpp"
#include "toy_run.hpp"

#include <atomic>

using mgca::test::ToyData;
using mgca::test::ToyTask;

namespace {

mgca::Loader<ToyData> stored(const ToyData& data, int64_t batch_size) {
  return {data, {.batch_size = batch_size, .order = mgca::Order::as_stored, .last_batch = mgca::LastBatch::keep, .threads = 0}};
}

struct Throwing : ToyTask {
  mgca::StepResult evaluation_step(const mgca::test::ToyBatch&) { mgca::fail(mgca::ErrorKind::data, "row 3"); }
};
struct NoNumber : ToyTask {
  int64_t batches = 0;
  mgca::StepResult evaluation_step(const mgca::test::ToyBatch& batch) {
    auto result = ToyTask::evaluation_step(batch);
    if (++batches == 2) result.loss = result.loss * std::numeric_limits<double>::infinity();
    return result;
  }
};

}  // namespace

TEST_CASE("evaluate: the mean over samples does not depend on the batches, a last smaller one included", "[train][fast]") {
  const ToyData data{.count = 23};
  ToyTask task;
  const auto whole = mgca::evaluate(task, stored(data, 23)), parts = mgca::evaluate(task, stored(data, 5));
  CHECK(whole.at("loss") == Approx(parts.at("loss")).epsilon(1e-6));
}

TEST_CASE("evaluate: nothing of the module changes, and its mode is restored when a step throws, too", "[train][fast]") {
  const ToyData data;
  for (const bool training : {true, false}) {
    Throwing task;
    task.module().train(training);
    const auto norm = task.net->norm->running_mean.clone();
    (void)mgca::evaluate(static_cast<ToyTask&>(task), stored(data, 8));
    CHECK(task.module().is_training() == training);
    mgca::test::expect_error([&] { (void)mgca::evaluate(task, stored(data, 8)); }, {"row 3"});
    CHECK(task.module().is_training() == training);
    CHECK(torch::equal(task.net->norm->running_mean, norm));
    CHECK_FALSE(task.net->first->weight.grad().defined());
  }
}

TEST_CASE("evaluate: one batch that gives no number shows in the result", "[train][fast]") {
  const ToyData data;
  NoNumber task;
  CHECK_FALSE(std::isfinite(mgca::evaluate(task, stored(data, 8)).at("loss")));
}

TEST_CASE("evaluate: a stop is obeyed between batches", "[train][fast]") {
  const ToyData data;
  std::atomic<bool> stop = false;
  mgca::test::Trap trap{.place = "validation", .nth = 2, .spring = [&] { stop = true; }};
  ToyTask task{.trap = &trap};
  CHECK_FALSE(mgca::evaluate_unless_stopped(task, stored(data, 8), {.stop = &stop}).has_value());
  CHECK(trap.passed == 2);
  CHECK(task.module().is_training());
}

TEST_CASE("evaluate: a precision the device cannot serve is refused, not slow", "[train][fast]") {
  const ToyData data;
  ToyTask task;
  mgca::test::expect_error([&] { (void)mgca::evaluate(task, stored(data, 8), mgca::Precision::f16); }, {"f16", "CPU", "use f32"});
  if (mgca::cpu_has_fast_bf16()) {
    CHECK(std::isfinite(mgca::evaluate(task, stored(data, 8), mgca::Precision::bf16).at("loss")));
  } else {
    mgca::test::expect_error([&] { (void)mgca::evaluate(task, stored(data, 8), mgca::Precision::bf16); }, {"bf16", "AVX-512", "use f32"});
  }
}
