// Start weights of a run.
#include "start.hpp"

#include "study.hpp"

#include <mgca/catalog/start_weights.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace study {

namespace {

std::array<std::pair<mgca::WeightPart, const std::filesystem::path*>, 2> files_of(const StudyConfig& config) {
  return {{{mgca::WeightPart::image, &config.image_weights}, {mgca::WeightPart::text, &config.text_weights}}};
}

bool is_set(const std::vector<std::string>& overrides, const std::string& key) {
  return std::any_of(overrides.begin(), overrides.end(), [&](const auto& text) { return text.starts_with(key + "="); });
}

}  // namespace

void adapt_to_start_weights(StudyConfig& config) {
  if (config.text_weights.empty()) return;
  auto& overrides = config.model.overrides;
  auto profile = config.source.profile;
  for (const auto& text : overrides) {
    if (text.starts_with("profile=")) profile = mgca::parse_enum<mgca::Profile>(text.substr(8));
  }
  const auto file = mgca::io::WeightFile::open(config.text_weights);
  for (const auto& text : mgca::required_overrides(mgca::our_weights(file), mgca::WeightPart::text, profile)) {
    const auto key = text.substr(0, text.find('='));
    if (is_set(overrides, key)) continue;  // load_start_weights says where that contradicts the weights
    overrides.push_back(text);
    if (key == "profile") config.source.profile = mgca::parse_enum<mgca::Profile>(text.substr(8));
  }
}

std::vector<StartRecord> load_start_weights(mgca::AlignmentModel& model, const StudyConfig& config, const std::string& vocabulary_hash) {
  std::vector<StartRecord> records;
  for (const auto& [part, path] : files_of(config)) {
    if (path->empty()) continue;
    const auto file = mgca::io::WeightFile::open(*path);
    const auto trained = mgca::preprocessing_of(file.metadata(), path->string());
    if (part == mgca::WeightPart::text && trained && !trained->vocabulary.empty() && trained->vocabulary != vocabulary_hash) {
      mgca::fail(mgca::ErrorKind::data, path->string(), ": these weights were trained with the vocabulary ", trained->vocabulary, ", here it is ", vocabulary_hash,
                 "; give the run the same one with --vocabulary");
    }
    const auto report = mgca::load_start_weights(model, file, {.part = part, .resample_positions = config.resample_positions});
    StartRecord record{.part = std::string(to_string(part)), .dialect = report.dialect, .sha256 = file.sha256(),
                       .loaded = static_cast<std::int64_t>(report.loaded.size()), .left_out = {}, .at_random = report.at_random, .resampled_positions = report.resampled};
    std::int64_t left_out = 0;
    for (const auto& one : report.left_out) {
      ++record.left_out[one.reason];
      ++left_out;
    }
    console::line("  " + record.part + " weights from " + path->string() + " (" + record.dialect + "): " + std::to_string(record.loaded) + " tensors, " +
                  std::to_string(left_out) + " left out, " + std::to_string(record.at_random.size()) + " of the tower stay at random" + (report.resampled ? ", position table resampled" : ""));
    records.push_back(std::move(record));
  }
  return records;
}

void require_same_start(const StudyConfig& config, const std::vector<StartRecord>& before, const std::filesystem::path& run) {
  for (const auto& [part, path] : files_of(config)) {
    const auto name = std::string(to_string(part));
    const auto it = std::find_if(before.begin(), before.end(), [&](const auto& record) { return record.part == name; });
    const bool begun_with = it != before.end();
    if (path->empty() && !begun_with) continue;
    if (!path->empty() && begun_with && (!std::filesystem::exists(*path) || mgca::io::WeightFile::open(*path).sha256() == it->sha256)) continue;
    mgca::fail(mgca::ErrorKind::config, run.string(), ": the run there was begun with ", begun_with ? "other" : "no", " ", name, " weights",
               begun_with ? " (SHA-256 " + it->sha256 + ")" : "", "; give the same --", name, "-weights, go on with --resume alone, or choose another --out");
  }
}

mgca::Preprocessing preprocessing(const Study& study) {
  return {.image_size = study.model->image_size(), .stored_side = study.config.source.stored_side, .local_contrast = study.config.source.local_contrast,
          .text_length = study.model->text_length(), .vocabulary = study.reads_reports() ? study.tokenizer.vocabulary().content_hash() : "", .profile = study.model->profile()};
}

std::map<std::string, std::string> weights_metadata(const Study& study) {
  return {{"format", "pt"}, {"model", mgca::to_json_text(study.choice, -1)}, {mgca::Preprocessing::kKey, mgca::to_json_text(preprocessing(study), -1)}};
}

}  // namespace study
