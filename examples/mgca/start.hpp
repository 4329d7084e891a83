// Weights that go into a run and come out of it: start weights, what they ask of the configuration, what the manifest keeps of
// them; what is written beside the best weights.
#pragma once

#include <mgca/data/preprocessing.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mgca {
class AlignmentModel;
struct ModelChoice;
}

namespace study {

struct Study;
struct StudyConfig;

// What manifest.json keeps of one file of start weights.
struct StartRecord {
  std::string part, dialect, sha256;
  std::int64_t loaded = 0;                       // tensors
  std::map<std::string, std::int64_t> left_out;  // tensors by reason
  std::vector<std::string> at_random;            // tensors of the tower the file says nothing about
  bool resampled_positions = false;

  static void describe(auto& self, auto&& field) {
    field("part", self.part, "tower");
    field("dialect", self.dialect, "layout of the file");
    field("sha256", self.sha256, "of the file");
    field("loaded", self.loaded, "tensors taken");
    field("left_out", self.left_out, "tensors left out, by reason");
    field("at_random", self.at_random, "tensors the file says nothing about");
    field("resampled_positions", self.resampled_positions, "whether the position table was made for another picture size");
  }
};

// Adds what the text weights ask of model and tokens (profile, token types) to the overrides, unless it is set there. Reads names only.
void adapt_to_start_weights(StudyConfig& config);

// Loads the configured files into the model and says so. Throws Error where one does not fit; then nothing was written.
[[nodiscard]] std::vector<StartRecord> load_start_weights(mgca::AlignmentModel& model, const StudyConfig& config, const std::string& vocabulary_hash);

// Throws Error(config) where the configured files are others than the run began with; files that are gone are not compared.
void require_same_start(const StudyConfig& config, const std::vector<StartRecord>& before, const std::filesystem::path& run);

// A model of the catalogue, which is compiled once, in study.cpp.
[[nodiscard]] std::shared_ptr<mgca::AlignmentModel> create_model(const mgca::ModelChoice& choice);

// How a study prepares pictures and reports for its model in evaluation.
[[nodiscard]] mgca::Preprocessing preprocessing(const Study& study);

// Written beside the best weights: enough to build the model again and to prepare data for it.
[[nodiscard]] std::map<std::string, std::string> weights_metadata(const Study& study);

}  // namespace study
