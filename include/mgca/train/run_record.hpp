// Where a run stands and what it is: the part of a checkpoint that is not tensors, and what a resume makes of a difference.
// Refused is what decides the result and is the user's to restore: configuration, data, options, hooks. Reported is what
// the run happens to work on: threads, device, ranks, library; it changes the last bits, and a lost machine must not end a run.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/event.hpp>
#include <mgca/version.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace mgca {

struct RunRecord {
  static constexpr int64_t kFormat = 2;

  int64_t format = kFormat;
  int64_t epoch = 0;   // the epoch to go on with
  int64_t batch = 0;   // batches of it already done
  int64_t step = 0;    // optimiser steps done
  std::map<std::string, std::string> identity;  // hashes of configuration, data, ... as the caller gave them
  std::map<std::string, std::string> options;   // what decides the result, as JSON
  std::map<std::string, std::string> hooks;     // each hook's own record, as JSON
  int64_t threads = 0;
  std::string device = "cpu";
  int64_t ranks = 1;
  bool finished = false;
  std::string library = std::to_string(MGCA_VERSION_MAJOR) + "." + std::to_string(MGCA_VERSION_MINOR) + "." + std::to_string(MGCA_VERSION_PATCH);

  static void describe(auto& self, auto&& field) {
    field("format", self.format, "version of this layout");
    field("epoch", self.epoch, "epoch to go on with");
    field("batch", self.batch, "batches of it already done");
    field("step", self.step, "optimiser steps done");
    field("identity", self.identity, "what must not have changed");
    field("options", self.options, "what decides the result");
    field("hooks", self.hooks, "each hook's own record");
    field("threads", self.threads, "compute threads; results depend on them in the last bit");
    field("device", self.device, "kind of device; results depend on it in the last bits");
    field("ranks", self.ranks, "processes that trained together; results depend on them in the last bits, and in all that is configured per rank");
    field("finished", self.finished, "no epoch is left");
    field("library", self.library, "version that wrote the file");
  }
};

namespace detail {

// One line per key whose values differ or that only one side has.
inline std::string differing_keys(const std::map<std::string, std::string>& saved, const std::map<std::string, std::string>& now) {
  std::set<std::string> keys;
  for (const auto& [key, value] : saved) keys.insert(key);
  for (const auto& [key, value] : now) keys.insert(key);
  const auto value_of = [](const auto& map, const std::string& key) {
    const auto it = map.find(key);
    return it == map.end() ? std::string("(absent)") : it->second;
  };
  std::string lines;
  for (const auto& key : keys) {
    const auto before = value_of(saved, key), after = value_of(now, key);
    if (before != after) lines += "\n  " + key + ": the checkpoint has " + before + ", this run " + after;
  }
  return lines;
}

}  // namespace detail

// Throws Error(config) with both values of everything a resumed run must share and does not. `where` names the run.
inline void require_same_run(const RunRecord& saved, const RunRecord& now, const std::string& where) {
  std::map<std::string, std::string> saved_hooks, hooks;  // only whether there is one: their content is theirs
  for (const auto& [name, record] : saved.hooks) saved_hooks["hook " + name] = "one";
  for (const auto& [name, record] : now.hooks) hooks["hook " + name] = "one";
  const auto differences = detail::differing_keys(saved.identity, now.identity) + detail::differing_keys(saved.options, now.options) +
                           detail::differing_keys(saved_hooks, hooks);
  if (!differences.empty()) fail(ErrorKind::config, where, ": its checkpoints belong to another run; choose another folder or restore these:", differences);
}

// Tells what a resumed run works on that the saved one did not: results can differ in the last bits.
inline void report_changes(const RunRecord& saved, const RunRecord& now, const EventSink& sink) {
  if (saved.threads != now.threads) emit(sink, "threads_changed", {{"saved", saved.threads}, {"now", now.threads}});
  if (saved.device != now.device) emit(sink, "device_changed", {{"saved", saved.device}, {"now", now.device}});
  if (saved.ranks != now.ranks) emit(sink, "ranks_changed", {{"saved", saved.ranks}, {"now", now.ranks}});
  if (saved.library != now.library) emit(sink, "library_changed", {{"saved", saved.library}, {"now", now.library}});
}

}  // namespace mgca
