// Ranks that notice each other's end: each shows signs of life at the meeting place, and one that shows none, or goes, is named to all.
// A rank watches the next one alone and reads what was told of any: the place is asked the same few things by each, however many they are.
// Time is counted only while this process runs: neither a clock that jumps nor a machine that was paused makes anybody lose anybody.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/ranks.hpp>
#include <mgca/core/running_time.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace mgca {

// Tells all ranks that one of them is lost; `how` completes "rank R lost: ". Of several such words the first counts, since the others may follow from it.
// Throws Error(system).
inline void tell_lost(RankStore& store, std::int64_t rank, const std::string& how) {
  if (store.add("watch/told", 1) == 1) store.set("watch/lost", "rank " + std::to_string(rank) + " lost: " + how);
}
// What was told first. Throws Error(system).
[[nodiscard]] inline std::optional<std::string> told_lost(RankStore& store) { return store.find("watch/lost"); }

enum class Leaving : std::uint8_t {
  finished,  // its work is done
  failed,    // by an error of its own
};

struct WatchOptions {
  std::chrono::milliseconds timeout{std::chrono::seconds(30)};  // without a sign of life
  // Called once, on a thread of the watch, where a rank is lost and this one has not left `grace` later: it hangs, in a call of its GPU for example.
  std::function<void(const std::string& message)> on_lost;
  std::chrono::milliseconds grace{400};
  std::function<std::chrono::steady_clock::time_point()> now = &std::chrono::steady_clock::now;
};

namespace detail {

// What the threads of a watch share. It lives as long as any of them: one that hangs in a call to a place out of reach is left behind.
struct WatchState {
  using Duration = std::chrono::steady_clock::duration;

  WatchState(std::shared_ptr<RankStore> store_, RankAddress address_, WatchOptions options_)
      : store(std::move(store_)), address(std::move(address_)), options(std::move(options_)),
        period(std::min<Duration>(std::chrono::milliseconds(150), options.timeout / 16)) {}

  // Shows signs of life, reads those of the next rank and what was told, until this rank goes; then tells so.
  void ask() {
    try {
      while (look()) {
      }
      store->set("watch/end/" + std::to_string(address.rank), leaving == Leaving::finished ? "finished" : "failed");
      if (leaving == Leaving::failed && !anybody_lost()) tell_lost(*store, address.rank, "it ended with an error of its own; see its messages");
    } catch (const std::exception& error) {
      lose(unreachable() + ": " + error.what());
    }
    const std::lock_guard lock(mutex);
    silent = true;
    changed.notify_all();
  }

  // Counts the time this process runs; who stopped for longer than a few ticks was stopped as a whole, and nobody is to blame.
  void judge() {
    const auto tick = period / 4;
    RunningTime time(4 * tick, options.now);
    std::unique_lock lock(mutex);
    while (!left && lost.empty()) {
      changed.wait_for(lock, tick);
      running = time.read();
      if (running - answered > options.timeout) lost = unreachable() + ": no answer for " + seconds(options.timeout);
    }
    if (lost.empty() || !options.on_lost || changed.wait_for(lock, options.grace, [&] { return left; })) return;
    const auto message = lost;
    lock.unlock();
    options.on_lost(message);
  }

  std::shared_ptr<RankStore> store;
  const RankAddress address;
  const WatchOptions options;
  const Duration period;  // of signs and of looking for them

  std::mutex mutex;
  std::condition_variable changed;
  Duration running{};   // so long has this process run since the watch began
  Duration answered{};  // the store's last answer, on that clock
  std::string lost;     // who, and why; empty: nobody
  bool left = false;    // this rank
  Leaving leaving = Leaving::finished;
  bool silent = false;  // the store is not asked any more

 private:
  static std::string seconds(Duration duration) {
    const auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count() / 100;
    return std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + " s";
  }
  [[nodiscard]] std::string unreachable() const {
    const auto place = address.host + ":" + std::to_string(address.port);
    return address.hosted ? "whoever started the ranks is lost: the meeting place it keeps at " + place + " is out of reach; it has ended, or the network is cut"
                          : "rank 0 lost: the meeting place it keeps at " + place + " is out of reach; it has ended, or the network is cut";
  }
  [[nodiscard]] bool anybody_lost() {
    const std::lock_guard lock(mutex);
    return !lost.empty();
  }
  void lose(std::string message) {
    const std::lock_guard lock(mutex);
    if (lost.empty() && !left) lost = std::move(message);
    changed.notify_all();
  }

  // One round of signs. False when this rank goes.
  bool look() {
    const auto next = (address.rank + 1) % address.world;
    const auto life_of = [](std::int64_t rank) { return "watch/life/" + std::to_string(rank); };
    (void)store->add(life_of(address.rank), 1);
    const auto signs = store->add(life_of(next), 0);
    if (const auto told = told_lost(*store)) lose(*told);
    std::unique_lock lock(mutex);
    answered = running;
    if (std::exchange(signs_, signs) != signs || next == address.rank) seen_ = running;
    if (running - seen_ > options.timeout && lost.empty() && !left) {
      lock.unlock();
      const bool finished = store->find("watch/end/" + std::to_string(next)) == "finished";
      const std::string how = finished ? "it ended before the training was over" : "no sign of life for " + seconds(options.timeout);
      tell_lost(*store, next, how);
      lose(told_lost(*store).value_or("rank " + std::to_string(next) + " lost: " + how));
      lock.lock();
    }
    changed.wait_for(lock, period, [&] { return left; });
    return !left;
  }

  std::int64_t signs_ = 0;  // of the next rank, and when they last became more
  Duration seen_{};
};

}  // namespace detail

// One per rank that takes part. A rank that is killed, stopped or cut off is named to the others within the timeout and 0.6 s.
class Watch {
 public:
  // To be made when all have met (meeting.hpp): one that does not come is missed. The store is the watch's own connection, which no call elsewhere holds up.
  Watch(std::shared_ptr<RankStore> store, const RankAddress& address, WatchOptions options = {})
      : state_(std::make_shared<detail::WatchState>(std::move(store), address, std::move(options))), exceptions_(std::uncaught_exceptions()) {
    MGCA_CHECK(state_->options.timeout >= std::chrono::milliseconds(100), "watch: expected a timeout of at least 0.1 s, got ", state_->options.timeout.count(), " ms");
    MGCA_CHECK(address.rank >= 0 && address.rank < address.world, "watch: expected a rank of 0 to world - 1, got rank ", address.rank, " of world ", address.world);
    asking_ = std::thread([state = state_] { state->ask(); });
    judging_ = std::thread([state = state_] { state->judge(); });
  }
  // A rank that goes on the way of an exception has failed.
  ~Watch() { leave(std::uncaught_exceptions() > exceptions_ ? Leaving::failed : Leaving::finished); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Throws Error(system) that names who is lost.
  void check() const {
    const std::lock_guard lock(state_->mutex);
    if (!state_->lost.empty()) fail(ErrorKind::system, state_->lost);
  }

  // Tells the others how this rank goes, in at most a second, and stops watching. A failure after another rank was lost is that rank's, and not told again.
  void leave(Leaving how) noexcept {
    std::unique_lock lock(state_->mutex);
    if (std::exchange(state_->left, true)) return;
    state_->leaving = how;
    state_->changed.notify_all();
    const auto period = state_->period;
    // Who keeps the place stays until the others have read why the training ends.
    if (!state_->lost.empty() && !state_->address.hosted && state_->address.rank == 0) state_->changed.wait_for(lock, 2 * period, [] { return false; });
    const auto patience = state_->lost.empty() ? std::min<detail::WatchState::Duration>(std::chrono::seconds(1), state_->options.timeout) : 2 * period;
    const bool silent = state_->changed.wait_for(lock, patience, [&] { return state_->silent; });
    lock.unlock();
    judging_.join();
    silent ? asking_.join() : asking_.detach();
  }

 private:
  std::shared_ptr<detail::WatchState> state_;
  int exceptions_;
  std::thread asking_, judging_;
};

}  // namespace mgca
