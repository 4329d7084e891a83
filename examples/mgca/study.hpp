// What the commands share: the study configuration, data and model opened from it, and the run folder.
#pragma once

#include "console.hpp"

#include <mgca/align/model.hpp>
#include <mgca/catalog/choice.hpp>
#include <mgca/core/config.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/data/sources/pairs.hpp>
#include <mgca/feed/study_source.hpp>
#include <mgca/text/wordpiece.hpp>
#include <mgca/train/fit_options.hpp>
#include <mgca/train/hooks/history.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ranks {
class Team;
}

namespace study {

// What is checked before training. Data that would fail or mislead are refused.
enum class DataCheck : std::uint8_t {
  pictures,  // every picture is decoded once: unreadable ones and the same picture in two splits are found
  tables,    // the tables alone: for data too large to be read twice
};
constexpr auto names_of(DataCheck) { return std::to_array<std::string_view>({"pictures", "tables"}); }

// Everything `mgca pretrain` needs, and what the other commands read back from the run folder.
struct StudyConfig {
  mgca::PairsConfig data;
  DataCheck check = DataCheck::pictures;
  std::filesystem::path vocabulary;       // word pieces; empty: trained on the training reports
  std::int64_t vocabulary_size = 1000;    // of a trained vocabulary
  mgca::ModelChoice model{.name = "mgca-resnet-small"};
  std::filesystem::path image_weights;    // start weights of the image tower; empty: drawn at random
  std::filesystem::path text_weights;     // of the text tower
  bool resample_positions = false;        // a ViT's position table for another picture size is resampled
  mgca::StudySourceConfig source;
  std::filesystem::path pack;             // pictures packed by `mgca pack`; empty: read from the image files
  mgca::PackCheck pack_check = mgca::PackCheck::first_read;
  mgca::LoaderOptions loader;
  mgca::FitOptions fit;
  std::int64_t patience = 5;              // epochs without a better validation loss
  bool synchronised_norms = false;        // batch norms take their statistics over all ranks

  static void describe(auto& self, auto&& field) {
    field("data", self.data, "pairs of images and reports");
    field("check", self.check, "what is checked before training; tables: no picture is read for it");
    field("vocabulary", self.vocabulary, "word pieces; empty: trained on the training reports");
    field("vocabulary_size", self.vocabulary_size, "entries of a trained vocabulary");
    field("model", self.model, "which model");
    field("image_weights", self.image_weights, "start weights of the image tower; empty: drawn at random");
    field("text_weights", self.text_weights, "start weights of the text tower; empty: drawn at random");
    field("resample_positions", self.resample_positions, "resample a ViT's position table for another picture size");
    field("source", self.source, "preparation of images and reports");
    field("pack", self.pack, "pictures packed by mgca pack; empty: read from the image files");
    field("pack_check", self.pack_check, "when checksums of packed pictures are compared");
    field("loader", self.loader, "batches");
    field("fit", self.fit, "training");
    field("patience", self.patience, "epochs without a better validation loss");
    field("synchronised_norms", self.synchronised_norms, "batch norms take their statistics over all ranks");
  }
  void validate() const {
    source.validate();
    loader.validate();
    fit.validate();
  }
  // What decides the numbers: where files lie does not, and their content has hashes of its own.
  [[nodiscard]] StudyConfig without_paths() const;
};

[[nodiscard]] std::string version();  // of the library

[[nodiscard]] torch::Device parse_device(const std::string& name);  // cpu, cuda, cuda:N, auto

// The options a model is trained with unless they are set: the recipe of its entry in the catalogue, and picture sizes that fit it.
[[nodiscard]] StudyConfig defaults_for(const mgca::ModelChoice& model);

// The tables the model needs: reports that it does not read need not be there.
[[nodiscard]] mgca::PairsConfig tables_of(const StudyConfig& config);

// Absolute paths, so that the run folder's config.json works from anywhere.
void make_absolute(StudyConfig& config);

// Data, tokenizer and model of a study. Reads tables and vocabulary; images are read by `source`.
struct Study {
  StudyConfig config;
  mgca::PairStudies data;
  mgca::ModelChoice choice;    // the model with what the data decide about it: words, classes
  mgca::WordPiece tokenizer;   // of a model without a text tower: the special tokens alone, and nothing is read with it
  std::shared_ptr<mgca::AlignmentModel> model;
  std::shared_ptr<const mgca::ImagePack> pack;  // none: pictures come from the image files

  using Split = mgca::Subset<mgca::PairStudies>;
  using Source = mgca::StudySource<Split>;

  [[nodiscard]] Split split(const std::string& name) const { return mgca::split_of(data, name); }
  [[nodiscard]] bool reads_reports() const { return model->needs().reports; }
  // Without augmentation unless it is for training.
  [[nodiscard]] Source training_source(const Split& split) const { return source(split, config.source); }
  [[nodiscard]] Source source(const Split& split) const { return source(split, config.source.without_augmentation()); }

 private:
  [[nodiscard]] Source source(const Split& split, const mgca::StudySourceConfig& how) const {
    return reads_reports() ? Source(split, tokenizer, how, pack) : Source(split, how, pack);
  }
};

// A tokenizer for the study's model and data: its vocabulary is read, or trained on the training split.
[[nodiscard]] mgca::WordPiece make_tokenizer(const StudyConfig& config, const mgca::PairStudies& data);

// The vocabulary is that of the run folder if the run has begun; otherwise it is read, or trained on the training split.
// Nothing is written. Throws Error where the pieces do not fit together.
[[nodiscard]] Study open_study(const StudyConfig& config, const std::filesystem::path& run);

// How a study begins: what the command line says of data and model, and the configuration that follows. Throws Error where it does
// not fit together; `command` names who asks.
struct BeginOptions {
  std::filesystem::path table, vocabulary, config, image_weights, text_weights, pack;
  std::string model, precision;
  std::vector<std::string> set;
  bool resample_positions = false;
};
[[nodiscard]] StudyConfig begin(const BeginOptions& options, const std::string& command);

// Is there anything in the folder that a run must go on from?
[[nodiscard]] bool has_begun(const std::filesystem::path& run);

// Throws Error(config) listing what differs from the run that has begun in the folder; where files lie is no difference.
void require_same(const StudyConfig& config, const std::filesystem::path& run);

// Reading and comparing configurations, compiled once.
[[nodiscard]] StudyConfig read_config(const std::filesystem::path& path);
[[nodiscard]] std::map<std::string, std::string> options_by_path(const StudyConfig& config);
void apply_overrides(StudyConfig& config, const std::vector<std::string>& overrides);
[[nodiscard]] std::vector<mgca::Difference> differences(const StudyConfig& left, const StudyConfig& right);

// How a command that reads a run is called: which run, on which data, where.
struct RunOptions {
  std::filesystem::path run;
  std::filesystem::path table, labels;      // other data than the run's own; empty: its own
  std::vector<std::string> label_columns;
  std::string split = "test";
  std::string device = "auto";
};

// The study of a run folder with its best weights. Throws Error naming the missing file, or what the weights do not fit.
[[nodiscard]] Study open_run(const RunOptions& options);

// What a caller learns from a pretraining run.
struct RunOutcome {
  mgca::FitResult result;
  std::vector<mgca::HistoryRow> history;
};

enum class Lines : std::uint8_t { per_epoch, per_run };  // how much pretraining prints

struct PretrainOptions {
  std::string device = "auto";
  Lines lines = Lines::per_epoch;
  ranks::Team* team = nullptr;  // those it trains with; nullptr: nobody
};

// Trains in the folder, resuming what is there. Everything is checked first; only then the folder is made, locked and written, by rank 0:
// config.json, manifest.json, vocabulary.txt, history.csv, events, checkpoints, best weights.
[[nodiscard]] RunOutcome pretrain(Study& study, const std::filesystem::path& run, const PretrainOptions& options);

// Set by Ctrl-C and SIGTERM; the loop looks at it after every step. `signal_received` is 0 until then.
[[nodiscard]] const std::atomic<bool>& stop_requested();
[[nodiscard]] int signal_received();
void watch_signals();

}  // namespace study
