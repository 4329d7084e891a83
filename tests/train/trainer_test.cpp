#include "catch.hpp"
#include "expect_error.hpp"
#include "gpu.hpp"
#include "paths.hpp"
#include "toy_run.hpp"

#include <ATen/record_function.h>

#include <fstream>
#include <map>
#include <sys/wait.h>
#include <unistd.h>

using mgca::test::expect_error;
using mgca::test::outcome;
using mgca::test::Scratch;
using mgca::test::ToyRun;

namespace {

// What a run told, by event: the fields of each time, as text.
struct Events {
  std::map<std::string, std::vector<std::map<std::string, std::string>>> all;
  mgca::EventSink sink() {
    return [this](std::string_view event, std::span<const mgca::Field> fields) {
      auto& last = all[std::string(event)].emplace_back();
      for (const auto& field : fields) {
        last[std::string(field.name)] = std::visit([](const auto& value) { return mgca::detail::join(value); }, field.value);
      }
    };
  }
};

bool all_finite(const mgca::StateDict& tensors) {
  return std::all_of(tensors.begin(), tensors.end(), [](const auto& t) { return t.value.isfinite().all().template item<bool>(); });
}

// Every checkpoint and the best weights hold finite numbers only.
void check_only_finite_states(const std::filesystem::path& folder) {
  for (const auto& name : mgca::CheckpointFolder(folder / "checkpoints", 2).generations()) {
    INFO(name);
    CHECK(all_finite(mgca::read_checkpoint(folder / "checkpoints" / name).part("model")));
  }
  if (std::filesystem::exists(folder / "best.safetensors")) CHECK(all_finite(mgca::read_weights(folder / "best.safetensors").tensors));
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

TEST_CASE("fit: a checkpoint of another run is refused with both values, whichever side has the key", "[train][fast]") {
  const Scratch scratch;
  ToyRun run(scratch.path());
  run.options.run.identity["data"] = "first";
  (void)run();
  auto changed = run;
  changed.options.run.identity["config"] = "changed";
  expect_error([&] { (void)changed(); }, {"config: the checkpoint has toy, this run changed"});
  auto fewer = run;
  fewer.options.run.identity.erase("data");
  expect_error([&] { (void)fewer(); }, {"data: the checkpoint has first, this run (absent)"});
  auto more = run;
  more.options.run.identity["vocabulary"] = "new";
  expect_error([&] { (void)more(); }, {"vocabulary: the checkpoint has (absent), this run new"});
  auto options = run;
  options.options.accumulation = 3;
  options.options.optimizer.beta1 = 0.5;
  options.options.epochs = 5;
  expect_error([&] { (void)options(); }, {"accumulation: the checkpoint has 2, this run 3", "optimizer.beta1: the checkpoint has 0.9, this run 0.5",
                                          "epochs: the checkpoint has 4, this run 5"});
  auto free = run;  // what does not decide the result may change
  free.options.report_every = 7;
  free.options.checkpoint_every = 3;
  free.options.keep_checkpoints = 5;
  CHECK(free().end == mgca::FitEnd::finished);
}

TEST_CASE("fit: a resumed run must have the hooks whose records it finds, and no others", "[train][fast]") {
  const Scratch scratch;
  const mgca::test::ToyData data;
  const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = 8, .threads = 0});
  mgca::test::ToyTask task;
  mgca::FitOptions options;
  options.epochs = 1;
  options.run.folder = scratch.path();
  const mgca::EarlyStopOptions early{.monitor = "loss"};
  (void)mgca::fit(task, batches, options, mgca::EarlyStop(early));
  expect_error([&] { (void)mgca::fit(task, batches, options); }, {"hook early_stop: the checkpoint has one, this run (absent)"});
  expect_error([&] { (void)mgca::fit(task, batches, options, mgca::EarlyStop(early), mgca::History()); },
               {"hook history: the checkpoint has (absent), this run one"});
}

TEST_CASE("fit: two hooks of one kind keep their own records", "[train][fast]") {
  const Scratch scratch;
  const mgca::test::ToyData data;
  const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = 8, .threads = 0});
  mgca::FitOptions options;
  options.epochs = 3;
  options.run.folder = scratch.path();
  const auto train = [&] {
    mgca::test::ToyTask task;
    mgca::KeepBest smaller(task.module(), {.path = scratch / "a", .monitor = "loss"});
    mgca::KeepBest larger(task.module(), {.path = scratch / "b", .monitor = "loss", .better = mgca::Better::larger});
    (void)mgca::fit(task, batches, options, smaller, larger);
    return std::vector{*smaller.best(), *larger.best()};
  };
  const auto first = train(), resumed = train();
  CHECK(first[0] < first[1]);
  CHECK((resumed == first));
}

TEST_CASE("fit: a changed number of threads is told and accepted", "[train][fast]") {
  const Scratch scratch;
  const auto before = torch::get_num_threads();
  torch::set_num_threads(1);
  ToyRun run(scratch.path());
  run.stop_at = 4;
  (void)run();
  torch::set_num_threads(2);
  Events events;
  run.options.run.sink = events.sink();
  run.stop_at = -1;
  (void)run();
  torch::set_num_threads(before);
  REQUIRE(events.all["threads_changed"].size() == 1);
  CHECK(events.all["threads_changed"][0]["saved"] == "1");
  CHECK(events.all["threads_changed"][0]["now"] == "2");
}

TEST_CASE("fit: the next run removes the temporaries of killed processes and no others", "[train][fast]") {
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  REQUIRE(::waitpid(dead, nullptr, 0) == dead);
  const Scratch scratch;
  std::filesystem::create_directories(scratch / "checkpoints");
  const auto temporary = [&](const std::string& name, pid_t owner) {
    const auto path = scratch / ("." + name + ".tmp-" + std::to_string(owner) + "-0");
    std::ofstream(path) << "half";
    return path;
  };
  const auto best = temporary("best.safetensors", dead), own = temporary("report.html", ::getpid());
  std::ofstream(scratch / "checkpoints" / (".step-0000000001.safetensors.tmp-" + std::to_string(dead) + "-1")) << "half";
  (void)ToyRun(scratch.path())();
  CHECK_FALSE(std::filesystem::exists(best));
  CHECK(std::filesystem::exists(own));
  for (const auto& entry : std::filesystem::directory_iterator(scratch / "checkpoints")) {
    CHECK(entry.path().filename().string().find(".tmp-") == std::string::npos);
  }
}

TEST_CASE("fit: two runs in one folder collide cleanly", "[train][fast]") {
  const Scratch scratch;
  const mgca::RunLock lock(scratch.path());
  expect_error([&] { (void)ToyRun(scratch.path())(); }, {"another run", "process " + std::to_string(::getpid())});
}

TEST_CASE("fit: accumulation over equal batches is one bigger batch for a loss that is a mean", "[train][fast]") {
  const auto train = [](int64_t batch, int64_t accumulation) {
    mgca::test::ToyTask task;
    const mgca::test::ToyData data{.count = 32};
    const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = batch, .threads = 0});
    // The net in evaluation mode inside a task of its own: no dropout, no batch statistics.
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

TEST_CASE("fit: an infinite pixel costs its step and nothing else: named, counted, no statistic spoilt", "[train][fast]") {
  const Scratch scratch;
  ToyRun run(scratch.path());
  run.broken_epoch = 1;
  Events events;
  run.options.run.sink = events.sink();
  CHECK(run().end == mgca::FitEnd::finished);
  REQUIRE(events.all["skipped_steps"].size() == 1);
  auto told = events.all["skipped_steps"][0];
  CHECK(told["epoch"] == "1");
  CHECK(told["in_all"] == "1");
  CHECK((" " + told["rows"] + " ").find(" 7 ") != std::string::npos);
  const mgca::test::ToyData data;
  const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = 8, .last_batch = mgca::LastBatch::keep, .seed = 3});
  const auto rows = batches.rows(1, (std::stoll(told["step"]) - 1 - 3) * 2);
  CHECK(told["rows"].starts_with(std::to_string(rows[0]) + " "));
  CHECK(all_finite(mgca::read_weights(scratch / "final.safetensors").tensors));  // running means and variances, too
  for (const auto& epoch : events.all["epoch"]) {
    INFO("epoch " << epoch.at("epoch"));
    for (const auto* name : {"loss", "error", "val_loss"}) CHECK(std::isfinite(std::stod(epoch.at(name))));
  }
  check_only_finite_states(scratch.path());
}

TEST_CASE("fit: a weight that is no number reaches no checkpoint and no best weights, and the run resumes from before", "[train][fast]") {
  const Scratch clean;
  (void)ToyRun(clean.path())();
  for (const int64_t every : {1, 2}) {
    const Scratch scratch;
    ToyRun run(scratch.path());
    run.options.checkpoint_every = every;
    run.options.report_every = 1;
    run.trap->place = "step";
    run.trap->nth = 5;
    Events events;
    run.options.run.sink = events.sink();
    mgca::test::ToyTask* broken = nullptr;
    run.trap->spring = [&] {
      const torch::NoGradGuard no_grad;
      broken->net->first->weight.view({-1})[0].fill_(std::numeric_limits<float>::quiet_NaN());
    };
    run.with_task = [&](mgca::test::ToyTask& task) { broken = &task; };
    expect_error([&] { (void)run(); }, {"not finite"});
    CHECK(events.all["checkpoint_failed"].size() >= 1);
    check_only_finite_states(scratch.path());
    run.trap->nth = -1;
    CHECK(run().end == mgca::FitEnd::finished);
    CHECK((outcome(scratch.path()) == outcome(clean.path())));
  }
}

TEST_CASE("fit: a learning rate of 10^12 ends the run, and only finite states are on disk", "[train][fast]") {
  const Scratch scratch;
  ToyRun run(scratch.path());
  run.options.schedule = {.kind = mgca::ScheduleKind::constant, .rate = 1e12};
  run.options.report_every = run.options.patience_non_finite = 1;
  expect_error([&] { (void)run(); }, {"not finite"});
  check_only_finite_states(scratch.path());
  expect_error([&] { (void)run(); }, {"not finite"});  // and again, from what is there
  check_only_finite_states(scratch.path());
}

TEST_CASE("fit: a run that no longer gives numbers ends after its patience, with the step, its rows and the remedy", "[train][fast]") {
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
  const auto rows = batches.rows(0, 3);
  const auto named = "rows " + std::to_string(rows[0]) + " " + std::to_string(rows[1]);
  expect_error([&] { (void)mgca::fit(task, batches, options); }, {"last 4 steps", "step 4 in epoch 0, batch 3", named, "not finite", "learning rate"});
  CHECK(all_finite(mgca::state_dict(task.module())));
}

TEST_CASE("fit: the host reads once per report and once per epoch, whatever the number of steps", "[train][fast]") {
  // A read is one concatenation brought to the host; nothing else in this run concatenates, and nothing else waits.
  static thread_local int64_t reads, waits, fused;
  const auto count = [](int64_t report_every) {
    const mgca::test::ToyData data;
    const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = 4, .threads = 0});  // 11 steps an epoch
    mgca::test::ToyTask task;
    mgca::FitOptions options;
    options.epochs = 2;
    options.report_every = report_every;
    reads = waits = fused = 0;
    struct Inside : at::ObserverContext {};
    const auto handle = at::addThreadLocalCallback(
        at::RecordFunctionCallback(
            [](const at::RecordFunction& f) -> std::unique_ptr<at::ObserverContext> {
              const std::string name = f.name();
              if (name == "aten::cat") ++reads;
              if (name == "aten::_fused_adamw_") return ++fused, std::make_unique<Inside>();  // on the CPU it reads its own counters
              if (fused == 0 && (name == "aten::_local_scalar_dense" || name == "aten::is_nonzero")) ++waits;
              return nullptr;
            },
            [](const at::RecordFunction&, at::ObserverContext* context) { fused -= context != nullptr ? 1 : 0; })
            .scopes({at::RecordScope::FUNCTION}));
    (void)mgca::fit(task, batches, options);
    at::removeCallback(handle);
    CHECK(waits == 0);
    return reads;
  };
  CHECK(count(1) == 22 + 2);
  CHECK(count(5) == 4 + 2);
  CHECK(count(100) == 2);
}

TEST_CASE("fit: a folder that vanishes costs saves, is told each time, and ends the run at the third", "[train][fast]") {
  const Scratch scratch;
  const mgca::test::ToyData data;
  const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = 4, .threads = 0});
  mgca::test::ToyTask task;
  mgca::test::Trap trap{.place = "step", .nth = 2, .spring = [&] { std::filesystem::rename(scratch / "run", scratch / "elsewhere"); }};
  Events events;
  mgca::FitOptions options;
  options.checkpoint_every = 1;
  options.run.folder = scratch / "run";
  options.run.sink = events.sink();
  expect_error([&] { (void)mgca::fit(task, batches, options, mgca::test::TrapStep{&trap}); }, {"run/checkpoints", "No such file"});
  CHECK(events.all["checkpoint_failed"].size() == 3);
  CHECK(trap.passed == 4);
  CHECK(mgca::CheckpointFolder(scratch / "elsewhere" / "checkpoints", 2).newest({})->record.step == 1);
}

TEST_CASE("fit: the epoch's event says how long training took and how long it waited for batches", "[train][fast]") {
  struct Slow : mgca::test::ToyData {
    [[nodiscard]] Batch batch(std::span<const int64_t> records, mgca::RandomKey key) const {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return ToyData::batch(records, key);
    }
  } data;
  const mgca::Loader<Slow> batches(data, {.batch_size = 11, .threads = 0});
  mgca::test::ToyTask task;
  mgca::FitOptions options;
  options.epochs = 1;
  Events events;
  options.run.sink = events.sink();
  (void)mgca::fit(task, batches, options);
  const double waited = std::stod(events.all["epoch"][0]["loader_seconds"]), all = std::stod(events.all["epoch"][0]["training_seconds"]);
  CHECK(waited >= 0.040);
  CHECK(all >= waited);
}

TEST_CASE("fit: on a GPU every precision trains, stops and resumes", "[train][gpu]") {
  if (!mgca::test::cuda_found()) return;
  for (const auto precision : {mgca::Precision::f32, mgca::Precision::bf16, mgca::Precision::f16}) {
    INFO(mgca::to_string(precision));
    const auto train = [&](const std::filesystem::path& folder, std::vector<int64_t> stops) {
      ToyRun run(folder);
      run.options.precision = precision;
      run.with_task = [](mgca::test::ToyTask& task) { task.net->to(torch::Device(torch::kCUDA, 0)); };
      for (const auto stop : stops) {
        run.stop_at = stop;
        CHECK(run().end == (stop < 0 ? mgca::FitEnd::finished : mgca::FitEnd::interrupted));
      }
      return mgca::read_weights(folder / "final.safetensors").tensors;
    };
    const Scratch a, b;
    const auto whole = train(a.path(), {-1}), resumed = train(b.path(), {5, -1});
    CHECK(all_finite(whole));
    for (std::size_t i = 0; i < whole.size(); ++i) CHECK(torch::allclose(whole[i].value.to(torch::kFloat64), resumed[i].value.to(torch::kFloat64), 1e-4, 1e-5));
  }
}
