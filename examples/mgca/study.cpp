// What the commands share: opening a study from its configuration or from a run folder.
#include "data_at.hpp"
#include "start.hpp"
#include "study.hpp"

#include <mgca/catalog/catalog.hpp>
#include <mgca/text/vocabulary_trainer.hpp>
#include <mgca/train/checkpoint.hpp>

#include <ATen/Context.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace study {

namespace {

// What a model asks of its data. Builds nothing.
mgca::AlignmentNeeds needs_of(const mgca::ModelChoice& choice) { return mgca::Catalog::standard().at(choice.name).needs; }

mgca::Vocabulary make_vocabulary(const StudyConfig& config, const mgca::PairStudies& data) {
  if (!needs_of(config.model).reports) return mgca::Vocabulary({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"});
  if (!config.vocabulary.empty()) return mgca::Vocabulary::read(config.vocabulary);
  std::vector<std::string> texts;
  const auto train = mgca::split_of(data, "train");
  for (std::int64_t i = 0; i < train.size(); ++i) {
    texts.push_back(mgca::text::clean_caption({.impression = train.record(i).report, .findings = ""}).joined());
  }
  return mgca::text::train_vocabulary(texts, {.size = config.vocabulary_size});
}

mgca::Vocabulary kept_vocabulary(const StudyConfig& config, const mgca::PairStudies& data, const std::filesystem::path& run) {
  if (!needs_of(config.model).reports) return make_vocabulary(config, data);
  auto kept = mgca::Vocabulary::read(run / "vocabulary.txt");
  if (!config.vocabulary.empty() && std::filesystem::exists(config.vocabulary) &&
      mgca::Vocabulary::read(config.vocabulary).content_hash() != kept.content_hash()) {
    mgca::fail(mgca::ErrorKind::config, run.string(), ": the run there was begun with another vocabulary than ", config.vocabulary.string(),
               "; choose another --out, or leave out --vocabulary");
  }
  return kept;
}

void require_splits(const StudyConfig& config, const mgca::PairStudies& data) {
  for (std::int64_t i = 0; i < data.size(); ++i) {
    if (!data.record(i).split.empty()) return;
  }
  mgca::fail(mgca::ErrorKind::data, config.data.table.string(), ": no column '", config.data.split_column,
             "' with train, valid or test in its rows; add one, ",
             "the same for all rows of a patient, name it with --set data.split_column=NAME, or divide by patient with --set "
             "data.split_rule.seed=0");
}

// One option of a model, a whole number; none where it has none of that name. Builds nothing.
std::optional<std::int64_t> option_of(const mgca::ModelChoice& choice, const std::string& path) {
  for (const auto& row : mgca::Catalog::standard().at(choice.name).options(choice.overrides)) {
    if (row.path == path) return std::stoll(row.value);
  }
  return std::nullopt;
}

// The model with what the data decide about it; what is set by hand stands behind and counts.
mgca::ModelChoice choice_for(const StudyConfig& config, const mgca::PairStudies& data, const mgca::Vocabulary& vocabulary) {
  auto choice = config.model;
  const auto decide = [&](const std::string& path, std::int64_t value) {
    if (option_of(config.model, path)) choice.overrides.insert(choice.overrides.begin(), path + "=" + std::to_string(value));
  };
  const auto needs = needs_of(config.model);
  if (needs.reports) decide("text.vocabulary", vocabulary.size());
  if (needs.labels && !data.label_names().empty()) decide("classes", static_cast<std::int64_t>(data.label_names().size()));
  return choice;
}

// Where files lie.
std::vector<std::filesystem::path*> paths_of(StudyConfig& c) {
  return {&c.data.table, &c.data.root,     &c.data.labels,  &c.data.boxes, &c.data.masks,
          &c.vocabulary, &c.image_weights, &c.text_weights, &c.pack};
}

}  // namespace

std::shared_ptr<mgca::AlignmentModel> create_model(const mgca::ModelChoice& choice) { return mgca::Catalog::standard().create(choice); }

std::string version() { return mgca::RunRecord{}.library; }

torch::Device parse_device(const std::string& name) {
  if (name == "cpu" || (name == "auto" && !at::hasCUDA())) return torch::kCPU;
  if (name != "auto" && name != "cuda" && !name.starts_with("cuda:")) {
    mgca::fail(mgca::ErrorKind::argument, "--device '", name, "': expected cpu, cuda, cuda:N or auto");
  }
  if (!at::hasCUDA()) {
    mgca::fail(mgca::ErrorKind::argument, "--device ", name,
               ": this build or machine has no CUDA; use --device cpu, or build with ./bootstrap.sh build --cuda");
  }
  if (!name.starts_with("cuda:")) return torch::Device(torch::kCUDA, 0);
  int index = -1;
  const auto [end, code] = std::from_chars(name.data() + 5, name.data() + name.size(), index);
  if (code != std::errc() || end != name.data() + name.size() || index < 0 || index >= static_cast<int>(at::getNumGPUs())) {
    mgca::fail(mgca::ErrorKind::argument, "--device ", name, ": there are ", at::getNumGPUs(), " CUDA devices, counted from 0");
  }
  return torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(index));
}

StudyConfig defaults_for(const mgca::ModelChoice& model) {
  const auto side = option_of(model, "image.image_size");
  if (!side) mgca::fail(mgca::ErrorKind::config, "model '", model.name, "' has no option image.image_size");
  const auto entry = mgca::Catalog::standard().at(model.name);
  const auto& recipe = entry.facts.recipe;
  StudyConfig c;
  c.model = model;
  c.source.views = entry.needs.views;
  c.source.augmentation = recipe.augmentation;
  c.source.augmentation.crop = *side;
  c.source.stored_side = *side * 256 / 224;
  c.source.sentence = recipe.sentence;
  c.loader.batch_size = recipe.batch_size;
  c.fit.epochs = recipe.epochs;
  c.fit.schedule = recipe.schedule;
  c.fit.optimizer = recipe.optimizer;
  c.patience = recipe.patience;
  return c;
}

mgca::PairsConfig tables_of(const StudyConfig& config) {
  auto tables = config.data;
  if (!needs_of(config.model).reports) tables.report_column.clear();
  return tables;
}

void make_absolute(StudyConfig& config) {
  for (auto* path : paths_of(config)) {
    if (!path->empty()) *path = std::filesystem::absolute(*path).lexically_normal();
  }
}

StudyConfig read_config(const std::filesystem::path& path) {
  return mgca::from_json_text<StudyConfig>(mgca::read_text_file(path), path.string());
}
std::map<std::string, std::string> options_by_path(const StudyConfig& config) {
  std::map<std::string, std::string> options;
  for (const auto& row : mgca::option_table(config)) options[row.path] = row.value;
  return options;
}
void apply_overrides(StudyConfig& config, const std::vector<std::string>& overrides) { mgca::apply_overrides(config, overrides); }
std::vector<mgca::Difference> differences(const StudyConfig& left, const StudyConfig& right) { return mgca::differences(left, right); }

StudyConfig StudyConfig::without_paths() const {
  auto config = *this;
  for (auto* path : paths_of(config)) path->clear();
  config.pack_check = {};
  return config;
}

StudyConfig begin(const BeginOptions& o, const std::string& command) {
  auto set = o.set;
  if (!o.precision.empty()) set.push_back("fit.precision=" + o.precision);
  StudyConfig config;
  if (!o.config.empty()) {
    config = read_config(o.config);
    if (!o.model.empty()) config.model.name = o.model;
  } else {  // what else is by default depends on the model, so the model is settled first
    if (!o.model.empty()) config.model.name = o.model;
    std::vector<std::string> of_model;
    std::copy_if(set.begin(), set.end(), std::back_inserter(of_model), [](const auto& text) { return text.starts_with("model."); });
    apply_overrides(config, of_model);
    config = defaults_for(config.model);
  }
  if (!o.table.empty() && std::filesystem::is_directory(o.table)) config.data = data_at(o.table);
  else if (!o.table.empty()) config.data.table = o.table;
  for (const auto& [given, kept] : {std::pair(&o.vocabulary, &config.vocabulary), {&o.image_weights, &config.image_weights},
                                    {&o.text_weights, &config.text_weights}, {&o.pack, &config.pack}}) {
    if (!given->empty()) *kept = *given;
  }
  if (o.resample_positions) config.resample_positions = true;
  apply_overrides(config, set);
  if (config.data.table.empty()) {
    mgca::fail(mgca::ErrorKind::argument, command,
               ": --data is missing: a CSV with the columns image, report, patient and split, or a folder of mgca prepare");
  }
  make_absolute(config);
  adapt_to_start_weights(config);
  return config;
}

mgca::WordPiece make_tokenizer(const StudyConfig& config, const mgca::PairStudies& data) {
  return mgca::WordPiece(make_vocabulary(config, data), {.length = option_of(config.model, "text.length").value_or(mgca::WordPieceConfig{}.length)});
}

bool has_begun(const std::filesystem::path& run) {
  const auto checkpoints = run / "checkpoints";
  if (std::filesystem::exists(run / "best.safetensors")) return true;
  return std::filesystem::is_directory(checkpoints) && !mgca::CheckpointFolder(checkpoints, 2).generations().empty();
}

Study open_study(const StudyConfig& config, const std::filesystem::path& run) {
  config.validate();
  mgca::PairStudies data(tables_of(config));
  require_splits(config, data);
  std::shared_ptr<const mgca::ImagePack> pack;
  if (!config.pack.empty()) {
    pack = std::make_shared<const mgca::ImagePack>(config.pack, config.pack_check);
    mgca::data::require_pack_of(*pack, data, config.source.stored_side, config.source.local_contrast);
  }
  auto vocabulary = has_begun(run) ? kept_vocabulary(config, data, run) : make_vocabulary(config, data);
  auto choice = choice_for(config, data, vocabulary);
  const auto size = vocabulary.size();
  auto model = mgca::Catalog::standard().create(choice);
  if (model->image_size() != config.source.augmentation.crop) {
    mgca::fail(mgca::ErrorKind::config, "source.augmentation.crop is ", config.source.augmentation.crop, ", but the model reads images of ",
               model->image_size(), " pixels; set one to the other (--set source.augmentation.crop=", model->image_size(), ")");
  }
  if (model->needs().views != config.source.views) {
    mgca::fail(mgca::ErrorKind::config, "source.views is ", config.source.views, ", but the model looks at ", model->needs().views,
               " of each picture (--set source.views=", model->needs().views, ")");
  }
  if (model->needs().reports && model->vocabulary() != size) {
    mgca::fail(mgca::ErrorKind::config, "the vocabulary has ", size, " entries, the model expects ", model->vocabulary(),
               "; drop the override text.vocabulary");
  }
  if (model->profile() != config.source.profile) {
    mgca::fail(mgca::ErrorKind::config, "source.profile is ", to_string(config.source.profile), ", the model's profile ",
               to_string(model->profile()), "; set both to one (--set source.profile=... and --set 'model.overrides=[\"profile=...\"]')");
  }
  mgca::WordPieceConfig words;
  if (model->needs().reports) words.length = model->text_length();
  mgca::WordPiece tokenizer(std::move(vocabulary), words);
  return {.config = config, .data = std::move(data), .choice = std::move(choice), .tokenizer = std::move(tokenizer), .model = std::move(model),
          .pack = std::move(pack)};
}

Study open_run(const RunOptions& o) {
  const auto device = parse_device(o.device);
  if (!std::filesystem::exists(o.run / "config.json")) {
    mgca::fail(mgca::ErrorKind::system, o.run.string(), ": not a run folder: it holds no config.json; make one with mgca pretrain --out");
  }
  auto config = read_config(o.run / "config.json");
  if (needs_of(config.model).labels) {  // those it was trained on, whatever the data at hand have
    auto& overrides = config.model.overrides;
    overrides.insert(overrides.begin(), "classes=" + std::to_string(config.data.label_columns.size()));
  }
  if (!o.table.empty()) {
    if (std::filesystem::is_directory(o.table)) {
      config.data = data_at(o.table);
    } else {
      config.data.table = o.table;
      config.data.label_columns.clear();
      for (auto* beside : {&config.data.labels, &config.data.boxes, &config.data.masks}) beside->clear();
    }
    config.pack.clear();
  }
  if (!config.pack.empty() && !std::filesystem::exists(config.pack)) {
    console::note("  " + config.pack.string() + " is gone; pictures are read from the image files");
    config.pack.clear();
  }
  if (!o.labels.empty()) config.data.labels = o.labels;
  if (!o.label_columns.empty()) config.data.label_columns = o.label_columns;
  const auto path = o.run / "best.safetensors";
  if (!std::filesystem::exists(path)) {
    mgca::fail(mgca::ErrorKind::system, path.string(),
               " is missing: the run has not finished an epoch yet; go on with mgca pretrain --resume --out ", o.run.string());
  }
  const auto file = mgca::io::WeightFile::open(path);
  auto study = open_study(config, o.run);
  const auto trained = mgca::preprocessing_of(file.metadata(), path.string());
  if (!trained)
    mgca::fail(mgca::ErrorKind::data, path.string(),
               ": does not say how data were prepared for it: written by an earlier version; train anew");
  mgca::require_same_preprocessing(*trained, preprocessing(study), path.string() + " (beside it: config.json and vocabulary.txt)");
  mgca::load_state_dict(*study.model, file);
  study.model->to(device);
  study.model->eval();
  return study;
}

}  // namespace study
