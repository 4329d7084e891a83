// Processes that train together: how a command starts them, which of them it is, and what they share.
#pragma once

#include <mgca/core/ranks.hpp>
#include <mgca/tensor/process_group.hpp>
#include <mgca/train/watch.hpp>

#include <chrono>
#include <cstdint>
#include <map>
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

// Is this process to start the others? Then supervise() is all it has to do.
[[nodiscard]] bool to_supervise(const Options& options);

// Starts this command again as so many ranks and watches over them: who is lost is told to the others, all are ended, and started again where that is asked for.
// SIGTERM and Ctrl-C are passed on. Returns when all are done, throws CLI::RuntimeError with the exit code where they did not succeed.
void supervise(const Options& options);

// A rank among the others. The watch goes last: it names who is lost to whoever waits in a group.
class Team {
 public:
  // Finds the others, and returns when all are there. Throws Error(system).
  Team(const mgca::RankAddress& address, const Options& options, torch::Device device);

  [[nodiscard]] std::int64_t rank() const { return address_.rank; }
  [[nodiscard]] std::int64_t size() const { return address_.world; }
  [[nodiscard]] bool first() const { return rank() == 0; }                  // who writes and speaks
  [[nodiscard]] mgca::ProcessGroup& control() const { return *control_; }   // for tensors on the CPU
  [[nodiscard]] mgca::ProcessGroup& data() const { return data_ ? *data_ : *control_; }  // for those on the device

  // Returns when all ranks have said the same under every name. Throws Error(config) naming what differs from rank 0's.
  void agree(const std::map<std::string, std::string>& said) const;

 private:
  mgca::RankAddress address_;
  std::shared_ptr<mgca::RankStore> store_;
  std::unique_ptr<mgca::Watch> watch_;
  std::shared_ptr<mgca::ProcessGroup> control_, data_;
};

}  // namespace ranks
