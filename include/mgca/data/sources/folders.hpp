// Pictures in a folder per class, which may lie in a folder per split: what many small sets come as.
#pragma once

#include <mgca/data/prepared.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

struct FoldersConfig {
  // "_": the patient of p7_front.png is p7, and a name without it is a patient as a whole; empty: each picture is of its own.
  std::string patient_separator;
  double train = 0.7;     // share of the patients, where no folders say the split
  double valid = 0.1;     // likewise; the rest is test

  static void describe(auto& self, auto&& field) {
    field("patient_separator", self.patient_separator, "ends the patient in a file's name; empty: each picture is of its own patient");
    field("train", self.train, "share of the patients for training, where no folders say the split");
    field("valid", self.valid, "share for validation; the rest is test");
  }
  void validate() const { SplitRule{.train = train, .valid = valid}.validate(); }
  friend bool operator==(const FoldersConfig&, const FoldersConfig&) = default;
};

namespace data {

// From CLASS/.../PICTURE or SPLIT/CLASS/.../PICTURE, pictures being .png, .jpg, .jpeg and .dcm files in any case. One label per class, the
// classes in the order of their names. Other files are counted as dropped. Throws Error(data) where split folders and class folders lie
// beside each other.
[[nodiscard]] inline Prepared prepare_folders(RawFolder& raw, const FoldersConfig& config, const PrepareOptions& options) {
  config.validate();
  require_own_draws("folders", options);
  Prepared set{.name = "folders"};
  struct Picture {
    std::string path;
    std::vector<std::string> parts;
  };
  std::vector<Picture> pictures;
  std::int64_t other_files = 0, loose = 0;
  for (auto& path : raw.files("", "")) {
    static constexpr std::array<std::string_view, 4> endings{".png", ".jpg", ".jpeg", ".dcm"};
    const auto ending = mgca::detail::lower_trimmed(std::filesystem::path(path).extension().string());
    if (std::find(endings.begin(), endings.end(), ending) == endings.end()) {
      ++other_files;
      continue;
    }
    Picture picture{std::move(path), {}};
    for (const auto& part : std::filesystem::path(picture.path)) picture.parts.push_back(part.string());
    if (picture.parts.size() < 2) {
      ++loose;
    } else {
      pictures.push_back(std::move(picture));
    }
  }
  if (other_files > 0) set.dropped.push_back({"not a .png, .jpg, .jpeg or .dcm file", other_files, ""});
  std::set<std::string> tops, splits;
  for (const auto& picture : pictures) {
    tops.insert(picture.parts[0]);
    if (split_of_word(picture.parts[0])) splits.insert(picture.parts[0]);
  }
  const bool split_folders = !splits.empty();
  if (split_folders && splits.size() != tops.size()) {
    fail(ErrorKind::data, raw.folder().string(), ": '", *splits.begin(),
         "' names a split, the folders beside it do not; expected only folders of splits or only folders of classes");
  }
  const std::size_t class_at = split_folders ? 1 : 0;
  std::map<std::string, std::size_t> classes;
  for (const auto& picture : pictures) {
    if (picture.parts.size() > class_at + 1) classes.emplace(picture.parts[class_at], 0);
  }
  for (auto& [name, place] : classes) {
    place = set.label_names.size();
    set.label_names.push_back(name);
  }
  std::map<std::string, std::set<std::string>> seen;  // classes of each split
  const SplitRule rule{.train = config.train, .valid = config.valid, .seed = options.seed};
  for (const auto& picture : pictures) {
    if (picture.parts.size() <= class_at + 1) {
      ++loose;
      continue;
    }
    Study study{.image = picture.path};
    const auto stem = std::filesystem::path(picture.path).stem().string();
    study.patient = config.patient_separator.empty() ? picture.path : stem.substr(0, stem.find(config.patient_separator));
    if (study.patient.empty()) {
      set.drop("nothing before the patient separator in the file's name", "");
      continue;
    }
    study.split = split_folders ? *split_of_word(picture.parts[0]) : split_of_patient(study.patient, rule);
    study.labels.assign(classes.size(), 0.0F);
    study.labels[classes.at(picture.parts[class_at])] = 1;
    seen[study.split].insert(picture.parts[class_at]);
    set.studies.push_back(std::move(study));
  }
  if (loose > 0) set.dropped.push_back({"a picture outside the folders of classes", loose, ""});
  for (const auto& [split, present] : seen) {
    if (present.size() < classes.size()) {
      set.notes.push_back(split + " has pictures of " + std::to_string(present.size()) + " of the " + std::to_string(classes.size()) +
                          " classes.");
    }
  }
  if (split_folders && !seen.contains("valid")) set.notes.emplace_back("There is no folder for validation.");
  if (config.patient_separator.empty()) {
    set.notes.emplace_back(
        "Each picture counts as a patient of its own, so that pictures of one patient in two splits go unseen; name the separator if the "
        "files' names tell the patient.");
  }
  complete(set, raw, options);
  return set;
}

}  // namespace data
}  // namespace mgca
