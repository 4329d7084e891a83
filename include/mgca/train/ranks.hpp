// What a training run knows of the ranks it trains with, and what they tell each other from host to host.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/process_group.hpp>
#include <mgca/tensor/torch.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

// Both groups have the same ranks. `data` serves this loop alone: its sums begin in the middle of a backward pass, at moments that
// may differ from rank to rank, so a loss that gathers features needs a group of its own.
struct Ranks {
  ProcessGroup& data;     // of the parameters' device: gradients, statistics
  ProcessGroup& control;  // on the CPU: small exchanges, which wait for no device

  [[nodiscard]] int64_t rank() const { return control.rank(); }
  [[nodiscard]] int64_t size() const { return control.size(); }
};

// Every rank's text, in order of ranks.
[[nodiscard]] inline std::vector<std::string> gather_texts(ProcessGroup& control, std::string_view mine) {
  const auto lengths = control.gather(torch::tensor({static_cast<int64_t>(mine.size())}));
  const auto longest = lengths.max().item<int64_t>();
  std::vector<std::string> texts(static_cast<std::size_t>(control.size()));
  if (longest == 0) return texts;
  auto padded = torch::zeros({1, longest}, torch::kUInt8);
  std::memcpy(padded.mutable_data_ptr<uint8_t>(), mine.data(), mine.size());
  const auto all = control.gather(padded);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    texts[i].assign(reinterpret_cast<const char*>(all.const_data_ptr<uint8_t>()) + index * longest, static_cast<std::size_t>(lengths[index].item<int64_t>()));
  }
  return texts;
}

// Rank 0's bytes, on every rank; what the others pass is not looked at.
[[nodiscard]] inline std::vector<std::byte> copy_bytes(ProcessGroup& control, std::vector<std::byte> bytes) {
  auto size = torch::tensor({static_cast<int64_t>(bytes.size())});
  control.copy(size, 0);
  bytes.resize(static_cast<std::size_t>(size.item<int64_t>()));
  constexpr std::size_t kPiece = std::size_t{1} << 28;  // what one operation carries
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    const auto piece = std::span(bytes).subspan(at, std::min(kPiece, bytes.size() - at));
    control.copy(torch::from_blob(piece.data(), {static_cast<int64_t>(piece.size())}, torch::kUInt8), 0);
  }
  return bytes;
}

// Does any rank say yes?
[[nodiscard]] inline bool any_rank(Ranks* ranks, bool mine) {
  if (ranks == nullptr) return mine;
  auto said = torch::tensor({int64_t{mine}});
  ranks->control.sum(said);
  return said.item<int64_t>() > 0;
}

// Does the same on every rank at once, something that may fail on one of them alone and in which they do not meet. Where it failed on
// some, all throw: these what it threw, the others Error(system) with the first of their messages. No ranks: calls it.
template <class Call>
void on_all_or_none(Ranks* ranks, Call&& call) {
  if (ranks == nullptr) return call();
  std::exception_ptr mine;
  std::string said;
  try {
    call();
  } catch (const std::exception& error) {
    mine = std::current_exception();
    said = error.what();
  } catch (...) {
    mine = std::current_exception();
  }
  if (!any_rank(ranks, mine != nullptr)) return;
  const auto texts = gather_texts(ranks->control, mine ? "!" + said : "");
  if (mine) std::rethrow_exception(mine);
  const auto failed = std::find_if(texts.begin(), texts.end(), [](const auto& text) { return !text.empty(); });
  fail(ErrorKind::system, "rank ", failed - texts.begin(), " failed: ", failed->substr(1));
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

}  // namespace mgca
