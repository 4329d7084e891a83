// Pretraining in a run folder, alone or as a rank among others, and how it stops.
#include "beginning.hpp"
#include "narrator.hpp"
#include "ranks.hpp"
#include "start.hpp"
#include "study.hpp"

#include <mgca/data/fingerprint.hpp>
#include <mgca/tasks/pretrain.hpp>
#include <mgca/train.hpp>

#include <csignal>
#include <cstdlib>

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

RunOutcome pretrain(Study& study, const std::filesystem::path& run, const std::string& device_name, Lines lines) {
  const auto device = parse_device(device_name);
  mgca::check_precision(study.config.fit.precision, device.type());
  require_writable(run);
  if (study.model->needs().labels && study.data.label_names().empty()) {
    mgca::fail(mgca::ErrorKind::config, "the model ", study.config.model.name, " learns from labels, and ", study.config.data.table.string(),
               " has none: give a folder of mgca prepare, or name a table and its columns (--set data.labels=labels.csv ",
               "--set 'data.label_columns=[\"Edema\"]')");
  }
  const auto train = study.split("train"), valid = study.split("valid");
  const auto prepared = [&](const auto& make) {
    try {
      return make();
    } catch (const mgca::Error& error) {
      const auto table = study.config.data.table.string();
      const std::string what = error.what();
      mgca::fail(error.kind(), what.find(table) == std::string::npos ? table + ": " : "", what, " (mgca check ", table,
                 " lists every bad row)");
    }
  };
  const auto train_source = prepared([&] { return study.training_source(train); });
  const auto valid_source = prepared([&] { return study.source(valid); });
  const auto data_check = checked(study, run);
  if (study.pack && study.reads_reports() && !train_source.tokens_from_pack()) {
    console::line("  " + study.pack->source() + " holds no tokens of this vocabulary and length; reports are cut anew");
  }
  Narrator narrator(lines);
  auto loading = study.config.loader;
  loading.pinned = device.is_cuda();
  const mgca::Loader<Study::Source> batches(train_source, loading, std::ref(narrator));
  const mgca::Loader<Study::Source> held_out(valid_source,
                                             {.batch_size = study.config.loader.batch_size,
                                              .order = mgca::Order::as_stored,
                                              .last_batch = mgca::LastBatch::keep,
                                              .threads = study.config.loader.threads,
                                              .pinned = device.is_cuda()},
                                             std::ref(narrator));
  study.model->to(device);
  mgca::PretrainTask task(study.model);

  Manifest manifest{.library = version(),
                    .data = data_check.data,
                    .vocabulary = study.tokenizer.vocabulary().content_hash(),
                    .pack = study.pack ? study.pack->identity() : "",
                    .config = hex(mgca::config_hash(study.config.without_paths())),
                    .device = device.str(),
                    .train = train.size(),
                    .valid = valid.size(),
                    .bad = train_source.bad_samples().count() + valid_source.bad_samples().count(),
                    .threads = at::get_num_threads()};
  for (const auto& p : study.model->parameters()) manifest.parameters += p.requires_grad() ? p.numel() : 0;
  if (has_begun(run)) {  // its checkpoints hold the weights
    manifest.start = read_manifest(run).start;
    require_same_start(study.config, manifest.start, run);
  } else {
    manifest.start = load_start_weights(*study.model, study.config, manifest.vocabulary);
  }
  console::line("  " + std::to_string(train.size()) + " training and " + std::to_string(valid.size()) + " validation pairs, " +
                console::count(manifest.parameters) + " parameters, on " + device.str() + " in " +
                std::string(to_string(study.config.fit.precision)));

  // Nothing was written so far; from here on the folder is ours.
  const auto lock = begin_in(run, study, manifest, data_check);

  auto options = study.config.fit;
  options.run = {.folder = run,
                 .identity = {{"config", manifest.config}, {"data", manifest.data}, {"vocabulary", manifest.vocabulary}},
                 .stop = &stop_requested(),
                 .lock = lock.get()};
  options.run.sink = std::ref(narrator);
  mgca::History history(run / "history.csv");
  auto result = mgca::fit(task, batches, options, mgca::Validate(task, held_out, options.precision),
                          mgca::EarlyStop({.patience = study.config.patience}),
                          mgca::KeepBest(*study.model, {.path = run / "best.safetensors", .metadata = weights_metadata(study)}), history,
                          mgca::TensorBoard(run));
  narrator.finish();
  if (options.epochs == 0) mgca::write_weights(run / "best.safetensors", {mgca::state_dict(*study.model), weights_metadata(study)});
  return {std::move(result), history.rows()};
}

}  // namespace study
