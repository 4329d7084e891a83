#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"
#include "toy_run.hpp"

#include <mgca/core/random.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using mgca::test::Scratch;
using mgca::test::ToyRun;

namespace {

// What must be equal after any interruption: weights, best weights, history.
std::vector<std::string> outcome(const std::filesystem::path& folder) {
  return {mgca::read_text_file(folder / "final.safetensors"), mgca::read_text_file(folder / "best.safetensors"), mgca::read_text_file(folder / "history.csv")};
}

const std::vector<std::string>& uninterrupted() {
  static const auto expected = [] {
    const Scratch scratch;
    (void)ToyRun(scratch.path())();
    return outcome(scratch.path());
  }();
  return expected;
}


}  // namespace

TEST_CASE("fit: the loss falls, and the same run twice is the same run", "[train][fast]") {
  const Scratch a, b;
  const auto first = ToyRun(a.path())();
  (void)ToyRun(b.path())();
  CHECK((outcome(a.path()) == outcome(b.path())));
  CHECK(first.end == mgca::FitEnd::finished);
  CHECK(first.progress.step == 4 * 3);
  std::ifstream history(a / "history.csv");
  std::string header;
  std::getline(history, header);
  CHECK(header == "epoch,step,error,learning_rate,loss,val_error,val_loss");
}

TEST_CASE("fit: stopped after any step and resumed, the result is the same to the last bit", "[train][slow]") {
  for (int64_t steps = 1; steps < 12; ++steps) {  // first, middle and last steps of epochs
    const Scratch scratch;
    INFO("stopped after step " << steps);
    ToyRun run(scratch.path());
    run.stop_at = steps;
    const auto stopped = run();
    CHECK(stopped.end == mgca::FitEnd::interrupted);
    CHECK(stopped.progress.step == steps);
    run.stop_at = -1;
    CHECK(run().end == mgca::FitEnd::finished);
    CHECK((outcome(scratch.path()) == uninterrupted()));
  }
}

TEST_CASE("resume-worker: trains in a process of its own", "[.worker]") {
  const char* folder = std::getenv("MGCA_TEST_WORKER");
  REQUIRE(folder != nullptr);
  torch::set_num_threads(1);
  ToyRun run(folder);
  // Slower than the machine, so that a kill finds it at work.
  run.options.run.sink = [](std::string_view event, auto) {
    if (event == "checkpoint") std::this_thread::sleep_for(std::chrono::milliseconds(3));
  };
  (void)run();
}

TEST_CASE("fit: killed at twenty random moments, the result is the same to the last bit", "[train][slow]") {
  torch::set_num_threads(1);
  const auto expected = [] {
    const Scratch scratch;
    (void)ToyRun(scratch.path())();
    return outcome(scratch.path());
  }();
  const Scratch scratch;
  int kills = 0, runs = 0;
  mgca::RandomStream random({.seed = 5}, mgca::Use::test);
  for (int trial = 0; kills < 20; ++trial) {
    REQUIRE(trial < 200);
    const auto folder = scratch / ("trial-" + std::to_string(trial));
    std::filesystem::create_directories(folder);
    for (int start = 0;; ++start) {
      REQUIRE(start < 100);
      std::filesystem::remove(folder / "run.lock");  // its reappearance shows that training has begun
      const pid_t child = ::fork();
      if (child == 0) {
        ::setenv("MGCA_TEST_WORKER", folder.c_str(), 1);
        std::freopen("/dev/null", "w", stdout);
        ::execl("/proc/self/exe", "test_train", "[.worker]", static_cast<char*>(nullptr));
        ::_exit(127);
      }
      // Wait until training has begun in this folder, then some random time more.
      const auto begun = std::chrono::steady_clock::now();
      while (!std::filesystem::exists(folder / "run.lock") && std::chrono::steady_clock::now() - begun < std::chrono::seconds(20)) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(start == 0 ? 120000 : 600000)));
      ::kill(child, SIGKILL);
      int status = 0;
      REQUIRE(::waitpid(child, &status, 0) == child);
      if (WIFSIGNALED(status)) {
        ++kills;
      } else {
        REQUIRE(WEXITSTATUS(status) == 0);
        break;
      }
    }
    ++runs;
    CHECK((outcome(folder) == expected));
    // Nothing torn: every generation that is left can be read.
    for (const auto& entry : std::filesystem::directory_iterator(folder / "checkpoints")) {
      if (entry.path().filename().string().starts_with("step-")) CHECK_NOTHROW(mgca::read_checkpoint(entry.path()));
    }
  }
  CHECK(kills >= 20);
  CHECK(runs >= 1);
}

TEST_CASE("fit: a checkpoint of another run is refused with both values", "[train][fast]") {
  const Scratch scratch;
  ToyRun run(scratch.path());
  (void)run();
  run.options.run.identity["config"] = "changed";
  mgca::test::expect_error([&] { (void)run(); }, {"config", "toy", "changed"});
}

TEST_CASE("fit: two runs in one folder collide cleanly", "[train][fast]") {
  const Scratch scratch;
  const mgca::RunLock lock(scratch.path());
  mgca::test::expect_error([&] { (void)ToyRun(scratch.path())(); }, {"another run", "process " + std::to_string(::getpid())});
}

TEST_CASE("fit: accumulation over equal batches is one bigger batch for a loss that is a mean", "[train][fast]") {
  const auto train = [](int64_t batch, int64_t accumulation) {
    mgca::test::ToyTask task;
    task.net->norm->eval();
    const mgca::test::ToyData data{.count = 32};
    const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = batch, .threads = 0});
    // Linear model without dropout: the net in evaluation mode inside a task of its own.
    struct Plain {
      mgca::test::ToyTask& toy;
      torch::nn::Module& module() { return toy.module(); }
      mgca::StepResult training_step(const mgca::test::ToyBatch& b) {
        toy.net->eval();
        return toy.training_step(b);
      }
    } plain{task};
    mgca::FitOptions options;
    options.epochs = 2;
    options.accumulation = accumulation;
    options.schedule.rate = 1e-3;
    (void)mgca::fit(plain, batches, options);
    return task.net->first->weight.detach().clone();
  };
  CHECK(torch::allclose(train(16, 1), train(4, 4), 1e-4, 1e-6));
}

TEST_CASE("fit: a run that no longer gives numbers ends with the step named", "[train][fast]") {
  struct Broken : mgca::test::ToyTask {
    mgca::StepResult training_step(const mgca::test::ToyBatch& batch) {
      auto result = mgca::test::ToyTask::training_step(batch);
      result.loss = result.loss * std::numeric_limits<double>::quiet_NaN();
      return result;
    }
  } task;
  const mgca::test::ToyData data;
  const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = 4, .threads = 0});
  mgca::FitOptions options;
  options.report_every = 4;
  mgca::test::expect_error([&] { (void)mgca::fit(task, batches, options); }, {"step 4", "not finite", "learning rate"});
  for (const auto& p : task.module().parameters()) CHECK(p.isfinite().all().item<bool>());
}

TEST_CASE("early_stop: stops after its patience and at once for what is no number", "[train][fast]") {
  mgca::EarlyStop stop({.patience = 2});
  mgca::Values values;
  const auto give = [&](double value) {
    values["val_loss"] = value;
    return stop.after_epoch({}, values);
  };
  CHECK(give(3) == mgca::Stop::no);
  CHECK(give(2) == mgca::Stop::no);
  CHECK(give(2) == mgca::Stop::no);  // equal is not better
  CHECK(give(2.5) == mgca::Stop::yes);
  CHECK(mgca::EarlyStop().after_epoch({}, values = {{"val_loss", std::nan("")}}) == mgca::Stop::yes);
  mgca::Values other{{"loss", 1.0}};
  mgca::test::expect_error([&] { (void)mgca::EarlyStop().after_epoch({}, other); }, {"val_loss", "known: loss"});
}
