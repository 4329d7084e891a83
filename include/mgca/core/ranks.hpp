// Processes that train together: which of them this one is, where they meet, and the notice board they find there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mgca {

struct RankAddress {
  std::int64_t rank = 0;        // this process, from 0
  std::int64_t world = 1;       // of so many
  std::int64_t local_rank = 0;  // this process among those of its host: chooses its GPU
  std::string host = "127.0.0.1";
  std::uint16_t port = 29500;   // of the meeting place, on `host`
  bool hosted = false;          // somebody else keeps the meeting place there, as torchrun and our supervisor do; else rank 0 does
  std::string round;            // tells attempts apart that meet at one place: torchrun's restarts, ours
};

// Small texts under names, which all ranks read and write.
// Any thread may use it. What it throws is Error(system): the place is out of reach.
class RankStore {
 public:
  RankStore() = default;
  RankStore(const RankStore&) = delete;
  RankStore& operator=(const RankStore&) = delete;
  virtual ~RankStore() = default;

  virtual void set(const std::string& key, const std::string& value) = 0;
  [[nodiscard]] virtual std::optional<std::string> find(const std::string& key) = 0;  // nothing: not set yet
  virtual std::int64_t add(const std::string& key, std::int64_t amount) = 0;          // what the number under the key has become; it begins at 0
};

}  // namespace mgca
