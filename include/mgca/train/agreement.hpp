// How ranks do the same at once: one step, one stop, one error, one set of options and parameters.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/nn.hpp>
#include <mgca/tensor/state_dict.hpp>
#include <mgca/train/exchange.hpp>

#include <algorithm>
#include <cstdint>
#include <cstddef>
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

// Does any rank say yes? No ranks: what is said here.
[[nodiscard]] inline bool any_rank(Ranks* ranks, bool mine) {
  if (ranks == nullptr) return mine;
  auto said = torch::tensor({int64_t{mine}});
  ranks->control.sum(said);
  return *said.const_data_ptr<int64_t>() > 0;
}

// What a rank tells the others whenever they agree on something.
struct Standing {
  int64_t step = 0;   // the same on all ranks
  bool stop = false;  // it was asked to stop
};

struct OutOfStep : Error {
  using Error::Error;
};

// Does the same on every rank at once: something that may fail on one of them alone and in which they do not meet. Says whether any was
// asked to stop. Where the call failed on some, all throw: these what it threw, the others an Error of the same kind with its message.
// Throws OutOfStep, an Error(system), on all where they are not at one step. No ranks: calls it.
template <class Call>
bool on_all_or_none(Ranks* ranks, const Standing& standing, Call&& call) {
  if (ranks == nullptr) return call(), standing.stop;
  std::exception_ptr mine;
  std::string said;
  try {
    call();
  } catch (const Error& error) {
    mine = std::current_exception();
    said = std::string(1, static_cast<char>('0' + static_cast<int>(error.kind()))) + error.what();
  } catch (const std::exception& error) {
    mine = std::current_exception();
    said = std::string(1, static_cast<char>('0' + static_cast<int>(ErrorKind::system))) + error.what();
  } catch (...) {
    mine = std::current_exception();
    said = std::string(1, static_cast<char>('0' + static_cast<int>(ErrorKind::system))) + "for a reason it did not tell";
  }
  const auto all = ranks->control.gather(torch::tensor({standing.step, int64_t{standing.stop}, int64_t{mine != nullptr}}).view({1, 3}));
  const auto table = all.accessor<int64_t, 2>();
  bool stop = false, failed = false;
  std::string elsewhere;
  for (int64_t rank = 0; rank < ranks->size(); ++rank) {
    stop = stop || table[rank][1] != 0;
    failed = failed || table[rank][2] != 0;
    if (table[rank][0] != table[0][0]) elsewhere += "; rank " + std::to_string(rank) + " is at step " + std::to_string(table[rank][0]);
  }
  if (!elsewhere.empty()) {
    throw OutOfStep(ErrorKind::system, detail::join("fit: the ranks are out of step: rank 0 is at step ", table[0][0], elsewhere,
                                                    "; start all of them again, from one checkpoint"));
  }
  if (failed) {
    const auto texts = gather_texts(ranks->control, said);
    if (mine) std::rethrow_exception(mine);
    const auto first = std::find_if(texts.begin(), texts.end(), [](const auto& text) { return !text.empty(); });
    fail(static_cast<ErrorKind>((*first)[0] - '0'), "rank ", first - texts.begin(), " failed: ", first->substr(1));
  }
  return stop;
}

// Texts by name that must be the same everywhere. Throws Error(config) on every rank, naming each rank that has another one than rank 0.
inline void require_agreement(Ranks& ranks, const std::map<std::string, std::string>& mine) {
  std::string packed;
  for (const auto& [name, value] : mine) (packed += name + '\0') += value + '\0';
  const auto unpack = [](std::string_view text) {
    std::map<std::string, std::string> items;
    const auto next = [&] {
      const auto end = text.find('\0');
      std::string piece(text.substr(0, end));
      text.remove_prefix(end + 1);
      return piece;
    };
    while (!text.empty()) {
      auto name = next();
      items[std::move(name)] = next();
    }
    return items;
  };
  const auto texts = gather_texts(ranks.control, packed);
  const auto first = unpack(texts[0]);
  const auto value_of = [](const auto& items, const std::string& name) {
    const auto it = items.find(name);
    return it == items.end() ? std::string("(absent)") : it->second;
  };
  std::string differences;
  for (std::size_t rank = 1; rank < texts.size(); ++rank) {
    if (texts[rank] == texts[0]) continue;
    const auto other = unpack(texts[rank]);
    auto all = first;
    all.insert(other.begin(), other.end());
    for (const auto& [name, unused] : all) {
      const auto there = value_of(other, name), here = value_of(first, name);
      if (there != here) differences += "\n  " + name + ": rank " + std::to_string(rank) + " has " + there + ", rank 0 " + here;
    }
  }
  if (!differences.empty()) fail(ErrorKind::config, "fit: the ranks do not agree; start all of them with the same configuration, data and library:", differences);
}

// Rank 0's parameters and buffers, to all.
inline void copy_state(torch::nn::Module& module, Ranks& ranks) {
  const torch::NoGradGuard no_grad;
  std::vector<std::pair<Tensor, Tensor>> copies;  // what is to be set, and what travels
  std::vector<Collective> under_way;
  for (const auto& [name, value] : state_dict(module)) {
    if (value.numel() == 0) continue;
    auto& [to, from] = copies.emplace_back(value.detach(), value.detach().contiguous());
    under_way.push_back(ranks.data.start_copy(from.reshape({-1}).view(torch::kUInt8), 0));
  }
  for (auto& one : under_way) one.wait();
  for (auto& [to, from] : copies) to.copy_(from);
}

// Throws Error(system) on all ranks, naming those whose parameters are not rank 0's to the last bit. One number a parameter is compared, and waited for.
inline void require_same_parameters(const torch::nn::Module& module, Ranks& ranks, const std::string& when) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> sums;
  for (const auto& parameter : module.parameters()) {
    const auto type = parameter.element_size() == 8 ? torch::kInt64 : parameter.element_size() == 4 ? torch::kInt32 : torch::kInt16;
    const auto bits = parameter.detach().contiguous().view(type).to(torch::kInt64);
    sums.push_back((bits * (bits + 40503)).sum());  // one bit more here and one less there must not cancel
  }
  const auto all = ranks.control.gather(torch::stack(sums).cpu().unsqueeze(0));
  const auto number = all.accessor<int64_t, 2>();
  std::string others;
  for (int64_t rank = 1; rank < ranks.size(); ++rank) {
    std::string first;
    int64_t different = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const auto place = static_cast<int64_t>(i);
      if (number[rank][place] != number[0][place] && different++ == 0) first = module.named_parameters()[i].key();
    }
    if (different == 0) continue;
    others += (others.empty() ? "rank " : "; rank ") + std::to_string(rank) + " in " + std::to_string(different) + " of them, first '" + first + "'";
  }
  if (!others.empty()) fail(ErrorKind::system, "fit: ", when, " the ranks no longer hold the same parameters as rank 0: ", others, "; go on from the last checkpoint");
}

}  // namespace mgca
