// A rank among others: finding them, agreeing, being told who is lost.
#include "ranks.hpp"

#include "console.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

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

// A rank that hangs in a call nobody can end, of its GPU for example: everything on disk is whole at any moment.
void end_at_once(const std::string& message) {
  console::note("mgca: " + message);
  std::_Exit(static_cast<int>(console::Exit::system));
}

void wait_for(const std::function<bool()>& done, const mgca::Watch& watch, const std::function<std::string()>& missing) {
  const auto end = std::chrono::steady_clock::now() + kStart;
  while (!done()) {
    watch.check();
    if (std::chrono::steady_clock::now() > end) mgca::fail(mgca::ErrorKind::system, missing());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

void add_options(CLI::App& command, Options& o) {
  command.add_option("--ranks", o.count, "train with so many processes on this machine; without it torchrun or srun may start them")->type_name("N")->check(CLI::Range(1, 1024));
  command.add_option("--rank-timeout", o.timeout, "a rank without a sign of life for so long is lost, and all stop")->type_name("SECONDS")->capture_default_str()->check(CLI::Range(0.5, 86400.0));
  command.add_option("--max-restarts", o.max_restarts, "start all ranks again so often after one was lost, from the last checkpoint")->type_name("N")->capture_default_str()->check(CLI::Range(0, 1000));
}

std::optional<mgca::RankAddress> own_address(const Options& options) {
  auto address = mgca::rank_address(variable);
  if (address && options.count > 0 && !started_by_us()) {
    mgca::fail(mgca::ErrorKind::config, "--ranks ", options.count, ": this process is rank ", address->rank, " of ", address->world, " already, says its environment; drop --ranks, or unset ",
               variable("RANK") ? "RANK and WORLD_SIZE" : "SLURM_PROCID");
  }
  if (!address || address->world == 1) return std::nullopt;
  return address;
}

bool to_supervise(const Options& options) { return options.count > 1 && !started_by_us(); }

Team::Team(const mgca::RankAddress& address, const Options& options, torch::Device device) : address_(address) {
  if (!first()) be_silent();
  store_ = mgca::connect_store(address, kStart);
  watch_ = std::make_unique<mgca::Watch>(mgca::connect_store(address, kStart), address, mgca::WatchOptions{.timeout = timeout_of(options), .on_lost = end_at_once});
  store_->set("here/" + std::to_string(rank()), "yes");
  std::int64_t next = 0;
  const auto all_here = [&] {
    while (next < size() && store_->find("here/" + std::to_string(next))) ++next;
    return next == size();
  };
  wait_for(all_here, *watch_, [&] {
    return "rank " + std::to_string(next) + " did not come to " + address_.host + ":" + std::to_string(address_.port) + " in 300 s; start all " +
           std::to_string(size()) + " ranks with the same MASTER_ADDR and MASTER_PORT";
  });
  const auto group = [&](torch::Device on, const char* name) {
    return mgca::connect_group(store_, address_, on, {.check = [this] { watch_->check(); }, .name = name});
  };
  control_ = group(torch::kCPU, "control");
  if (device.is_cuda()) data_ = group(device, "data");
}

void Team::agree(const std::map<std::string, std::string>& said) const {
  for (const auto& [name, mine] : said) {
    const auto key = "agree/" + name;
    if (first()) {
      store_->set(key, mine);
      continue;
    }
    wait_for([&] { return store_->find(key).has_value(); }, *watch_, [&] { return "rank 0 did not say its " + name + " in 300 s"; });
    const auto theirs = store_->find(key).value();
    if (theirs != mine) {
      mgca::fail(mgca::ErrorKind::config, "rank ", rank(), " has another ", name, " than rank 0: ", mine, ", rank 0 has ", theirs, "; start all ranks with the same options and data");
    }
  }
  control_->barrier();
}

}  // namespace ranks
