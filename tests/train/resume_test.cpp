// Interrupted anywhere, by whatever, and started again: the result is that of a run that was never interrupted.
#include "catch.hpp"
#include "paths.hpp"
#include "toy_run.hpp"

#include <mgca/core/random.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using mgca::test::outcome;
using mgca::test::Scratch;
using mgca::test::ToyRun;

namespace {

struct Ended {};  // thrown where a run is to end without a word

std::vector<std::string> uninterrupted(const std::function<void(ToyRun&)>& set = [](ToyRun&) {}) {
  const Scratch scratch;
  ToyRun run(scratch.path());
  set(run);
  (void)run();
  return outcome(scratch.path());
}

void check_nothing_left_over(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    INFO(entry.path());
    CHECK(entry.path().filename().string().find(".tmp-") == std::string::npos);
  }
}

// Runs this executable's worker on a folder; the environment says what befalls it.
pid_t start_worker(const std::filesystem::path& folder, const std::map<std::string, std::string>& environment = {}) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setenv("MGCA_TEST_WORKER", folder.c_str(), 1);
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  std::freopen("/dev/null", "w", stdout);
  ::execl("/proc/self/exe", "test_train", "[.worker]", static_cast<char*>(nullptr));
  ::_exit(127);
}

int status_of(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

void wait_until_training(const std::filesystem::path& folder) {  // the lock's file shows it
  for (int i = 0; i < 20000 && !std::filesystem::exists(folder / "run.lock"); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

std::atomic<bool>* g_stop = nullptr;

}  // namespace

TEST_CASE("resume-worker: trains in a process of its own", "[.worker]") {
  const char* folder = std::getenv("MGCA_TEST_WORKER");
  REQUIRE(folder != nullptr);
  torch::set_num_threads(1);
  ToyRun run(folder);
  // Slower than the machine, so that a kill finds it at work.
  run.options.run.sink = [](std::string_view event, auto) {
    if (event == "checkpoint") std::this_thread::sleep_for(std::chrono::milliseconds(3));
  };
  g_stop = run.stop.get();
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, [](int) { *g_stop = true; });
  if (const char* place = std::getenv("MGCA_TEST_KILL_AT")) {
    run.trap->place = place;
    run.trap->nth = std::stoll(std::getenv("MGCA_TEST_KILL_NTH"));
    run.trap->spring = [] { ::raise(SIGKILL); };
  }
  (void)run();
}

TEST_CASE("fit: stopped after any step and resumed, the result is the same to the last bit", "[train][slow]") {
  const auto expected = uninterrupted();
  for (int64_t steps = 1; steps <= 12; ++steps) {  // first, middle and last steps of epochs
    const Scratch scratch;
    INFO("stopped after step " << steps);
    ToyRun run(scratch.path());
    run.stop_at = steps;
    const auto stopped = run();
    CHECK(stopped.end == mgca::FitEnd::interrupted);
    CHECK(stopped.progress.step == steps);
    run.stop_at = -1;
    CHECK(run().end == mgca::FitEnd::finished);
    CHECK((outcome(scratch.path()) == expected));
  }
}

TEST_CASE("fit: a stop in the middle of accumulation or validation is obeyed at the next step or batch, and the result is the same", "[train][slow]") {
  const auto expected = uninterrupted();
  for (const auto& [place, nth, step] : std::vector<std::tuple<std::string_view, int64_t, int64_t>>{
           {"batch", 1, 1}, {"batch", 2, 1}, {"batch", 5, 3}, {"batch", 7, 4}, {"validation", 1, 3}, {"validation", 2, 3}, {"validation", 12, 12}}) {
    const Scratch scratch;
    INFO(place << " " << nth);
    ToyRun run(scratch.path());
    run.trap->place = place;
    run.trap->nth = nth;
    run.trap->spring = [&] { *run.stop = true; };
    const auto stopped = run();
    CHECK(stopped.end == mgca::FitEnd::interrupted);
    CHECK(stopped.progress.step == step);
    CHECK(run.trap->passed == nth + (place == "batch" && nth % 2 == 1 ? 1 : 0));  // nothing more but the rest of the step
    run.trap->nth = -1;
    CHECK(run().end == mgca::FitEnd::finished);
    CHECK((outcome(scratch.path()) == expected));
  }
}

TEST_CASE("fit: ended at every point it passes, the result is the same to the last bit", "[train][slow]") {
  // Before each batch, after each step, in validation and between the hooks of each epoch's end; one step is skipped.
  for (const int64_t checkpoint_every : {1, 1000}) {
    const auto set = [&](ToyRun& run) {
      run.options.checkpoint_every = checkpoint_every;
      run.broken_epoch = 1;
    };
    const auto expected = uninterrupted(set);
    int64_t points = 0;
    for (int64_t nth = 1;; ++nth) {
      const Scratch scratch;
      ToyRun run(scratch.path());
      set(run);
      run.trap->nth = nth;
      run.trap->spring = [] { throw Ended(); };
      INFO("a checkpoint every " << checkpoint_every << " steps, point " << nth);
      try {
        (void)run();
        break;
      } catch (const Ended&) {
      }
      run.trap->nth = -1;
      CHECK(run().end == mgca::FitEnd::finished);
      CHECK((outcome(scratch.path()) == expected));
      points = nth;
    }
    CHECK(points == 4 * (6 + 3 + 3 + 3));  // per epoch: batches, steps, validation batches, hooks
  }
}

TEST_CASE("fit: saved with one loader thread and resumed with none or three, the result is the same to the last bit", "[train][fast]") {
  const auto expected = uninterrupted();
  for (const int64_t threads : {0, 3}) {
    const Scratch scratch;
    ToyRun run(scratch.path());
    run.stop_at = 4;
    (void)run();
    run.stop_at = -1;
    run.loader_threads = threads;
    (void)run();
    CHECK((outcome(scratch.path()) == expected));
  }
}

TEST_CASE("fit: a finished run that is started again does nothing more", "[train][fast]") {
  const Scratch scratch;
  ToyRun run(scratch.path());
  (void)run();
  const auto before = outcome(scratch.path());
  run.trap->passed = 0;
  const auto again = run();
  CHECK(again.end == mgca::FitEnd::finished);
  CHECK(again.progress.step == 12);
  CHECK(run.trap->passed == 0);
  CHECK((outcome(scratch.path()) == before));
}

TEST_CASE("early_stop, keep_best, history: patience, best epoch and rows survive an end at every point", "[train][slow]") {
  // Watching the error with the larger as the better: the first epoch stays the best and two more exhaust the patience.
  const auto set = [](ToyRun& run) {
    run.options.checkpoint_every = 1000;
    run.options.epochs = 8;
    run.early = {.monitor = "val_error", .patience = 2, .better = mgca::Better::larger};
  };
  const auto expected = uninterrupted(set);
  CHECK(std::count(expected[2].begin(), expected[2].end(), '\n') == 1 + 3);
  CHECK(expected[0] != expected[1]);  // the best are not the last
  for (int64_t nth = 1;; ++nth) {
    const Scratch scratch;
    ToyRun run(scratch.path());
    set(run);
    run.trap->nth = nth;
    run.trap->spring = [] { throw Ended(); };
    INFO("point " << nth);
    try {
      (void)run();
      break;
    } catch (const Ended&) {
    }
    run.trap->nth = -1;
    CHECK(run().end == mgca::FitEnd::stopped_early);
    CHECK((outcome(scratch.path()) == expected));
    run.trap->passed = 0;
    const auto again = run();  // one that stopped early does nothing more
    CHECK(again.end == mgca::FitEnd::stopped_early);
    CHECK(run.trap->passed == 0);
    CHECK((outcome(scratch.path()) == expected));
  }
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

TEST_CASE("fit: killed in accumulation, in validation and between saving the best and the checkpoint, the result is the same", "[train][slow]") {
  torch::set_num_threads(1);
  const auto expected = uninterrupted();
  for (const auto& [place, nth] : std::vector<std::pair<std::string, std::string>>{{"batch", "10"}, {"validation", "5"}, {"hook", "6"}}) {
    const Scratch scratch;
    INFO(place << " " << nth);
    const int killed = status_of(start_worker(scratch.path(), {{"MGCA_TEST_KILL_AT", place}, {"MGCA_TEST_KILL_NTH", nth}}));
    REQUIRE(WIFSIGNALED(killed));
    CHECK_FALSE(std::filesystem::exists(scratch / "final.safetensors"));
    REQUIRE(status_of(start_worker(scratch.path())) == 0);
    CHECK((outcome(scratch.path()) == expected));
    check_nothing_left_over(scratch.path());
  }
}

TEST_CASE("fit: SIGTERM and SIGINT at random moments leave a run that goes on to the same result", "[train][slow]") {
  torch::set_num_threads(1);
  const auto expected = uninterrupted();
  mgca::RandomStream random({.seed = 6}, mgca::Use::test);
  int interrupted = 0;
  for (int trial = 0; interrupted < 6; ++trial) {
    REQUIRE(trial < 60);
    const Scratch scratch;
    const pid_t child = start_worker(scratch.path());
    wait_until_training(scratch.path());
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(100000)));
    const auto begin = std::chrono::steady_clock::now();
    ::kill(child, trial % 2 == 0 ? SIGTERM : SIGINT);
    CHECK(status_of(child) == 0);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(3));  // a step and a save take milliseconds
    if (std::filesystem::exists(scratch / "final.safetensors")) continue;  // it came too late
    ++interrupted;
    CHECK(mgca::CheckpointFolder(scratch / "checkpoints", 2).newest({}).has_value());
    REQUIRE(status_of(start_worker(scratch.path())) == 0);
    CHECK((outcome(scratch.path()) == expected));
  }
}
