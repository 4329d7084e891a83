// Pretraining in a run folder: what is checked, what is written, what is told, how it stops.
#include "start.hpp"
#include "study.hpp"

#include <mgca/data/audit.hpp>
#include <mgca/data/fingerprint.hpp>
#include <mgca/data/split.hpp>
#include <mgca/tasks/pretrain.hpp>
#include <mgca/train.hpp>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <unistd.h>

#include <ATen/Context.h>

namespace study {

namespace {
std::atomic<bool> g_stop = false;  // signal handlers can reach nothing but globals
std::atomic<int> g_signal = 0;

void on_signal(int signal) {
  if (g_stop.exchange(true)) std::_Exit(128 + signal);  // the second one does not wait; the last checkpoint is whole
  g_signal = signal;
}

// Throws Error(system) before any work is done; makes nothing.
void require_writable(const std::filesystem::path& run) {
  auto folder = std::filesystem::absolute(run).lexically_normal();
  while (!folder.has_filename() || !std::filesystem::exists(folder)) {
    if (folder == folder.parent_path()) break;
    folder = folder.parent_path();
  }
  if (!std::filesystem::is_directory(folder)) mgca::fail_system(folder, "make a run folder here", ENOTDIR);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) mgca::fail_system(folder, "write here; choose another --out", errno);
}

// What a process that was killed while writing left behind, under names nobody reads.
void remove_temporaries(const std::filesystem::path& folder) {
  auto& files = mgca::posix_files();
  if (!std::filesystem::is_directory(folder)) return;
  for (const auto& name : files.list(folder)) {
    if (name.starts_with('.') && name.find(".tmp-") != std::string::npos) files.remove(folder / name);
  }
}

struct Manifest {
  std::string library, data, vocabulary, pack, config, device;
  std::int64_t train = 0, valid = 0, bad = 0, threads = 0, parameters = 0;
  std::vector<StartRecord> start;
  static void describe(auto& self, auto&& field) {
    field("library", self.library, "version");
    field("data", self.data, "SHA-256 of tables and pictures");
    field("vocabulary", self.vocabulary, "SHA-256 of the vocabulary");
    field("pack", self.pack, "SHA-256 of the pack's header and index; empty: pictures came from the image files");
    field("config", self.config, "hash of config.json without its paths");
    field("device", self.device, "where it was trained");
    field("train", self.train, "training pairs");
    field("valid", self.valid, "validation pairs");
    field("bad", self.bad, "pairs whose picture could not be read when the run began");
    field("threads", self.threads, "compute threads");
    field("parameters", self.parameters, "trainable parameters");
    field("start", self.start, "files of start weights");
  }
};

std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

Manifest read_manifest(const std::filesystem::path& run) {
  const auto path = run / "manifest.json";
  return mgca::from_json_text<Manifest>(mgca::read_text_file(path), path.string());
}

// Throws Error(config) if the run in the folder was begun with other data or another vocabulary.
void require_same(const Manifest& now, const std::filesystem::path& run) {
  const auto before = read_manifest(run);
  const auto compare = [&](const char* what, const std::string& old_hash, const std::string& new_hash) {
    if (old_hash == new_hash) return;
    mgca::fail(mgca::ErrorKind::config, run.string(), ": the run there was begun with another ", what, " (SHA-256 ", old_hash, ", now ",
               new_hash, "); put it back as it was, or choose another --out");
  };
  compare("data set", before.data, now.data);
  compare("vocabulary", before.vocabulary, now.vocabulary);
}

// What the check of the data found, kept in the run folder: pictures are looked at again only if a file has changed.
struct Checked {
  std::string files;    // SHA-256 of the tables' content and of the state of the pack, or else of every picture's file
  std::string data;     // SHA-256 of tables and pictures
  std::int64_t lesser = 0;  // problems that are no reason not to train
  std::string first;        // of them
  static void describe(auto& self, auto&& field) {
    field("files", self.files, "SHA-256 of tables, and of the pack's index or of size and time of every picture's file");
    field("data", self.data, "SHA-256 of tables and pictures");
    field("lesser", self.lesser, "problems that are no reason not to train");
    field("first", self.first, "the first of them");
  }
};

std::string state_of_files(const Study& study) {
  mgca::Sha256 hash;
  hash.update(mgca::data::fingerprint(study.data));
  if (study.pack) return hash.update(study.pack->identity()).hex_digest();
  for (std::int64_t i = 0; i < study.data.size(); ++i) hash.update(hex(study.data.image_stamp(i)));
  return hash.hex_digest();
}

// Throws Error(data) listing what a run must not begin with, and notes the rest.
Checked checked(const Study& study, const std::filesystem::path& run) {
  const auto table = study.config.data.table.string();
  const bool pictures = study.config.check == DataCheck::pictures;
  const auto path = run / "data_check.json";
  Checked now{.files = pictures ? state_of_files(study) : ""};
  std::optional<Checked> before;
  if (pictures && std::filesystem::exists(path)) before = mgca::from_json_text<Checked>(mgca::read_text_file(path), path.string());
  if (before && before->files == now.files) {
    now = *before;
  } else {
    std::vector<mgca::data::SeenPicture> seen;  // by a pack when it was made: nothing is decoded
    if (pictures && study.pack) seen = mgca::data::seen_pictures(*study.pack, study.data);
    const auto audit = mgca::data::audit(study.data, {.pictures = pictures}, std::move(seen));
    auto grave = mgca::data::grave(audit.problems);
    if (study.config.source.bad.policy != mgca::BadSamples::fail) {  // counted, and refused where there are too many, by the sources
      std::erase_if(grave, [](const auto& problem) { return problem.kind == mgca::data::ProblemKind::unreadable_image; });
    }
    mgca::data::require_none(grave, table);
    now.data = mgca::data::fingerprint(study.data, audit.pictures);
    now.lesser = static_cast<std::int64_t>(audit.problems.size());
    if (!audit.problems.empty()) now.first = "row " + std::to_string(audit.problems[0].row) + ": " + audit.problems[0].what;
  }
  if (now.lesser > 0)
    console::note("  warning: " + now.first + " (lesser problems: " + std::to_string(now.lesser) + "; mgca check " + table +
                  " lists them)");
  return now;
}

// Writes what a run begins with. The caller holds the folder's lock.
void write_beginning(const Study& study, const std::filesystem::path& run, const Manifest& manifest) {
  auto& files = mgca::posix_files();
  std::string tokens;
  for (const auto& token : study.tokenizer.vocabulary().tokens()) tokens += token + "\n";
  mgca::atomic_write(files, run / "config.json", mgca::to_json_text(study.config) + "\n");
  if (study.reads_reports()) mgca::atomic_write(files, run / "vocabulary.txt", tokens);
  mgca::atomic_write(files, run / "manifest.json", mgca::to_json_text(manifest) + "\n");
  for (std::int64_t i = 0; i < study.data.size(); ++i) {
    if (study.data.record(i).patient.empty()) return;  // nobody can say who is in which split
  }
  mgca::atomic_write(files, run / "split.json",
                     mgca::to_json_text(mgca::data::split_manifest(study.data, study.config.data.split_rule)) + "\n");
}

// Tells a person what the loop reports.
class Narrator {
 public:
  explicit Narrator(Lines lines) : lines_(lines), progress_("  training", lines == Lines::per_epoch ? 10 : 60) {}

  void operator()(std::string_view event, std::span<const mgca::Field> fields) {
    const auto field = [&](std::string_view name) {
      return std::find_if(fields.begin(), fields.end(), [&](const auto& one) { return one.name == name; });
    };
    const auto number = [&](std::string_view name) {
      const auto it = field(name);
      if (it == fields.end()) return std::nan("");
      if (const auto* real = std::get_if<double>(&it->value)) return *real;
      return static_cast<double>(std::get<std::int64_t>(it->value));
    };
    const auto whole = [&](std::string_view name) { return std::to_string(static_cast<std::int64_t>(number(name))); };
    const auto text = [&](std::string_view name) { return std::get<std::string>(field(name)->value); };
    const auto rows = [&] { return text("rows").empty() ? "" : " (rows " + text("rows") + ")"; };
    const auto epoch = [&] { return std::to_string(static_cast<std::int64_t>(number("epoch")) + 1); };
    if (event == "step") {
      progress_.update(static_cast<std::int64_t>(number("step")), static_cast<std::int64_t>(number("steps")),
                       "loss " + console::number(number("loss")) + held_out_);
    } else if (event == "epoch") {
      held_out_ = "  held-out loss " + console::number(number("val_loss"));
      if (lines_ == Lines::per_run) return;
      progress_.finish();
      const double waited = number("loader_seconds") / number("training_seconds");
      console::line("  epoch " + epoch() + "/" + whole("epochs") + "   loss " + console::number(number("loss")) + " " + held_out_ +
                    (field("val_acc5") == fields.end() ? "" : "   held-out top-5 " + console::percent(number("val_acc5"))) +
                    (waited > 0.05 ? "   waited for data " + console::percent(waited) + " of the time; more loader.threads may help" : ""));
    } else if (event == "resumed") {
      console::line("  resuming in epoch " + epoch() + " after step " + whole("step"));
    } else if (event == "checkpoint_unreadable") {
      warn("a checkpoint is passed over: " + text("reason"));
    } else if (event == "checkpoint_failed") {
      warn("no checkpoint was saved after step " + whole("step") + ": " + text("reason"));
    } else if (event == "skipped_steps") {
      warn(whole("in_all") + " steps had gradients that are not finite and were skipped, the last one step " + whole("step") + rows());
    } else if (event == "loader_slow") {
      warn("batch " + whole("batch") + " of epoch " + epoch() + " is not ready after " + whole("seconds") + " s" + rows());
    } else if (event == "bad_samples") {
      warn(whole("count") + " pictures cannot be read" + rows() + "; source.bad says what happens to them");
    } else if (event == "threads_changed") {
      warn("the run began with " + whole("saved") + " compute threads and goes on with " + whole("now") +
           "; results can differ in the last bits");
    } else if (event == "device_changed" || event == "library_changed") {
      warn("the run began on " + text("saved") + " and goes on with " + text("now") + "; results can differ in the last bits");
    }
  }
  void finish() { progress_.finish(); }

 private:
  void warn(const std::string& text) {
    progress_.finish();
    console::note("  warning: " + text);
  }

  Lines lines_;
  console::Progress progress_;
  std::string held_out_;
};

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
  std::error_code code;
  std::filesystem::create_directories(run, code);
  if (code) mgca::fail_system(run, "create the run folder", code.value());
  const mgca::RunLock lock(run);
  if (has_begun(run)) {
    require_same(study.config, run);
    require_same(manifest, run);
  }
  remove_temporaries(run);
  remove_temporaries(run / "checkpoints");
  write_beginning(study, run, manifest);
  mgca::atomic_write(mgca::posix_files(), run / "data_check.json", mgca::to_json_text(data_check) + "\n");

  auto options = study.config.fit;
  options.run = {.folder = run,
                 .identity = {{"config", manifest.config}, {"data", manifest.data}, {"vocabulary", manifest.vocabulary}},
                 .stop = &stop_requested(),
                 .lock = &lock};
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
