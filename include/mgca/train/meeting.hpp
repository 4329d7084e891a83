// How ranks find together where some of them may have been started again: what a dead process left at the meeting place is not taken for a living one.
// Every process puts down a name of its own; rank 0 proposes the list of those it sees, again whenever one changes; each that finds its own name in the newest
// list answers; when all have answered one list, they go. Two hosts' launchers need not count their restarts alike.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/event.hpp>
#include <mgca/core/rank_names.hpp>
#include <mgca/core/ranks.hpp>
#include <mgca/core/running_time.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace mgca {

struct MeetingOptions {
  std::chrono::milliseconds patience{std::chrono::minutes(5)};  // of this process while it runs; hosts of a cluster do not begin at the same moment
  EventSink sink;  // waiting_for_ranks after a tenth of the patience, and again after 2, 4 and 8 tenths: who is missing, in words, and the seconds so far
};

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
  Meeting(RankStore& store, const RankAddress& address, const MeetingOptions& options) : store_(store), address_(address), options_(options) {
    store_.set(name_key(address_.rank), name_);
  }

  // As rank 0.
  std::string lead() {
    std::string proposed;
    for (std::int64_t lists = 0;; pause()) {
      const auto names = all_names();
      if (names.empty()) continue;
      if (names != proposed) {
        proposed = names;
        round_ = name_ + "." + std::to_string(lists++);
        store_.set("meet/list", round_ + " " + proposed);
      }
      if (!unanswered(round_).empty()) continue;
      store_.set(go_key(round_), "yes");
      return round_;
    }
  }

  std::string follow() {
    for (;; pause()) {
      const auto round = own_round();
      if (round.empty()) continue;
      if (round != round_) {
        round_ = round;
        store_.set(answer_key(round_, address_.rank), "yes");
      }
      if (store_.find(go_key(round_))) return round_;
    }
  }

 private:
  static std::string name_key(std::int64_t rank) { return "meet/name/" + std::to_string(rank); }
  static std::string answer_key(const std::string& round, std::int64_t rank) { return "meet/answer/" + round + "/" + std::to_string(rank); }
  static std::string go_key(const std::string& round) { return "meet/go/" + round; }

  // "0:NAME 1:NAME ... "; empty where one is missing.
  std::string all_names() {
    std::string names;
    for (std::int64_t rank = 0; rank < address_.world; ++rank) {
      const auto name = store_.find(name_key(rank));
      if (!name) return {};
      names += std::to_string(rank) + ":" + *name + " ";
    }
    return names;
  }
  // Of the newest list, where this process is in it.
  std::string own_round() {
    const auto list = store_.find("meet/list");
    const bool listed = list && list->find(" " + std::to_string(address_.rank) + ":" + name_ + " ") != std::string::npos;
    return listed ? list->substr(0, list->find(' ')) : std::string();
  }
  std::vector<std::int64_t> unanswered(const std::string& round) {
    std::vector<std::int64_t> ranks;
    for (std::int64_t rank = 1; rank < address_.world; ++rank) {
      if (!store_.find(answer_key(round, rank))) ranks.push_back(rank);
    }
    return ranks;
  }
  // Who has put down no name. Where all have: who has not answered the newest list. Else rank 0, which has a name to list or a word to give, or has died.
  std::vector<std::int64_t> missing() {
    std::vector<std::int64_t> ranks;
    for (std::int64_t rank = 0; rank < address_.world; ++rank) {
      if (!store_.find(name_key(rank))) ranks.push_back(rank);
    }
    if (!ranks.empty()) return ranks;
    const bool leads = address_.rank == 0;
    const bool listed = !round_.empty() && (leads || store_.find("meet/list") == round_ + " " + all_names());
    if (listed) ranks = unanswered(round_);
    if (ranks.empty() && !leads && !store_.find(go_key(round_))) ranks.push_back(0);
    return ranks;
  }

  void pause() {
    const auto waited = time_.read();
    if (waited > options_.patience) give_up();
    else if (waited > next_word_) tell(std::chrono::duration<double>(waited).count());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  void give_up() {
    const auto ranks = missing();
    if (ranks.empty()) return;  // they have come just now
    fail(ErrorKind::system, "meeting: ", rank_names(ranks), " of ", address_.world, " did not come to ", address_.host, ":", address_.port, " in ",
         std::chrono::duration<double>(options_.patience).count(), " s; start all ranks with the same MASTER_ADDR and MASTER_PORT, and see why they ended");
  }
  // The first rank that is there tells it for all.
  void tell(double seconds) {
    next_word_ *= 2;
    const auto ranks = missing();
    std::int64_t first = 0;
    while (std::find(ranks.begin(), ranks.end(), first) != ranks.end()) ++first;
    if (!ranks.empty() && first == address_.rank) emit(options_.sink, "waiting_for_ranks", {{"missing", rank_names(ranks)}, {"seconds", seconds}});
  }

  RankStore& store_;
  const RankAddress& address_;
  const MeetingOptions& options_;
  RunningTime time_{std::chrono::seconds(1)};
  RunningTime::Clock::duration next_word_ = options_.patience / 10;
  std::string name_ = drawn_name();
  std::string round_;  // of the newest list that this process proposed, or answered
};

}  // namespace detail

// Returns when all ranks are there: the same address for all, with a round that no other attempt at this place has, to connect anew. Throws Error(system)
// naming who did not come for so long.
[[nodiscard]] inline RankAddress meet(RankStore& store, RankAddress address, const MeetingOptions& options) {
  detail::Meeting meeting(store, address, options);
  const auto round = address.rank == 0 ? meeting.lead() : meeting.follow();
  address.round += "/" + round;
  return address;
}

}  // namespace mgca
