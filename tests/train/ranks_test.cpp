#include "catch.hpp"
#include "host_reads.hpp"
#include "paths.hpp"
#include "ranks.hpp"
#include "toy_run.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>

using mgca::test::on_ranks;
using mgca::test::require;
using mgca::test::require_error;
using mgca::test::Scratch;

namespace {

// Without dropout and norms, so that rows can be dealt out; `rare` sees only rows whose first value is large, `late` learns from epoch 1 on,
// and `idle` never.
struct RankedNet : torch::nn::Module {
  explicit RankedNet(double shift) {
    for (const auto* name : {"first", "rare", "late", "idle"}) register_module(name, torch::nn::Linear(4, name == std::string("first") ? 4 : 1));
    const torch::NoGradGuard no_grad;  // torch's generator is shared between the threads that are ranks here
    for (auto& parameter : parameters()) parameter.copy_(torch::arange(parameter.numel(), parameter.dtype()).add(++shift).sin().view_as(parameter) / 2);
  }
  torch::Tensor layer(const std::string& name, const torch::Tensor& x) { return named_children()[name]->as<torch::nn::Linear>()->forward(x); }
};

struct RankedTask {
  std::shared_ptr<RankedNet> net;
  bool remembers = false;  // evaluation leaves a trace in a parameter, as some models' does
  torch::nn::Module& module() { return *net; }
  mgca::StepResult training_step(const mgca::test::ToyBatch& batch) { return evaluation_step(batch); }
  mgca::StepResult evaluation_step(const mgca::test::ToyBatch& batch) {
    if (remembers && !net->is_training()) net->named_parameters()["first.bias"].add_(1e-3);
    const auto hidden = net->layer("first", batch.x).sin();  // of an infinite value it is no number
    auto y = net->layer("late", hidden);
    const auto rare = batch.x.select(1, 0).gt(1.2).nonzero().squeeze(1);
    if (rare.numel() > 0) y = y.index_add(0, rare, net->layer("rare", hidden.index_select(0, rare)));
    const auto loss = torch::mse_loss(y, batch.y);
    return {.loss = loss, .metrics = {{"error", (y - batch.y).detach().abs().mean()}}, .samples = batch.x.size(0)};
  }
  void after_backward(int64_t epoch) {
    if (epoch > 0) return;
    for (auto& parameter : net->named_children()["late"]->parameters()) parameter.mutable_grad().reset();
  }
};

// One rank's run. What befalls it is set on it before.
struct RankedRun {
  std::filesystem::path folder;
  mgca::FitOptions options;
  mgca::test::ToyData data{.count = 48};
  bool remembers = false;
  std::function<void(const mgca::Progress&, RankedNet&)> after_step = [](const mgca::Progress&, RankedNet&) {};
  std::atomic<bool> stop = false;
  std::map<std::string, std::vector<std::map<std::string, std::string>>> events;
  std::vector<mgca::HistoryRow> rows;
  mgca::StateDict state;

  explicit RankedRun(std::filesystem::path where = {}) : folder(std::move(where)) {
    options.epochs = 2;
    options.schedule.rate = 1e-2;
    options.report_every = 2;
    options.checkpoint_every = 1;
    options.gradients.bucket_bytes = 64;
    options.run.folder = folder;
    options.run.identity = {{"data", "abc"}};
    options.run.stop = &stop;
    options.run.sink = [this](std::string_view event, std::span<const mgca::Field> fields) {
      auto& one = events[std::string(event)].emplace_back();
      for (const auto& field : fields) {
        if (const auto* text = std::get_if<std::string>(&field.value)) one[std::string(field.name)] = *text;
        else if (const auto* number = std::get_if<int64_t>(&field.value)) one[std::string(field.name)] = std::to_string(*number);
      }
    };
  }

  mgca::FitResult operator()(mgca::ProcessGroup* group) {
    std::optional<mgca::Ranks> ranks;
    if (group != nullptr) options.run.ranks = &ranks.emplace(mgca::Ranks{*group, *group, *group});
    const int64_t rank = group != nullptr ? group->rank() : 0, world = group != nullptr ? group->size() : 1;
    const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = 12, .threads = 0, .seed = 5, .rank = rank, .world = world});
    const mgca::test::ToyData clean{.count = 25};
    const mgca::Loader<mgca::test::ToyData> held_out(clean, {.batch_size = 16, .order = mgca::Order::as_stored, .last_batch = mgca::LastBatch::keep,
                                                             .threads = 0, .rank = rank, .world = world, .share = mgca::Share::batches});
    RankedTask task{std::make_shared<RankedNet>(7.0 * static_cast<double>(rank)), remembers};  // rank 0's start is what counts
    struct AfterStep {
      RankedRun* run;
      RankedNet* net;
      void after_step(const mgca::Progress& at) const { run->after_step(at, *net); }
    };
    const auto own = [&](const char* name) { return folder.empty() ? folder : folder / (name + std::to_string(rank)); };
    mgca::History history(own("history"));
    mgca::KeepBest best(task.module(), {.path = own("best")});
    mgca::TensorBoard board(own("board"));
    stop = false;
    const auto result = folder.empty() ? mgca::fit(task, batches, options, AfterStep{this, task.net.get()}, mgca::Validate(task, held_out), history)
                                       : mgca::fit(task, batches, options, AfterStep{this, task.net.get()}, mgca::Validate(task, held_out), history, best, board);
    rows = history.rows();
    state = mgca::state_dict(task.module());
    return result;
  }
};

// Others that always say the same: one of two ranks without a second thread, which would share generator and counters.
struct Echo : mgca::ProcessGroup {
  explicit Echo(int64_t own) : number(own) {}
  int64_t rank() const override { return number; }
  int64_t size() const override { return 2; }
  mgca::Collective start_sum(const torch::Tensor& tensor) override { return tensor.mul_(2), mgca::Collective(); }
  mgca::Collective start_copy(const torch::Tensor&, int64_t) override { return {}; }
  mgca::Collective start_gather(const torch::Tensor& mine, const torch::Tensor& all) override { return all.copy_(torch::cat({mine, mine})), mgca::Collective(); }
  int64_t number;
};

bool near(const mgca::StateDict& a, const mgca::StateDict& b, double tolerance) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const auto& x, const auto& y) { return (x.value - y.value).abs().max().template item<double>() <= tolerance; });
}
bool near(const std::vector<mgca::HistoryRow>& a, const std::vector<mgca::HistoryRow>& b, double tolerance) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const auto& x, const auto& y) {
    return std::equal(x.values.begin(), x.values.end(), y.values.begin(), y.values.end(),
                      [&](const auto& p, const auto& q) { return p.first == q.first && std::abs(p.second - q.second) <= tolerance; });
  });
}
int64_t count_in(const std::filesystem::path& folder) { return std::distance(std::filesystem::directory_iterator(folder), {}); }

}  // namespace

TEST_CASE("ranks: two and three of them train as one process does, with accumulation, parameters used on some or none, and dealt-out validation", "[train][fast]") {
  for (const int64_t accumulation : {1, 2}) {
    RankedRun alone;
    alone.options.accumulation = accumulation;
    (void)alone(nullptr);
    CHECK(alone.events["epoch"].size() == 2);
    for (const int64_t world : {2, 3}) {  // of three the last has nothing to validate
      INFO(world << " ranks, accumulation " << accumulation);
      on_ranks(world, [&](mgca::ProcessGroup& group) {
        RankedRun run;
        run.options.accumulation = accumulation;
        const auto result = run(&group);
        require(result.end == mgca::FitEnd::finished && result.progress.step == (accumulation == 1 ? 8 : 4), "end");
        require(near(run.state, alone.state, 1e-6), "weights");
        require(near(run.rows, alone.rows, 1e-6), "means of training and validation");
        require(run.events.empty() == (group.rank() > 0), "events");
      });
    }
    const mgca::StateDict start = mgca::state_dict(RankedNet(0));
    CHECK(torch::equal(alone.state[6].value, start[6].value));  // idle: not even decayed
    CHECK_FALSE(torch::equal(alone.state[2].value, start[2].value));
  }
}

TEST_CASE("ranks: a stop at one stops all after the same step; they go on to the last bit, and in other numbers up to rounding", "[train][fast]") {
  const Scratch scratch;
  std::vector<mgca::StateDict> whole(2);
  std::vector<mgca::HistoryRow> rows;
  on_ranks(2, [&](mgca::ProcessGroup& group) {
    RankedRun run;
    (void)run(&group);
    whole[static_cast<std::size_t>(group.rank())] = run.state;
    if (group.rank() == 0) rows = run.rows;
  });
  CHECK(near(whole[0], whole[1], 0));
  on_ranks(2, [&](mgca::ProcessGroup& group) {
    RankedRun run(scratch / "run");
    if (group.rank() == 1) run.after_step = [&](const mgca::Progress& at, RankedNet&) { run.stop = at.step == 2; };
    const auto result = run(&group);
    require(result.end == mgca::FitEnd::interrupted && result.progress.step == 3, "stop at step " + std::to_string(result.progress.step));
  });
  CHECK(mgca::read_checkpoint(scratch / "run" / "checkpoints" / "step-0000000003.safetensors").record.ranks == 2);
  CHECK(count_in(scratch / "run" / "checkpoints") == 2);
  for (const int64_t world : {1, 2, 3}) {
    std::filesystem::copy(scratch / "run", scratch / ("run" + std::to_string(world)), std::filesystem::copy_options::recursive);
    on_ranks(world, [&](mgca::ProcessGroup& group) {
      RankedRun run(scratch / ("run" + std::to_string(world)));
      if (group.rank() > 0) run.options.run.folder = scratch / "elsewhere";  // only rank 0 looks there
      require(run(world == 1 ? nullptr : &group).end == mgca::FitEnd::finished, "end");
      require(near(run.state, whole[0], world == 2 ? 0 : 1e-6), "weights of " + std::to_string(world));
      require(near(run.rows, rows, world == 2 ? 1e-12 : 1e-6), "means");  // of the interrupted epoch, too
      require(group.rank() > 0 || run.events["ranks_changed"].size() == (world == 2 ? 0U : 1U), "told");
    });
    CHECK_FALSE(std::filesystem::exists(scratch / "elsewhere"));
    for (const auto* name : {"history", "best", "board"}) {
      CHECK(std::filesystem::exists(scratch / ("run" + std::to_string(world)) / (name + std::string("0"))));
      CHECK_FALSE(std::filesystem::exists(scratch / ("run" + std::to_string(world)) / (name + std::string("1"))));
    }
  }
}

TEST_CASE("ranks: those that differ in data, options or library are refused on all, with each difference", "[train][fast]") {
  on_ranks(3, [](mgca::ProcessGroup& group) {
    RankedRun run;
    if (group.rank() == 2) {
      run.options.run.identity["data"] = "abd";
      run.options.report_every = 3;
    }
    require_error([&] { (void)run(&group); }, {"ranks do not agree", "data: rank 2 has abd, rank 0 abc", "fit.report_every: rank 2 has 3, rank 0 2", "same configuration"});
    if (group.rank() == 1) run.data.count = 36;
    run.options.run.identity["data"] = "abc";
    run.options.report_every = 2;
    require_error([&] { (void)run(&group); }, {"batches per epoch: rank 1 has 3, rank 0 4"});
  });
}

TEST_CASE("ranks: a damaged record on one ends all, after a checkpoint of the step before", "[train][fast]") {
  const Scratch scratch;
  on_ranks(2, [&](mgca::ProcessGroup& group) {
    struct Damaged : mgca::test::ToyData {
      [[nodiscard]] Batch batch(std::span<const int64_t> records, mgca::RandomKey key) const {
        if (std::find(records.begin(), records.end(), 30) != records.end()) mgca::fail(mgca::ErrorKind::data, "record 30 is damaged");
        return ToyData::batch(records, key);
      }
    } data;
    data.count = 48;
    const mgca::Loader<Damaged> batches(data, {.batch_size = 12, .order = mgca::Order::as_stored, .threads = 1, .rank = group.rank(), .world = 2});
    RankedRun run(scratch.path());
    run.options.checkpoint_every = 1000;
    mgca::Ranks ranks{group, group, group};
    run.options.run.ranks = &ranks;
    RankedTask task{std::make_shared<RankedNet>(0)};
    require_error([&] { (void)mgca::fit(task, batches, run.options); }, {group.rank() == 1 ? "record 30 is damaged" : "rank 1 failed: record 30 is damaged"});
  });
  const auto saved = mgca::CheckpointFolder(scratch / "checkpoints", 2).newest({});
  REQUIRE(saved);
  CHECK(saved->record.step == 2);
  CHECK(saved->record.batch == 2);
}

TEST_CASE("ranks: what one throws in its model it throws alone, and no other waits for it for ever", "[train][fast]") {
  on_ranks(2, [](mgca::ProcessGroup& group) {
    struct Throwing : RankedTask {
      bool throws = false;
      int64_t batches = 0;
      mgca::StepResult training_step(const mgca::test::ToyBatch& batch) {
        if (++batches == 3 && throws) mgca::fail(mgca::ErrorKind::argument, "its own");
        return RankedTask::training_step(batch);
      }
    } task{{std::make_shared<RankedNet>(0)}, group.rank() == 1};
    mgca::Ranks ranks{group, group, group};
    RankedRun run;
    run.options.run.ranks = &ranks;
    const mgca::Loader<mgca::test::ToyData> batches(run.data, {.batch_size = 12, .threads = 0, .rank = group.rank(), .world = 2});
    require_error([&] { (void)mgca::fit(task, batches, run.options); }, {group.rank() == 1 ? "its own" : "process group: a gather failed"});
  });
}

TEST_CASE("ranks: an infinite pixel on one costs its step on all, and the rank is named", "[train][fast]") {
  on_ranks(2, [](mgca::ProcessGroup& group) {
    RankedRun run;
    run.data.broken_epoch = 1;
    require(run(&group).end == mgca::FitEnd::finished, "end");
    for (const auto& [name, value] : run.state) require(value.isfinite().all().item<bool>(), name);
    for (const auto& row : run.rows) require(row.values.size() == 5, "a mean is no number");  // loss, error, those of validation, rate
    if (group.rank() > 0) return;
    require(run.events["skipped_steps"].size() == 1, "skipped once");
    auto told = run.events["skipped_steps"][0];
    const mgca::Loader<mgca::test::ToyData> batches(run.data, {.batch_size = 12, .threads = 0, .seed = 5});
    const auto rows = batches.rows(1, std::stoll(told["batch"]));
    const auto place = std::find(rows.begin(), rows.end(), 7) - rows.begin();
    require(place < 12 && told["ranks"] == std::to_string(place / 6), "rank " + told["ranks"] + ", place " + std::to_string(place));
  });
}

TEST_CASE("ranks: after training all hold the same running statistics, each batch norm's own mean over ranks", "[train][fast]") {
  std::vector<mgca::StateDict> states(2);
  on_ranks(2, [&](mgca::ProcessGroup& group) {
    mgca::Ranks ranks{group, group, group};
    mgca::FitOptions options;
    options.epochs = 1;
    options.run.ranks = &ranks;
    mgca::test::ToyTask task;
    const mgca::test::ToyData data;
    const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = 22, .threads = 0, .rank = group.rank(), .world = 2});
    (void)mgca::fit(task, batches, options);
    states[static_cast<std::size_t>(group.rank())] = mgca::state_dict(task.module());
  });
  CHECK(near(states[0], states[1], 0));
  for (const auto& [name, value] : states[0]) {
    if (name == "norm.running_mean") CHECK(value.abs().max().item<double>() > 1e-3);
    if (name == "norm.num_batches_tracked") CHECK(value.item<int64_t>() == 2);
  }
}

TEST_CASE("ranks: what evaluation leaves in a model is rank 0's on all, though each saw other batches, or none", "[train][fast]") {
  std::mutex mutex;
  std::vector<mgca::StateDict> states;
  on_ranks(3, [&](mgca::ProcessGroup& group) {
    RankedRun run;
    run.remembers = true;
    (void)run(&group);
    const std::lock_guard lock(mutex);
    states.push_back(run.state);
  });
  for (std::size_t i = 0; i < states[0].size(); ++i) {
    INFO(states[0][i].name);
    CHECK(torch::equal(states[1][i].value, states[0][i].value));
    CHECK(torch::equal(states[2][i].value, states[0][i].value));
  }
}

TEST_CASE("ranks: parameters that drift apart are found at the end of the epoch, with rank and name", "[train][fast]") {
  on_ranks(2, [](mgca::ProcessGroup& group) {
    RankedRun run;
    if (group.rank() == 1) {
      run.after_step = [](const mgca::Progress& at, RankedNet& net) {
        if (at.step != 2) return;
        const torch::NoGradGuard no_grad;
        auto weight = net.named_parameters()["idle.weight"].view({-1});
        weight[0] = std::nextafter(weight[0].item<float>(), 2.0F);
        weight[1] = std::nextafter(weight[1].item<float>(), -2.0F);
      };
    }
    require_error([&] { (void)run(&group); }, {"after epoch 0", "rank 1 in 1 of them", "'idle.weight'", "last checkpoint"});
  });
}

TEST_CASE("ranks: what dropout draws depends on seed, step and rank alone", "[train][fast]") {
  struct Drawing : RankedTask {
    std::vector<double> drawn;
    mgca::StepResult training_step(const mgca::test::ToyBatch& batch) {
      drawn.push_back(torch::rand({1}).item<double>());
      return RankedTask::training_step(batch);
    }
  };
  const auto draws = [](int64_t rank, uint64_t seed) {
    Echo group(rank);
    mgca::Ranks ranks{group, group, group};
    RankedRun run;
    run.options.run.ranks = &ranks;
    run.options.seed = seed;
    Drawing task{{std::make_shared<RankedNet>(0)}, {}};
    const mgca::Loader<mgca::test::ToyData> batches(run.data, {.batch_size = 12, .threads = 0, .rank = rank, .world = 2});
    (void)torch::rand({3});
    (void)mgca::fit(task, batches, run.options);
    return task.drawn;
  };
  const auto first = draws(0, 1);
  CHECK(first == draws(0, 1));
  auto all = first;
  for (const auto& other : {draws(1, 1), draws(0, 2)}) all.insert(all.end(), other.begin(), other.end());
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
  CHECK(all.size() == 3 * 8);
}

TEST_CASE("ranks: a step with others, a report and an epoch's end make the host wait no more than alone", "[train][fast]") {
  for (const auto compress : {mgca::Compression::none, mgca::Compression::bf16}) {
    Echo group(1);
    mgca::Ranks ranks{group, group, group};
    mgca::FitOptions options;
    options.epochs = 2;
    options.accumulation = 2;
    options.report_every = 1;
    options.gradients.compress = compress;
    options.run.ranks = &ranks;
    mgca::test::ToyTask task;
    const mgca::test::ToyData data;
    const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = 8, .threads = 0, .rank = 1, .world = 2});
    const mgca::test::HostReads counting;
    CHECK(mgca::fit(task, batches, options).progress.step == 6);
    CHECK(mgca::test::HostReads::operator_count() > 100);
    CHECK(mgca::test::HostReads::reads().empty());
  }
}
