// Processes that train one model together, and what they do at once: sums, copies, and rows laid one after another.
// All ranks of a group call the same operations in the same order, on tensors of one shape and type.
// Stands on libtorch's c10d (Gloo on the CPU, NCCL between GPUs); tensor/distributed.cpp, which mgca::distributed compiles into a program,
// is the only file that knows it.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/ranks.hpp>
#include <mgca/tensor/torch.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace mgca {

// An operation under way. Its tensors may be read, and written, only after wait().
class Collective {
 public:
  Collective() = default;
  explicit Collective(std::function<void()> wait) : wait_(std::move(wait)) {}
  void wait() {
    if (auto wait = std::exchange(wait_, nullptr)) wait();
  }

 private:
  std::function<void()> wait_;
};

// What a failure throws is Error(system); afterwards the group is of no more use, and its destructor waits for nobody.
class ProcessGroup {
 public:
  ProcessGroup() = default;
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;
  virtual ~ProcessGroup() = default;

  [[nodiscard]] virtual int64_t rank() const = 0;
  [[nodiscard]] virtual int64_t size() const = 0;

  // In place, contiguous tensors. On a GPU wait() orders the work of the current stream and does not hold up the host.
  [[nodiscard]] virtual Collective start_sum(const Tensor& tensor) = 0;
  [[nodiscard]] virtual Collective start_copy(const Tensor& tensor, int64_t from) = 0;
  // Rows of all ranks in their order: (n, ...) of each to (size n, ...), which is `all`.
  [[nodiscard]] virtual Collective start_gather(const Tensor& mine, const Tensor& all) = 0;

  void sum(const Tensor& tensor) { start_sum(tensor).wait(); }
  void copy(const Tensor& tensor, int64_t from) { start_copy(tensor, from).wait(); }
  [[nodiscard]] Tensor gather(const Tensor& mine) {
    auto shape = mine.sizes().vec();
    MGCA_CHECK(!shape.empty(), "process group: a number has no rows to gather; give it a dimension");
    shape[0] *= size();
    auto all = torch::empty(shape, mine.options().requires_grad(false));
    start_gather(mine.contiguous(), all).wait();
    return all;
  }
  // No rank comes back before all have called. Of groups on the CPU: those of GPUs hold up no host.
  void barrier() {
    auto nothing = torch::zeros({1});
    sum(nothing);
  }
};

struct ProcessGroupOptions {
  // Of one operation; who is dead is noticed sooner, by `check`. A stop of the process, as by Ctrl-Z, uses up nothing of it on the CPU; NCCL counts it.
  std::chrono::milliseconds timeout{std::chrono::minutes(30)};
  std::function<void()> check;  // called ten times a second while the host waits, and after a failure until it throws: the name of what is lost
  std::string name;             // tells groups of the same ranks apart; the same on all of them
};

// A meeting place that this process keeps for other processes of its host, on a free port: ranks that it starts find it at 127.0.0.1, hosted.
struct HostedStore {
  std::shared_ptr<RankStore> store;  // the place is there as long as this
  std::uint16_t port = 0;
};

namespace detail {
// In tensor/distributed.cpp.
[[gnu::weak]] HostedStore host_store(const std::string& round);
[[gnu::weak]] std::shared_ptr<RankStore> connect_store(const RankAddress& address, std::chrono::milliseconds timeout);
[[gnu::weak]] std::shared_ptr<ProcessGroup> connect_group(const std::shared_ptr<RankStore>& store, const RankAddress& address, torch::Device device,
                                                          const ProcessGroupOptions& options);
[[gnu::weak]] std::shared_ptr<RankStore> local_store();

inline void require_distributed(bool there) {
  MGCA_CHECK(there, "process group: this program was built without it; link mgca::distributed");
}
}  // namespace detail

// Joins the others at the meeting place. Throws Error(system) where it is out of reach for so long.
[[nodiscard]] inline std::shared_ptr<RankStore> connect_store(const RankAddress& address, std::chrono::milliseconds timeout) {
  detail::require_distributed(detail::connect_store != nullptr);
  return detail::connect_store(address, timeout);
}

// `round` is the ranks' address.round. Throws Error(system).
[[nodiscard]] inline HostedStore host_store(const std::string& round) {
  detail::require_distributed(detail::host_store != nullptr);
  return detail::host_store(round);
}

// A store for ranks that are threads of this process, as in tests.
[[nodiscard]] inline std::shared_ptr<RankStore> local_store() {
  detail::require_distributed(detail::local_store != nullptr);
  return detail::local_store();
}

// A group on a store that connect_store or local_store made: for tensors on the CPU by Gloo, for those of the given GPU by NCCL. By Gloo it returns when all ranks are there; NCCL connects at the first operation.
[[nodiscard]] inline std::shared_ptr<ProcessGroup> connect_group(const std::shared_ptr<RankStore>& store, const RankAddress& address, torch::Device device,
                                                                 const ProcessGroupOptions& options = {}) {
  detail::require_distributed(detail::connect_group != nullptr);
  MGCA_CHECK(address.world > 0 && address.rank >= 0 && address.rank < address.world, "process group: expected a rank of 0 to world - 1, got rank ",
             address.rank, " of world ", address.world);
  return detail::connect_group(store, address, device, options);
}

}  // namespace mgca
