// Processes that train together: how a command starts them, which of them it is, and what they share.
#pragma once

#include <mgca/core/ranks.hpp>
#include <mgca/tensor/process_group.hpp>
#include <mgca/train/exchange.hpp>
#include <mgca/train/watch.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace ranks {

// What the command line says of them.
struct Options {
  std::int64_t count = 0;         // processes to start; 0: none, this one is a rank if its environment says so
  double timeout = 30;            // seconds without a sign of life before a rank is lost
  std::int64_t max_restarts = 0;  // of all ranks, after one was lost
};
void add_options(CLI::App& command, Options& options);  // --ranks, --rank-timeout, --max-restarts

// The rank that whoever started this process says it is; nothing: it trains alone. Throws Error(config), also where --ranks contradicts the environment.
[[nodiscard]] std::optional<mgca::RankAddress> own_address(const Options& options);

// The device of a rank: the GPU of its number on its host, where --device names none. Throws Error(argument) where several ranks are to share one.
[[nodiscard]] std::string device_of(const mgca::RankAddress& address, const std::string& device);

// Is this process to start the others? Then supervise() is all it has to do.
[[nodiscard]] bool to_supervise(const Options& options);

// Starts this command again as so many ranks and watches over them: who is lost is told to the others, all are ended, and started again where that is asked for.
// SIGTERM and Ctrl-C are passed on, Ctrl-Z stops all until SIGCONT. Returns when all are done, throws CLI::RuntimeError with the exit code where they did not
// succeed.
void supervise(const Options& options);

// A rank among the others. Whoever waits in a group is told by the watch who is lost.
class Team {
 public:
  // Finds the others, and returns when all are there. Throws Error(system).
  Team(const mgca::RankAddress& address, const Options& options, torch::Device device);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  [[nodiscard]] std::int64_t rank() const { return address_.rank; }
  [[nodiscard]] std::int64_t size() const { return address_.world; }
  [[nodiscard]] bool first() const { return rank() == 0; }  // who writes and speaks
  [[nodiscard]] bool supervised() const;                    // by `--ranks`

  // What rank 0 says, however long that takes it; what the others say is not looked at.
  [[nodiscard]] std::string word_of_first(const std::string& mine) const;

  // Waits until all are done; nobody is missed from then on. Where it is not called, this rank fails by the exception it goes with.
  void finish();

  [[nodiscard]] mgca::Ranks& all() { return *all_; }

 private:
  mgca::RankAddress address_;
  std::shared_ptr<mgca::RankStore> store_;
  std::unique_ptr<mgca::Watch> watch_;
  std::shared_ptr<mgca::ProcessGroup> control_, data_, peers_;
  std::optional<mgca::Ranks> all_;
};

// How a command that may train in several processes is run: by starting them, as one of them, or alone, with nobody beside it and the device as
// it was given. As `work(team, device)` returns, all ranks are done.
void run(const Options& options, const std::string& device, const std::function<void(Team*, const std::string&)>& work);

}  // namespace ranks
