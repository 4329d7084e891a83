// A rank among others: finding them, agreeing, being told who is lost.
#include "ranks.hpp"

#include "console.hpp"
#include "study.hpp"

#include <mgca/train/meeting.hpp>

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include <ATen/Context.h>

namespace ranks {

namespace {

constexpr auto kStart = std::chrono::minutes(5);  // hosts of a cluster do not begin at the same moment

std::optional<std::string> variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

bool started_by_us() { return variable("MGCA_SUPERVISED").has_value(); }

std::chrono::milliseconds timeout_of(const Options& options) { return std::chrono::milliseconds(std::llround(1000 * options.timeout)); }

// Who writes is rank 0; the others' standard output leads nowhere.
void be_silent() {
  const int nothing = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nothing < 0) return;
  ::dup2(nothing, STDOUT_FILENO);
  ::close(nothing);
}

void tell_who_is_missing(std::string_view, std::span<const mgca::Field> fields) {
  console::note("  waiting for " + std::get<std::string>(fields[0].value) + ", " + console::duration(std::get<double>(fields[1].value)) + " so far");
}

// A rank that hangs in a call nobody can end, of its GPU for example: everything on disk is whole at any moment.
void end_at_once(const std::string& message) {
  console::note("mgca: " + message);
  std::_Exit(static_cast<int>(console::Exit::system));
}

}  // namespace

void add_options(CLI::App& command, Options& o) {
  command.add_option("--ranks", o.count, "train with so many processes on this machine; without it torchrun, srun or mpirun may start them")->type_name("N")->check(CLI::Range(1, 1024));
  command.add_option("--rank-timeout", o.timeout, "a rank without a sign of life for so long is lost, and all stop")->type_name("SECONDS")->capture_default_str()->check(CLI::Range(0.5, 86400.0));
  command.add_option("--max-restarts", o.max_restarts, "start all ranks again so often after one was lost, from the last checkpoint")->type_name("N")->capture_default_str()->check(CLI::Range(0, 1000));
}

std::optional<mgca::RankAddress> own_address(const Options& options) {
  auto address = mgca::rank_address(variable);
  if (address && options.count > 0 && !started_by_us()) {
    mgca::fail(mgca::ErrorKind::config, "--ranks ", options.count, ": this process is rank ", address->rank, " of ", address->world, " already, says its environment; drop --ranks, or ",
               variable("RANK") ? "unset RANK and WORLD_SIZE" : "start it without mpirun and srun");
  }
  if (!address || address->world == 1) return std::nullopt;
  return address;
}

std::string device_of(const mgca::RankAddress& address, const std::string& device) {
  if (device.starts_with("cuda:")) {
    mgca::fail(mgca::ErrorKind::argument, "--device ", device, ": ", address.world, " ranks cannot share a GPU; write --device cuda, and each takes the one of its LOCAL_RANK");
  }
  const auto any = study::parse_device(device);
  if (any.is_cuda() && at::getNumGPUs() == 1 && !started_by_us()) return "cuda:0";  // Slurm may show each task its own alone
  return any.is_cuda() ? "cuda:" + std::to_string(address.local_rank) : device;
}

bool to_supervise(const Options& options) { return options.count > 1 && !started_by_us(); }

Team::Team(const mgca::RankAddress& address, const Options& options, torch::Device device) {
  if (address.rank != 0) be_silent();
  const auto lobby = mgca::connect_store(address, kStart);
  address_ = mgca::meet(*lobby, address, {.patience = kStart, .sink = tell_who_is_missing});
  if (started_by_us()) address_.round = address.round;  // the supervisor keeps a place for each attempt, and speaks there
  store_ = mgca::connect_store(address_, kStart);
  watch_ = std::make_unique<mgca::Watch>(mgca::connect_store(address_, kStart), address_, mgca::WatchOptions{.timeout = timeout_of(options), .on_lost = end_at_once});
  const auto group = [&](torch::Device on, const char* name) {
    return mgca::connect_group(store_, address_, on, {.check = [this] { watch_->check(); }, .name = name});
  };
  control_ = group(torch::kCPU, "control");
  data_ = group(device, "data");
  peers_ = group(device, "peers");
  all_.emplace(mgca::Ranks{.data = *data_, .control = *control_, .peers = *peers_});
}

// A rank that fails by itself says so first: its groups may wait for the others, who end when they hear of it. Where another was lost, the watch ends a
// process that its groups hold up, so it goes after them.
Team::~Team() {
  if (std::uncaught_exceptions() == 0) return;
  try {
    watch_->check();
  } catch (const mgca::Error&) {
    return;
  }
  watch_->leave(mgca::Leaving::failed);
}

void Team::finish() {
  all_->control.barrier();  // nobody goes before rank 0 has written everything
  watch_->leave(mgca::Leaving::finished);  // and who is slower to tidy up misses nobody
}

bool Team::supervised() const { return started_by_us(); }

std::string Team::word_of_first(const std::string& mine) const {
  if (first()) return store_->set("word", mine), mine;
  for (;;) {
    if (auto word = store_->find("word")) return *std::move(word);
    watch_->check();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void run(const Options& options, const std::string& device, const std::function<void(Team*, const std::string&)>& work) {
  const auto address = own_address(options);
  if (to_supervise(options)) {
    study::watch_signals();  // to pass them on
    return supervise(options);
  }
  if (!address) return work(nullptr, device);
  const auto own = device_of(*address, device);
  Team team(*address, options, study::parse_device(own));
  work(&team, own);
  team.finish();
}

}  // namespace ranks
