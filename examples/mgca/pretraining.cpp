// Pretraining in a run folder, alone or as a rank among others, and how it stops.
#include "beginning.hpp"
#include "narrator.hpp"
#include "ranks.hpp"
#include "start.hpp"
#include "study.hpp"

#include <mgca/data/fingerprint.hpp>
#include <mgca/nn/batch_norm.hpp>
#include <mgca/tasks/pretrain.hpp>
#include <mgca/train.hpp>

#include <csignal>
#include <cstdlib>
#include <map>
#include <string>

#include <ATen/Context.h>

namespace study {

namespace {
std::atomic<bool> g_stop = false;  // signal handlers can reach nothing but globals
std::atomic<int> g_signal = 0;

void on_signal(int signal) {
  if (g_stop.exchange(true)) std::_Exit(128 + signal);  // the second one does not wait; the last checkpoint is whole
  g_signal = signal;
}

}  // namespace

const std::atomic<bool>& stop_requested() { return g_stop; }
int signal_received() { return g_signal; }
void watch_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

void require_same(const StudyConfig& config, const std::filesystem::path& run) {
  const auto changed = differences(read_config(run / "config.json").without_paths(), config.without_paths());
  if (changed.empty()) return;
  std::string list;
  for (const auto& one : changed) list += "\n  " + one.path + ": the run has " + one.left + ", you ask for " + one.right;
  mgca::fail(mgca::ErrorKind::config, run.string(),
             ": a run with other options has begun there; choose another --out, or go on with its options by ",
             "--resume alone. What differs:", list);
}

namespace {

// Throws Error(config) where the model learns from labels and the data have none.
void require_labels(const Study& study) {
  if (!study.model->needs().labels || !study.data.label_names().empty()) return;
  mgca::fail(mgca::ErrorKind::config, "the model ", study.config.model.name, " learns from labels, and ", study.config.data.table.string(),
             " has none: give a folder of mgca prepare, or name a table and its columns (--set data.labels=labels.csv ",
             "--set 'data.label_columns=[\"Edema\"]')");
}

// Throws Error(config) where one rank's part of a batch could become smaller than the others'.
void require_equal_parts(const ranks::Team& team, const StudyConfig& config) {
  if (config.source.bad.policy != mgca::BadSamples::skip) return;
  mgca::fail(mgca::ErrorKind::config, "source.bad.policy is skip, which makes the batch of a picture that cannot be read one smaller; ", team.size(),
             " ranks need parts of one size: take replace or fail, or train with one process");
}

// What `make` makes of the study's table; an error of it names the table.
auto prepared(const Study& study, const auto& make) {
  try {
    return make();
  } catch (const mgca::Error& error) {
    const auto table = study.config.data.table.string();
    const std::string what = error.what();
    mgca::fail(error.kind(), what.find(table) == std::string::npos ? table + ": " : "", what, " (mgca check ", table, " lists every bad row)");
  }
}

// Throws Error(config) on every rank, naming what one of them has another of.
void require_same_everywhere(ranks::Team& team, const Study& study, const Manifest& manifest) {
  std::map<std::string, std::string> said{{"tables", mgca::data::fingerprint(study.data)},
                                          {"training pairs", std::to_string(manifest.train)},
                                          {"validation pairs", std::to_string(manifest.valid)},
                                          {"vocabulary", manifest.vocabulary},
                                          {"pack", manifest.pack},
                                          {"library", manifest.library}};
  for (const auto& [path, value] : options_by_path(study.config.without_paths())) said[path] = value;
  mgca::require_agreement(team.all(), said);
}

}  // namespace

RunOutcome pretrain(Study& study, const std::filesystem::path& run, const PretrainOptions& how) {
  const auto device = parse_device(how.device);
  auto* const team = how.team;
  const bool writes = team == nullptr || team->first();
  mgca::check_precision(study.config.fit.precision, device.type());
  if (writes) require_writable(run);
  require_labels(study);
  if (team != nullptr) require_equal_parts(*team, study.config);
  const auto train = study.split("train"), valid = study.split("valid");
  const auto train_source = prepared(study, [&] { return study.training_source(train); });
  const auto valid_source = prepared(study, [&] { return study.source(valid); });
  auto data_check = writes ? checked(study, run) : Checked{};
  if (team != nullptr) data_check.data = team->word_of_first(data_check.data);  // one rank looks at the pictures
  if (study.pack && study.reads_reports() && !train_source.tokens_from_pack()) {
    console::line("  " + study.pack->source() + " holds no tokens of this vocabulary and length; reports are cut anew");
  }
  Narrator narrator(how.lines);
  const auto sink = writes ? mgca::EventSink(std::ref(narrator)) : mgca::EventSink();
  auto loading = study.config.loader;
  loading.pinned = device.is_cuda();
  if (team != nullptr) loading.rank = team->rank(), loading.world = team->size();
  const mgca::Loader<Study::Source> batches(train_source, loading, sink);
  const mgca::Loader<Study::Source> held_out(valid_source,
                                             {.batch_size = study.config.loader.batch_size,
                                              .order = mgca::Order::as_stored,
                                              .last_batch = mgca::LastBatch::keep,
                                              .threads = study.config.loader.threads,
                                              .pinned = loading.pinned,
                                              .rank = loading.rank,
                                              .world = loading.world,
                                              .share = mgca::Share::batches},
                                             sink);
  study.model->to(device);
  mgca::PretrainTask task(study.model, team != nullptr ? &team->all().peers : nullptr);
  if (team != nullptr && study.config.synchronised_norms) mgca::nn::synchronise_batch_norms(*study.model, &team->all().peers);

  Manifest manifest{.library = version(),
                    .data = data_check.data,
                    .vocabulary = study.tokenizer.vocabulary().content_hash(),
                    .pack = study.pack ? study.pack->identity() : "",
                    .config = hex(mgca::config_hash(study.config.without_paths())),
                    .device = device.str(),
                    .train = train.size(),
                    .valid = valid.size(),
                    .bad = train_source.bad_samples().count() + valid_source.bad_samples().count(),
                    .threads = at::get_num_threads(),
                    .ranks = loading.world};
  for (const auto& p : study.model->parameters()) manifest.parameters += p.requires_grad() ? p.numel() : 0;
  if (team != nullptr) require_same_everywhere(*team, study, manifest);
  if (writes && has_begun(run)) {  // its checkpoints hold the weights
    manifest.start = read_manifest(run).start;
    require_same_start(study.config, manifest.start, run);
  } else if (writes) {  // the other ranks get them from rank 0
    manifest.start = load_start_weights(*study.model, study.config, manifest.vocabulary);
  }
  console::line("  " + std::to_string(train.size()) + " training and " + std::to_string(valid.size()) + " validation pairs, " +
                console::count(manifest.parameters) + " parameters, on " + device.str() + " in " + std::string(to_string(study.config.fit.precision)) +
                (team != nullptr ? ", " + std::to_string(team->size()) + " ranks" : ""));

  // Nothing was written so far; from here on the folder is ours.
  const auto lock = writes ? begin_in(run, study, manifest, data_check) : nullptr;

  auto options = study.config.fit;
  options.run = {.folder = run,
                 .identity = {{"config", manifest.config}, {"data", manifest.data}, {"vocabulary", manifest.vocabulary}},
                 .sink = sink,
                 .stop = &stop_requested(),
                 .lock = lock.get(),
                 .ranks = team != nullptr ? &team->all() : nullptr};
  mgca::History history(run / "history.csv");
  auto result = mgca::fit(task, batches, options, mgca::Validate(task, held_out, options.precision),
                          mgca::EarlyStop({.patience = study.config.patience}),
                          mgca::KeepBest(*study.model, {.path = run / "best.safetensors", .metadata = weights_metadata(study)}), history,
                          mgca::TensorBoard(run));
  narrator.finish();
  if (writes && options.epochs == 0) mgca::write_weights(run / "best.safetensors", {mgca::state_dict(*study.model), weights_metadata(study)});
  return {std::move(result), history.rows()};
}

}  // namespace study
