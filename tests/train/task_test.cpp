#include "catch.hpp"
#include "toy_run.hpp"

namespace {

struct Batch {};
struct Good {
  torch::nn::Module& module();
  mgca::StepResult training_step(const Batch&);
};
struct WrongResult : Good {
  mgca::Tensor training_step(const Batch&);
};

struct OneEvent {
  void after_step(const mgca::Progress&) {}
};
struct Misspelt {
  void after_steps(const mgca::Progress&) {}
};
struct WrongArgument {
  void after_step(int*) {}
};
struct Evaluates : Good {
  mgca::StepResult evaluation_step(const Batch&);
};

struct Order {
  std::vector<std::string>* seen;
  std::string name;
  void note(const std::string& event, const mgca::Progress& at) const { seen->push_back(name + " " + event + " " + std::to_string(at.step)); }
  void before_epoch(const mgca::Progress& at) { note("before_epoch", at); }
  void after_step(const mgca::Progress& at) { note("after_step", at); }
  void on_report(const mgca::Progress& at, const mgca::Values&) { note("on_report", at); }
  void after_epoch(const mgca::Progress& at, mgca::Values&) { note("after_epoch", at); }
  void after_fit(const mgca::Progress& at) { note("after_fit", at); }
};

}  // namespace

TEST_CASE("task: a type is a task by its members, not by its base", "[train][fast]") {
  STATIC_REQUIRE(mgca::Task<Good, Batch>);
  STATIC_REQUIRE_FALSE(mgca::Task<WrongResult, Batch>);
  STATIC_REQUIRE_FALSE(mgca::Task<Good, int>);
  STATIC_REQUIRE(mgca::EvaluationTask<Evaluates, Batch>);
  STATIC_REQUIRE_FALSE(mgca::EvaluationTask<Good, Batch>);
  STATIC_REQUIRE(mgca::BatchSource<mgca::Loader<mgca::test::ToyData>>);
  STATIC_REQUIRE_FALSE(mgca::BatchSource<mgca::test::ToyData>);
}

TEST_CASE("task: a hook needs one event function spelt right", "[train][fast]") {
  STATIC_REQUIRE(mgca::AnyHook<OneEvent>);
  STATIC_REQUIRE_FALSE(mgca::AnyHook<Misspelt>);
  STATIC_REQUIRE_FALSE(mgca::AnyHook<WrongArgument>);
}

TEST_CASE("task: hooks are called in argument order at every event", "[train][fast]") {
  const mgca::test::ToyData data{.count = 8};
  const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = 4, .threads = 0});
  mgca::test::ToyTask task;
  mgca::FitOptions options;
  options.epochs = 1;
  options.report_every = 2;
  std::vector<std::string> seen;
  (void)mgca::fit(task, batches, options, Order{&seen, "a"}, Order{&seen, "b"});
  CHECK((seen == std::vector<std::string>{"a before_epoch 0", "b before_epoch 0", "a after_step 1", "b after_step 1", "a after_step 2", "b after_step 2",
                                          "a on_report 2", "b on_report 2", "a after_epoch 2", "b after_epoch 2", "a after_fit 2", "b after_fit 2"}));
}
