// Processes that train together: which of them this one is, where they meet, and the notice board they find there.
#pragma once

#include <mgca/core/error.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace mgca {

struct RankAddress {
  std::int64_t rank = 0;        // this process, from 0
  std::int64_t world = 1;       // of so many
  std::int64_t local_rank = 0;  // this process among those of its host: chooses its GPU
  std::string host = "127.0.0.1";
  std::uint16_t port = 29500;   // of the meeting place, on `host`
  bool hosted = false;          // somebody else keeps the meeting place there, as torchrun and our supervisor do; else rank 0 does
  std::string round;            // tells apart what meets at one place: jobs, and attempts of one (train/meeting.hpp)
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

// What a process was told by whoever started it: the value under a name, nothing where there is none. A program passes its environment.
using RankLookup = std::function<std::optional<std::string>(const std::string& name)>;

namespace detail {

// Environment variables of ranks, and what is wrong with them.
class RankVariables {
 public:
  explicit RankVariables(const RankLookup& lookup) : lookup_(lookup) {}

  // An empty variable is one that is not set.
  [[nodiscard]] std::optional<std::string> find(const std::string& name) const {
    auto value = lookup_(name);
    if (value && value->empty()) value.reset();
    return value;
  }
  [[nodiscard]] bool has(const std::string& name) const { return find(name).has_value(); }

  [[nodiscard]] std::string text(const std::string& name, std::string_view beside) const {
    auto value = find(name);
    if (!value) fail(ErrorKind::config, "ranks: ", beside, " is set and ", name, " is not; expected both, as whoever starts the ranks sets them: set ", name, ", or unset ", beside);
    return *std::move(value);
  }
  [[nodiscard]] std::int64_t number(const std::string& name, std::string_view beside, std::int64_t least, std::int64_t most) const {
    const auto value = text(name, beside);
    std::int64_t number = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (code != std::errc() || end != value.data() + value.size() || number < least || number > most) {
      fail(ErrorKind::config, "ranks: ", name, " is '", value, "'; expected a whole number from ", least, " to ", most, ", as whoever starts the ranks sets it");
    }
    return number;
  }

 private:
  const RankLookup& lookup_;
};

// The first name of a list as Slurm writes it: gpu[03-05,9],login is gpu03, rack[1-2]-n[07,08] is rack1-n07.
[[nodiscard]] inline std::string first_host(const std::string& name, std::string_view list) {
  std::string host;
  bool inside = false, taken = false;  // of brackets; the first of those in them
  for (const char c : list) {
    if (!inside && c == ',') break;
    if (c == '[' && !inside) inside = true, taken = false;
    else if (c == ']' && inside) inside = false;
    else if (inside && (c == ',' || c == '-')) taken = true;
    else if (!inside || !taken) host += c;
  }
  if (inside || host.empty() || host.find_first_of("[] \t") != std::string::npos) {
    fail(ErrorKind::config, "ranks: ", name, " is '", list, "'; expected host names as Slurm lists them, like gpu[03-05,9]; set MASTER_ADDR to the host of rank 0");
  }
  return host;
}

inline constexpr std::int64_t kMostRanks = 1'000'000;

// As torchrun, and everything else that starts ranks of PyTorch's env:// kind, sets them.
[[nodiscard]] inline RankAddress torchrun_address(const RankVariables& v) {
  RankAddress address;
  const bool ranked = v.has("RANK");
  address.world = v.number("WORLD_SIZE", "RANK", 1, kMostRanks);
  address.rank = v.number("RANK", ranked ? "RANK" : "WORLD_SIZE", 0, address.world - 1);
  if (v.has("LOCAL_RANK")) address.local_rank = v.number("LOCAL_RANK", "RANK", 0, address.rank);
  address.host = v.text("MASTER_ADDR", "RANK");
  address.port = static_cast<std::uint16_t>(v.number("MASTER_PORT", "RANK", 1, 65535));
  if (const auto hosted = v.find("TORCHELASTIC_USE_AGENT_STORE")) {
    if (*hosted != "True" && *hosted != "False") fail(ErrorKind::config, "ranks: TORCHELASTIC_USE_AGENT_STORE is '", *hosted, "'; expected True or False");
    address.hosted = *hosted == "True";
  }
  address.round = v.find("TORCHELASTIC_RUN_ID").value_or("");  // TORCHELASTIC_RESTART_COUNT may differ between hosts
  return address;
}

// As srun sets them for the tasks of a step. Rank 0 is on the first host of the list and keeps the meeting place there.
[[nodiscard]] inline RankAddress slurm_address(const RankVariables& v, std::int64_t tasks) {
  RankAddress address{.rank = v.number("SLURM_PROCID", "SLURM_STEP_ID", 0, tasks - 1), .world = tasks};
  address.local_rank = v.number("SLURM_LOCALID", "SLURM_PROCID", 0, address.rank);
  const auto step = v.number("SLURM_STEP_ID", "SLURM_PROCID", 0, INT64_MAX), job = v.number("SLURM_JOB_ID", "SLURM_PROCID", 0, INT64_MAX);
  address.round = std::to_string(job) + "." + std::to_string(step);
  const auto lists = {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_LAUNCH_NODE_IPADDR"};
  const auto list = std::find_if(lists.begin(), lists.end(), [&](const auto* name) { return v.has(name); });
  if (const auto host = v.find("MASTER_ADDR")) address.host = *host;
  else if (list != lists.end()) address.host = first_host(*list, *v.find(*list));
  else address.host = v.text("SLURM_JOB_NODELIST", "SLURM_PROCID");
  if (v.has("MASTER_PORT")) address.port = static_cast<std::uint16_t>(v.number("MASTER_PORT", "SLURM_PROCID", 1, 65535));
  else address.port = static_cast<std::uint16_t>(20000 + (job % 10000 + 997 * (step % 10000)) % 10000);  // below the ports that systems hand out; steps of one job differ
  return address;
}

}  // namespace detail

// Which rank the environment says this process is: torchrun's variables (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, LOCAL_RANK), else those of srun for a
// step of several tasks, which MASTER_ADDR and MASTER_PORT may send elsewhere. Nothing: it was started alone. A batch script has variables of Slurm too; it is
// no step. Throws Error(config) where variables are half set or contradict each other, naming variable, value and what was expected.
// References: PyTorch, torch.distributed "Environment variable initialization" and torchrun's "Environment Variables"; Slurm, srun "OUTPUT ENVIRONMENT VARIABLES".
[[nodiscard]] inline std::optional<RankAddress> rank_address(const RankLookup& lookup) {
  const detail::RankVariables variables(lookup);
  if (variables.has("RANK") || variables.has("WORLD_SIZE")) return detail::torchrun_address(variables);
  if (!variables.has("SLURM_STEP_ID") || !variables.has("SLURM_PROCID")) return std::nullopt;
  const auto tasks = variables.number(variables.has("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS", "SLURM_PROCID", 1, detail::kMostRanks);
  if (tasks == 1) return std::nullopt;
  return detail::slurm_address(variables, tasks);
}

}  // namespace mgca
