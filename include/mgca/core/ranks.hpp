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
  [[nodiscard]] std::uint16_t port(std::string_view beside) const { return static_cast<std::uint16_t>(number("MASTER_PORT", beside, 1, 65535)); }

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
  address.port = v.port("RANK");
  if (const auto hosted = v.find("TORCHELASTIC_USE_AGENT_STORE")) {
    if (*hosted != "True" && *hosted != "False") fail(ErrorKind::config, "ranks: TORCHELASTIC_USE_AGENT_STORE is '", *hosted, "'; expected True or False");
    address.hosted = *hosted == "True";
  }
  address.round = v.find("TORCHELASTIC_RUN_ID").value_or("");  // TORCHELASTIC_RESTART_COUNT may differ between hosts
  return address;
}

// Where rank 0 keeps the meeting place of a job, unless MASTER_PORT says otherwise: below the ports that systems hand out, and seldom that of another job.
[[nodiscard]] inline std::uint16_t port_of_job(std::uint64_t job) { return static_cast<std::uint16_t>(20000 + job % 10000); }

// As srun sets them for the tasks of a step. Rank 0 is on the first host of the list and keeps the meeting place there.
[[nodiscard]] inline RankAddress slurm_address(const RankVariables& v, std::int64_t tasks) {
  if (v.has("SLURM_PTY_PORT")) {
    fail(ErrorKind::config, "ranks: srun began ", tasks, " tasks with a terminal (SLURM_PTY_PORT), which the first alone has; expected a step without --pty; leave --pty away, or, ",
         "where this is a shell, unset SLURM_STEP_ID to train from it");
  }
  RankAddress address{.rank = v.number("SLURM_PROCID", "SLURM_STEP_ID", 0, tasks - 1), .world = tasks};
  address.local_rank = v.number("SLURM_LOCALID", "SLURM_PROCID", 0, address.rank);
  const auto step = v.number("SLURM_STEP_ID", "SLURM_PROCID", 0, INT64_MAX), job = v.number("SLURM_JOB_ID", "SLURM_PROCID", 0, INT64_MAX);
  address.round = std::to_string(job) + "." + std::to_string(step);
  const auto lists = {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_LAUNCH_NODE_IPADDR"};
  const auto list = std::find_if(lists.begin(), lists.end(), [&](const auto* name) { return v.has(name); });
  if (!v.has("MASTER_ADDR") && v.find("SLURM_DISTRIBUTION").value_or("").starts_with("arbitrary")) {
    fail(ErrorKind::config, "ranks: SLURM_DISTRIBUTION is arbitrary, so rank 0 may be on any host, and MASTER_ADDR is not set; set it to that host, or take another --distribution");
  }
  if (const auto host = v.find("MASTER_ADDR")) address.host = *host;
  else if (list != lists.end()) address.host = first_host(*list, *v.find(*list));
  else address.host = v.text("SLURM_JOB_NODELIST", "SLURM_PROCID");
  const auto number = static_cast<std::uint64_t>(job % 10000 + 997 * (step % 10000));  // steps of one job differ
  address.port = v.has("MASTER_PORT") ? v.port("SLURM_PROCID") : port_of_job(number);
  return address;
}

// What mpirun calls the numbers of a process.
struct MpiNames {
  const char *rank, *world, *local_rank, *local_world;
};
inline constexpr MpiNames kOpenMpi{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"};
inline constexpr MpiNames kHydra{"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"};  // that of MPICH and of Intel MPI

// As mpirun sets them, which names no hosts and, but for Open MPI's, no job.
[[nodiscard]] inline RankAddress mpi_address(const RankVariables& v, const MpiNames& names) {
  RankAddress address;
  address.world = v.number(names.world, names.local_rank, 1, kMostRanks);
  address.rank = v.number(names.rank, names.local_rank, 0, address.world - 1);
  address.local_rank = v.number(names.local_rank, names.rank, 0, address.rank);
  if (address.world == 1) return address;
  const bool one_host = v.has(names.local_world) && v.number(names.local_world, names.rank, 1, address.world) == address.world;
  if (v.has("MASTER_ADDR") || !one_host) address.host = v.text("MASTER_ADDR", names.rank);
  const auto job = v.find("PMIX_NAMESPACE");
  address.round = job.value_or("");
  std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a
  for (const unsigned char c : address.round) hash = (hash ^ c) * 0x100000001B3ULL;
  address.port = v.has("MASTER_PORT") || !job ? v.port(names.rank) : port_of_job(hash);
  return address;
}

}  // namespace detail

// Which rank the environment says this process is: torchrun's variables (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, LOCAL_RANK), else those of mpirun, which
// srun may have started, else those of srun for a step of several tasks. MASTER_ADDR and MASTER_PORT say where ranks meet; srun needs neither, and mpirun of
// Open MPI neither on one host. Nothing: it was started alone. A batch script has variables of Slurm too; it is no step. Throws Error(config) where variables
// are half set or contradict each other, naming variable, value and what was expected.
// References: PyTorch, torch.distributed "Environment variable initialization" and torchrun's "Environment Variables"; Slurm, srun "OUTPUT ENVIRONMENT
// VARIABLES"; Open MPI, "Running MPI jobs", OMPI_COMM_WORLD_*; Intel MPI, MPI_LOCALRANKID and MPI_LOCALNRANKS.
[[nodiscard]] inline std::optional<RankAddress> rank_address(const RankLookup& lookup) {
  const detail::RankVariables variables(lookup);
  if (variables.has("RANK") || variables.has("WORLD_SIZE")) return detail::torchrun_address(variables);
  for (const auto& names : {detail::kOpenMpi, detail::kHydra}) {
    if (!variables.has(names.local_rank)) continue;
    const auto address = detail::mpi_address(variables, names);
    return address.world == 1 ? std::nullopt : std::optional(address);
  }
  if (!variables.has("SLURM_STEP_ID") || !variables.has("SLURM_PROCID")) return std::nullopt;
  const auto tasks = variables.number(variables.has("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS", "SLURM_PROCID", 1, detail::kMostRanks);
  if (tasks == 1) return std::nullopt;
  return detail::slurm_address(variables, tasks);
}

}  // namespace mgca
