// A loop over 0 .. count-1 on several threads. It decides who computes, never what: a body writes only what belongs to
// its index and draws random numbers by address, so results do not depend on the number of threads.
// Threads live as long as the call, so there is no pool to configure, to share or to shut down.
#pragma once

#include <mgca/core/error.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace mgca {

struct ParallelOptions {
  std::int64_t threads = 0;  // 0: as many as the machine has
  std::int64_t grain = 1;    // indices a thread takes at a time
};

namespace detail {

inline thread_local bool in_parallel_loop = false;

// What the threads of one loop share.
class LoopState {
 public:
  LoopState(std::int64_t count, std::int64_t grain) : count_(count), grain_(grain) {}

  // Runs pieces until none is left or a step has failed. Pieces are handed out in order and finished once begun, up to
  // their first failure; so the failure at the lowest index is always among those seen, whatever the number of threads.
  template <class Step>
  void work(const Step& step) {
    const bool outer = std::exchange(in_parallel_loop, true);
    while (!failed_.load(std::memory_order_relaxed)) {
      const auto begin = next_.fetch_add(grain_, std::memory_order_relaxed);
      if (begin >= count_) break;
      run(step, begin, std::min(begin + grain_, count_));
    }
    in_parallel_loop = outer;
  }
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  template <class Step>
  void run(const Step& step, std::int64_t at, std::int64_t end) {
    try {
      for (; at < end; ++at) step(at);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failed_ = true;
      if (at < first_index_) {
        first_index_ = at;
        first_ = std::current_exception();
      }
    }
  }

  std::int64_t count_, grain_;
  std::atomic<std::int64_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::exception_ptr first_;
  std::int64_t first_index_ = std::numeric_limits<std::int64_t>::max();
};

}  // namespace detail

// The threads a loop of `count` steps will use: never more than pieces of work, and one inside another parallel loop.
[[nodiscard]] inline std::int64_t threads_for(std::int64_t count, const ParallelOptions& options = {}) {
  MGCA_CHECK(options.threads >= 0 && options.grain > 0, "parallel: expected 0 threads or more and a grain of 1 or more, got ",
             options.threads, " and ", options.grain);
  if (detail::in_parallel_loop) return 1;
  const auto wanted = options.threads > 0 ? options.threads : static_cast<std::int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  return std::clamp<std::int64_t>(count / options.grain + (count % options.grain != 0 ? 1 : 0), 1, wanted);
}

// Calls body(index), or body(index, thread) with thread in [0, threads_for(count, options)) for scratch memory, once for
// each index. The caller's thread works too; inside another parallel loop it works alone. Returns when all threads are
// done. If steps throw, no new ones begin, and the exception of the lowest index reaches the caller.
template <class Body>
  requires std::invocable<const Body&, std::int64_t> || std::invocable<const Body&, std::int64_t, std::int64_t>
void parallel_for(std::int64_t count, const Body& body, const ParallelOptions& options = {}) {
  MGCA_CHECK(count >= 0 && count <= std::numeric_limits<std::int64_t>::max() / 2, "parallel: expected 0 steps or more, got ", count);
  const auto threads = threads_for(count, options);
  detail::LoopState state(count, std::min(options.grain, std::max<std::int64_t>(count, 1)));
  const auto work = [&](std::int64_t thread) {
    state.work([&](std::int64_t index) {
      if constexpr (std::invocable<const Body&, std::int64_t, std::int64_t>) body(index, thread);
      else body(index);
    });
  };
  {
    std::vector<std::jthread> others;
    others.reserve(static_cast<std::size_t>(threads));
    try {
      for (std::int64_t thread = 1; thread < threads; ++thread) others.emplace_back(work, thread);
    } catch (const std::system_error&) {  // the machine has no more threads: those there are do it all
    }
    work(0);
  }
  state.rethrow();
}

}  // namespace mgca
