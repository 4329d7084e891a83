// How ranks find together where some of them may have been started again: what a dead process left at the meeting place is not taken for a living one.
// Every process puts down a name of its own; rank 0 proposes the list of those it sees, again whenever one changes; each that finds its own name in the newest
// list answers; when all have answered one list, they go. Two hosts' launchers need not count their restarts alike.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/ranks.hpp>

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <thread>

namespace mgca {

namespace detail {

// No other process has it.
[[nodiscard]] inline std::string drawn_name() {
  std::random_device draw;
  std::string name;
  for (int i = 0; i < 4; ++i) name += (i == 0 ? "" : "-") + std::to_string(draw());
  return name;
}

class Meeting {
 public:
  Meeting(RankStore& store, const RankAddress& address, std::chrono::milliseconds patience)
      : store_(store), address_(address), patience_(patience), end_(std::chrono::steady_clock::now() + patience) {
    store_.set(name_key(address_.rank), name_);
  }

  // As rank 0.
  std::string lead() {
    std::string proposed, round;
    for (std::int64_t lists = 0;; pause()) {
      const auto names = all_names();
      if (names.empty()) continue;
      if (names != proposed) {
        proposed = names;
        round = name_ + "." + std::to_string(lists++);
        store_.set("meet/list", round + " " + proposed);
      }
      if (!all_answered(round)) continue;
      store_.set("meet/go/" + round, "yes");
      return round;
    }
  }

  std::string follow() {
    missing_ = 0;
    for (std::string answered;; pause()) {
      const auto list = store_.find("meet/list");
      if (!list || list->find(" " + std::to_string(address_.rank) + ":" + name_ + " ") == std::string::npos) continue;
      if (const auto round = list->substr(0, list->find(' ')); round != answered) {
        answered = round;
        store_.set(answer_key(round, address_.rank), "yes");
      }
      if (store_.find("meet/go/" + answered)) return answered;
    }
  }

 private:
  static std::string name_key(std::int64_t rank) { return "meet/name/" + std::to_string(rank); }
  static std::string answer_key(const std::string& round, std::int64_t rank) { return "meet/answer/" + round + "/" + std::to_string(rank); }

  // "0:NAME 1:NAME ... "; empty where one is missing.
  std::string all_names() {
    std::string names;
    for (missing_ = 0; missing_ < address_.world; ++missing_) {
      const auto name = store_.find(name_key(missing_));
      if (!name) return {};
      names += std::to_string(missing_) + ":" + *name + " ";
    }
    return names;
  }
  bool all_answered(const std::string& round) {
    for (missing_ = 1; missing_ < address_.world; ++missing_) {
      if (!store_.find(answer_key(round, missing_))) return false;
    }
    return true;
  }
  void pause() const {
    if (std::chrono::steady_clock::now() > end_) {
      fail(ErrorKind::system, "ranks: rank ", missing_, " of ", address_.world, " did not come to ", address_.host, ":", address_.port, " in ", std::chrono::duration<double>(patience_).count(),
           " s; start all ranks with the same MASTER_ADDR and MASTER_PORT, and see why that one ended");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  RankStore& store_;
  const RankAddress& address_;
  std::chrono::milliseconds patience_;
  std::chrono::steady_clock::time_point end_;
  std::string name_ = drawn_name();
  std::int64_t missing_ = 0;  // the first rank that is waited for
};

}  // namespace detail

// Returns when all ranks are there: the same address for all, with a round that no other attempt at this place has, to connect anew. Throws Error(system)
// naming who did not come for so long.
[[nodiscard]] inline RankAddress meet(RankStore& store, RankAddress address, std::chrono::milliseconds patience) {
  detail::Meeting meeting(store, address, patience);
  const auto round = address.rank == 0 ? meeting.lead() : meeting.follow();
  address.round += "/" + round;
  return address;
}

}  // namespace mgca
