#include "rank_messages.hpp"

#include "console.hpp"

#include <mgca/core/rank_names.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace ranks {

namespace {

constexpr std::chrono::seconds kMoment{1};

bool said_by(const std::vector<std::int64_t>& ranks, std::int64_t rank) { return std::find(ranks.begin(), ranks.end(), rank) != ranks.end(); }

}  // namespace

void Messages::hear(std::int64_t rank, const std::string& line) {
  auto& error = errors_[static_cast<std::size_t>(rank)];
  if (!error.empty() || line.starts_with("mgca: ")) {
    error += (error.empty() ? "" : "\n") + line;
    return;
  }
  if (rank == 0) console::note(line);
  const auto same = std::find_if(lines_.begin(), lines_.end(), [&](const auto& one) { return one.text == line && !said_by(one.ranks, rank); });
  if (same != lines_.end()) same->ranks.push_back(rank);
  else lines_.push_back({.text = line, .ranks = {rank}, .since = Clock::now()});
}

void Messages::show_due() {
  while (!lines_.empty() && Clock::now() - lines_.front().since > kMoment) show_first();
}

void Messages::show_first() {
  const auto line = std::move(lines_.front());
  lines_.erase(lines_.begin());
  if (!said_by(line.ranks, 0)) show(line.text, line.ranks);
}

void Messages::end(const std::string& known) {
  while (!lines_.empty()) show_first();
  if (const auto error = error_of_all(); !error.empty()) return console::note(error);
  std::map<std::string, std::vector<std::int64_t>> who;
  for (std::size_t rank = 0; rank < errors_.size(); ++rank) {
    if (!errors_[rank].empty() && errors_[rank] != known) who[errors_[rank]].push_back(static_cast<std::int64_t>(rank));
  }
  for (const auto& [error, ranks] : who) show(error, ranks);
}

std::string Messages::error_of_all() const {
  const bool same = std::all_of(errors_.begin(), errors_.end(), [&](const auto& error) { return error == errors_.front(); });
  return same ? errors_.front() : std::string();
}

void Messages::show(const std::string& text, std::vector<std::int64_t> ranks) {
  std::sort(ranks.begin(), ranks.end());
  console::note(mgca::rank_names(ranks) + ": " + text);
}

}  // namespace ranks
