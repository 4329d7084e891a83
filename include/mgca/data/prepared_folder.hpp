// The folder a prepared data set lives in: tables that PairStudies reads, and manifest.json, which says what they were made from
// and what became of every row. Preparing twice writes nothing the second time.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/core/file.hpp>
#include <mgca/data/detail/prepared_tables.hpp>
#include <mgca/data/prepared.hpp>
#include <mgca/data/sources/pairs.hpp>
#include <mgca/version.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

// Studies and patients of a split or a training subset.
struct StudyCount {
  std::int64_t studies = 0, patients = 0;
  std::string sha256;  // over the sorted names of its images: equal for equal lists

  static void describe(auto& self, auto&& field) {
    field("studies", self.studies, "how many studies");
    field("patients", self.patients, "how many patients");
    field("sha256", self.sha256, "over the sorted names of the images");
  }
  friend bool operator==(const StudyCount&, const StudyCount&) = default;
};

struct LabelCount {
  std::int64_t present = 0, absent = 0, unknown = 0;

  static void describe(auto& self, auto&& field) {
    field("present", self.present, "studies with it");
    field("absent", self.absent, "studies without it");
    field("unknown", self.unknown, "studies of which it is not known");
  }
  friend bool operator==(const LabelCount&, const LabelCount&) = default;
};

// manifest.json.
struct PreparedManifest {
  std::int64_t format = 1;
  std::string library = std::to_string(MGCA_VERSION_MAJOR) + "." + std::to_string(MGCA_VERSION_MINOR) + "." + std::to_string(MGCA_VERSION_PATCH);
  std::string data_set;
  PrepareOptions options;
  std::vector<std::string> choices;            // beyond these: "table=own.csv"
  std::filesystem::path raw;                   // absolute: the images stay there
  std::vector<SourceFile> sources;             // what was read
  std::vector<SourceFile> tables;              // what was written
  std::map<std::string, StudyCount> splits;
  std::map<std::string, StudyCount> subsets;   // of training: "1", "10" and "100" percent
  std::vector<SharedPatients> shared_patients;
  bool has_reports = false;
  std::vector<std::string> label_names;
  std::map<std::string, LabelCount> labels;
  std::vector<DroppedRows> dropped;
  std::vector<ExpectedCount> expected;
  std::vector<std::string> notes;

  static void describe(auto& self, auto&& field) {
    field("format", self.format, "of this folder");
    field("library", self.library, "version that prepared it");
    field("data_set", self.data_set, "which data set");
    field("options", self.options, "how it was prepared");
    field("choices", self.choices, "options of this data set alone");
    field("raw", self.raw, "folder with the images");
    field("sources", self.sources, "what was read");
    field("tables", self.tables, "what was written");
    field("splits", self.splits, "studies and patients in each split");
    field("subsets", self.subsets, "the same for the training subsets, in percent");
    field("shared_patients", self.shared_patients, "patients with studies in two splits");
    field("has_reports", self.has_reports, "whether studies.csv has them");
    field("label_names", self.label_names, "columns of labels.csv");
    field("labels", self.labels, "how often each label is given");
    field("dropped", self.dropped, "rows left out, by reason");
    field("expected", self.expected, "published counts and what was found");
    field("notes", self.notes, "what to know about this preparation");
  }
  void validate() const { MGCA_CHECK(format == 1, "a prepared folder of format ", format, "; this library reads format 1; prepare it again or use a newer library"); }
};

namespace data {

namespace detail {

class Counter {
 public:
  void add(const Study& study) {
    images_.push_back(study.image.generic_string());
    patients_.insert(study.patient);
  }
  [[nodiscard]] StudyCount count() {
    std::sort(images_.begin(), images_.end());
    Sha256 hash;
    for (const auto& image : images_) hash.update(std::to_string(image.size())).update(":").update(image);
    return {static_cast<std::int64_t>(images_.size()), static_cast<std::int64_t>(patients_.size()), hash.hex_digest()};
  }

 private:
  std::vector<std::string> images_;
  std::set<std::string> patients_;
};

inline void count_studies(const std::vector<Study>& studies, PreparedManifest& manifest) {
  std::map<std::string, Counter> splits, subsets;
  for (const auto& study : studies) {
    splits[study.split].add(study);
    for (const int percent : {1, 10, 100}) {
      if (study.percent > 0 && study.percent <= percent) subsets[std::to_string(percent)].add(study);
    }
    for (std::size_t c = 0; c < manifest.label_names.size(); ++c) {
      auto& label = manifest.labels[manifest.label_names[c]];
      ++(std::isnan(study.labels[c]) ? label.unknown : study.labels[c] > 0.5F ? label.present : label.absent);
    }
  }
  for (auto& [name, counter] : splits) manifest.splits[name] = counter.count();
  for (auto& [name, counter] : subsets) manifest.subsets[name] = counter.count();
  manifest.shared_patients = shared_patients(studies);
}

// Whether it had to be written.
inline bool replace_if_different(Files& files, const std::filesystem::path& path, std::string_view text) {
  std::error_code code;
  if (std::filesystem::is_regular_file(path, code) && read_text_file(path) == text) return false;
  atomic_write(files, path, text);
  return true;
}

}  // namespace detail

struct WrittenFolder {
  PreparedManifest manifest;
  bool changed = false;  // false: everything was there already
};

// Writes tables, then the manifest. Throws Error(data) if the folder holds another data set, Error(system) for what cannot be written.
inline WrittenFolder write_prepared(const Prepared& set, const RawFolder& raw, const PrepareOptions& options, const std::filesystem::path& folder,
                                    Files& files = posix_files()) {
  if (const auto path = folder / "manifest.json"; std::filesystem::exists(path)) {
    const auto there = from_json_text<PreparedManifest>(read_text_file(path), path.string());
    if (there.data_set != set.name) fail(ErrorKind::data, folder.string(), ": holds the prepared data set ", there.data_set, "; choose another folder for ", set.name);
  }
  WrittenFolder out;
  auto& m = out.manifest;
  m.data_set = set.name;
  m.options = options;
  m.choices = set.choices;
  m.raw = std::filesystem::absolute(raw.folder()).lexically_normal();
  m.sources = raw.read();
  m.has_reports = set.has_reports;
  m.label_names = set.label_names;
  m.dropped = set.dropped;
  m.expected = set.expected;
  m.notes = set.notes;
  detail::count_studies(set.studies, m);

  std::filesystem::create_directories(folder);
  remove_abandoned(files, folder);
  const auto has = [&](auto&& wanted) { return std::any_of(set.studies.begin(), set.studies.end(), wanted); };
  const auto write = [&](const char* name, bool wanted, auto&& make) {
    if (!wanted) {
      out.changed = std::filesystem::remove(folder / name) || out.changed;  // of an earlier preparation with other options
      return;
    }
    const detail::TableText table = make(set);
    m.tables.push_back({.name = name, .bytes = static_cast<std::int64_t>(table.text().size()), .sha256 = sha256(table.text())});
    out.changed = detail::replace_if_different(files, folder / name, table.text()) || out.changed;
  };
  write("studies.csv", true, detail::studies_table);
  write("labels.csv", !set.label_names.empty(), detail::labels_table);
  write("boxes.csv", has([](const Study& s) { return !s.boxes.empty(); }), detail::boxes_table);
  write("masks.csv", has([](const Study& s) { return s.mask.has_value(); }), detail::masks_table);
  out.changed = detail::replace_if_different(files, folder / "manifest.json", to_json_text(m) + "\n") || out.changed;
  return out;
}

// Throws Error(data) for a folder that is not a prepared one, and for a table that is not as it was written.
[[nodiscard]] inline PreparedManifest read_prepared(const std::filesystem::path& folder) {
  const auto path = folder / "manifest.json";
  if (!std::filesystem::exists(path)) fail(ErrorKind::data, folder.string(), ": holds no manifest.json; make it with mgca prepare");
  auto manifest = from_json_text<PreparedManifest>(read_text_file(path), path.string());
  for (const auto& table : manifest.tables) {
    if (const auto now = sha256(read_file(folder / table.name)); now != table.sha256) {
      fail(ErrorKind::data, (folder / table.name).string(), ": is not as it was prepared (SHA-256 ", now.substr(0, 12), "... instead of ", table.sha256.substr(0, 12),
           "...); prepare the folder again");
    }
  }
  return manifest;
}

// How PairStudies reads a prepared folder.
[[nodiscard]] inline PairsConfig pairs_of(const std::filesystem::path& folder, const PreparedManifest& manifest) {
  PairsConfig config;
  config.table = folder / "studies.csv";
  config.root = manifest.raw;
  config.report_column.clear();
  config.label_columns = manifest.label_names;
  for (const auto& table : manifest.tables) {
    if (table.name == "labels.csv") config.labels = folder / table.name;
    if (table.name == "boxes.csv") config.boxes = folder / table.name;
    if (table.name == "masks.csv") config.masks = folder / table.name;
  }
  if (manifest.has_reports) config.report_column = "report";
  return config;
}

}  // namespace data
}  // namespace mgca
