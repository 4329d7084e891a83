#include "study.hpp"

#include <mgca/catalog/catalog.hpp>
#include <mgca/data/split.hpp>
#include <mgca/tasks/pretrain.hpp>
#include <mgca/text/vocabulary_trainer.hpp>
#include <mgca/train.hpp>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include <ATen/Context.h>

namespace study {

namespace {
std::atomic<bool> g_stop = false;  // signal handlers can reach nothing but globals
std::atomic<int> g_signal = 0;

void on_signal(int signal) {
  if (g_stop.exchange(true)) std::_Exit(128 + signal);  // the second one does not wait; the last checkpoint is whole
  g_signal = signal;
}

mgca::Vocabulary make_vocabulary(const StudyConfig& config, const mgca::PairStudies& data, const std::filesystem::path& run) {
  const auto kept = run / "vocabulary.txt";
  if (!run.empty() && std::filesystem::exists(kept)) return mgca::Vocabulary::read(kept);
  auto vocabulary = [&] {
    if (!config.vocabulary.empty()) return mgca::Vocabulary::read(config.vocabulary);
    std::vector<std::string> texts;
    const auto train = mgca::split_of(data, "train");
    for (std::int64_t i = 0; i < train.size(); ++i) {
      texts.push_back(mgca::text::clean_caption({.impression = train.record(i).report, .findings = ""}).joined());
    }
    return mgca::text::train_vocabulary(texts, {.size = config.vocabulary_size});
  }();
  if (!run.empty()) {
    std::string text;
    for (const auto& token : vocabulary.tokens()) text += token + "\n";
    mgca::atomic_write(mgca::posix_files(), kept, text);
  }
  return vocabulary;
}

void require_writable(const std::filesystem::path& run) {
  std::error_code code;
  std::filesystem::create_directories(run, code);
  if (code) mgca::fail_system(run, "create the run folder", code.value());
  mgca::atomic_write(mgca::posix_files(), run / ".writable", std::string_view("yes\n"));
  mgca::posix_files().remove(run / ".writable");
}

struct Manifest {
  std::string library, data, vocabulary, config, command = "mgca pretrain";
  std::int64_t train = 0, valid = 0, threads = 0, parameters = 0;
  static void describe(auto& self, auto&& field) {
    field("library", self.library, "version");
    field("data", self.data, "SHA-256 of the data table");
    field("vocabulary", self.vocabulary, "SHA-256 of the vocabulary");
    field("config", self.config, "hash of config.json");
    field("command", self.command, "what made it");
    field("train", self.train, "training pairs");
    field("valid", self.valid, "validation pairs");
    field("threads", self.threads, "compute threads");
    field("parameters", self.parameters, "trainable parameters");
  }
};

std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

const std::atomic<bool>& stop_requested() { return g_stop; }
int signal_received() { return g_signal; }
void watch_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

torch::Device parse_device(const std::string& name) {
  if (name == "cpu" || (name == "auto" && !at::hasCUDA())) return torch::kCPU;
  if (name != "auto" && name != "cuda" && !name.starts_with("cuda:")) {
    mgca::fail(mgca::ErrorKind::argument, "--device '", name, "': expected cpu, cuda, cuda:N or auto");
  }
  if (!at::hasCUDA()) {
    mgca::fail(mgca::ErrorKind::argument, "--device ", name, ": this build or machine has no CUDA; use --device cpu, or build with ./bootstrap.sh build --cuda");
  }
  if (!name.starts_with("cuda:")) return torch::Device(torch::kCUDA, 0);
  int index = -1;
  try {
    index = std::stoi(name.substr(5));
  } catch (const std::exception&) {
  }
  if (index < 0 || index >= static_cast<int>(at::getNumGPUs())) {
    mgca::fail(mgca::ErrorKind::argument, "--device ", name, ": there are ", at::getNumGPUs(), " CUDA devices, counted from 0");
  }
  return torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(index));
}

void make_absolute(StudyConfig& config) {
  for (auto* path : {&config.data.table, &config.data.labels, &config.data.boxes, &config.vocabulary}) {
    if (!path->empty()) *path = std::filesystem::absolute(*path).lexically_normal();
  }
}

std::int64_t image_size_of(const mgca::ModelChoice& choice) {
  for (const auto& row : mgca::Catalog::standard().at(choice.name).options(choice.overrides)) {
    if (row.path == "image.image_size") return std::stoll(row.value);
  }
  mgca::fail(mgca::ErrorKind::config, "model '", choice.name, "' has no option image.image_size");
}

StudyConfig read_config(const std::filesystem::path& path) { return mgca::from_json_text<StudyConfig>(mgca::read_text_file(path), path.string()); }
void apply_overrides(StudyConfig& config, const std::vector<std::string>& overrides) { mgca::apply_overrides(config, overrides); }
std::vector<mgca::Difference> differences(const StudyConfig& left, const StudyConfig& right) { return mgca::differences(left, right); }

Study open_study(const StudyConfig& config, const std::filesystem::path& run) {
  config.validate();
  mgca::PairStudies data(config.data);
  auto vocabulary = make_vocabulary(config, data, run);
  auto choice = config.model;
  const auto size = vocabulary.size();
  auto overrides = choice.overrides;
  overrides.insert(overrides.begin(), "text.vocabulary=" + std::to_string(size));
  choice.overrides = overrides;
  auto model = mgca::Catalog::standard().create(choice);
  if (model->image_size() != config.source.augmentation.crop) {
    mgca::fail(mgca::ErrorKind::config, "source.augmentation.crop is ", config.source.augmentation.crop, ", but the model reads images of ",
               model->image_size(), " pixels; set one to the other (--set source.augmentation.crop=", model->image_size(), ")");
  }
  if (model->vocabulary() != size) {
    mgca::fail(mgca::ErrorKind::config, "the vocabulary has ", size, " entries, the model expects ", model->vocabulary(), "; drop the override text.vocabulary");
  }
  mgca::WordPiece tokenizer(std::move(vocabulary), {.length = model->text_length()});
  return {.config = config, .data = std::move(data), .tokenizer = std::move(tokenizer), .model = std::move(model)};
}

Study open_run(const std::filesystem::path& run, const std::string& device) {
  const auto path = run / "config.json";
  if (!std::filesystem::exists(path)) mgca::fail(mgca::ErrorKind::system, run.string(), ": not a run folder: config.json is missing; run mgca pretrain first");
  auto study = open_study(read_config(path), run);
  const auto weights = run / "best.safetensors";
  if (!std::filesystem::exists(weights)) mgca::fail(mgca::ErrorKind::system, weights.string(), " is missing: the run has not finished an epoch yet");
  mgca::load_state_dict(*study.model, mgca::read_weights(weights).tensors);
  study.model->to(parse_device(device));
  study.model->eval();
  return study;
}

RunOutcome pretrain(Study& study, const std::filesystem::path& run, const std::string& device) {
  require_writable(run);
  const auto config_text = mgca::to_json_text(study.config) + "\n";
  const auto config_path = run / "config.json";
  if (!std::filesystem::exists(config_path)) mgca::atomic_write(mgca::posix_files(), config_path, config_text);

  const auto train = study.split("train"), valid = study.split("valid");
  if (const auto leaks = mgca::data::leaks(study.data); !leaks.empty()) {
    mgca::fail(mgca::ErrorKind::data, study.config.data.table.string(), ": rows ", leaks[0].first_row, " and ", leaks[0].other_row,
               " are of one patient in two splits (", leaks.size(), " such rows); give every patient one split");
  }
  const auto train_source = study.training_source(train);
  const auto valid_source = study.source(valid);
  const mgca::Loader<Study::Source> batches(train_source, study.config.loader);
  const mgca::Loader<Study::Source> held_out(valid_source, {.batch_size = study.config.loader.batch_size, .order = mgca::Order::as_stored,
                                                            .last_batch = mgca::LastBatch::keep, .threads = study.config.loader.threads});
  study.model->to(parse_device(device));
  mgca::PretrainTask task(study.model);

  Manifest manifest{.library = mgca::RunRecord{}.library, .data = mgca::data::fingerprint(study.data),
                    .vocabulary = study.tokenizer.vocabulary().content_hash(), .config = hex(mgca::config_hash(study.config)),
                    .train = train.size(), .valid = valid.size(), .threads = at::get_num_threads()};
  for (const auto& p : study.model->parameters()) manifest.parameters += p.numel();
  mgca::atomic_write(mgca::posix_files(), run / "manifest.json", mgca::to_json_text(manifest) + "\n");

  auto options = study.config.fit;
  options.run.folder = run;
  options.run.stop = &stop_requested();
  options.run.identity = {{"config", manifest.config}, {"data", manifest.data}, {"vocabulary", manifest.vocabulary}};
  console::Progress progress("  training");
  options.run.sink = [&](std::string_view event, std::span<const mgca::Field> fields) {
    const auto number = [&](std::string_view name) {
      for (const auto& field : fields) {
        if (field.name != name) continue;
        if (const auto* real = std::get_if<double>(&field.value)) return *real;
        if (const auto* whole = std::get_if<std::int64_t>(&field.value)) return static_cast<double>(*whole);
      }
      return std::nan("");
    };
    if (event == "step") {
      progress.update(static_cast<std::int64_t>(number("step")), static_cast<std::int64_t>(number("steps")), "loss " + console::number(number("loss")));
    } else if (event == "epoch") {
      progress.finish();
      console::line("  epoch " + std::to_string(static_cast<int>(number("epoch")) + 1) + "/" + std::to_string(static_cast<int>(number("epochs"))) +
                    "   loss " + console::number(number("loss")) + "   held-out loss " + console::number(number("val_loss")) +
                    "   held-out top-5 " + console::percent(number("val_acc5")));
    } else if (event == "resumed") {
      console::line("  resuming at epoch " + std::to_string(static_cast<int>(number("epoch")) + 1) + ", step " + std::to_string(static_cast<int>(number("step"))));
    } else if (event == "checkpoint_unreadable" || event == "checkpoint_failed") {
      console::note("  warning: " + std::get<std::string>(fields.back().value));
    } else if (event == "skipped_steps") {
      console::note("  warning: " + std::to_string(static_cast<int>(number("in_all"))) + " steps had gradients that are not finite and were skipped");
    } else if (event == "threads_changed") {
      console::note("  warning: the run began with " + std::to_string(static_cast<int>(number("saved"))) + " compute threads and goes on with " +
                    std::to_string(static_cast<int>(number("now"))) + "; results can differ in the last bits");
    }
  };
  mgca::History history(run / "history.csv");
  auto result = mgca::fit(task, batches, options, mgca::Validate(task, held_out, options.precision), mgca::EarlyStop({.patience = study.config.patience}),
                          mgca::KeepBest(*study.model, {.path = run / "best.safetensors", .metadata = {{"model", study.config.model.name}}}), history,
                          mgca::TensorBoard(run));
  return {std::move(result), history.rows()};
}

}  // namespace study
