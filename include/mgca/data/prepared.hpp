// What preparing a raw data set gives, in one shape for all of them: studies with splits and training subsets, and an account
// of every row that was left out and every count that was expected.
#pragma once

#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/data/raw_folder.hpp>
#include <mgca/data/record.hpp>
#include <mgca/data/split.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

// Whose word counts where the text of the MGCA paper and its released code prepare a set differently.
enum class DataProtocol : std::uint8_t { paper, code };
constexpr auto names_of(DataProtocol) { return std::to_array<std::string_view>({"paper", "code"}); }

// Known leaks between the splits of the released code.
enum class Leaks : std::uint8_t { repaired, as_published };
constexpr auto names_of(Leaks) { return std::to_array<std::string_view>({"repaired", "as_published"}); }

// How the training subsets of 1 and 10 % are drawn.
enum class Subsets : std::uint8_t {
  by_patient,    // whole patients, by a hash of patient and seed: 1 % lies inside 10 %
  as_published,  // rows, by the random draws of the released code
};
constexpr auto names_of(Subsets) { return std::to_array<std::string_view>({"by_patient", "as_published"}); }

// Rows whose image is not in the raw folder.
enum class MissingImages : std::uint8_t { refuse, drop };
constexpr auto names_of(MissingImages) { return std::to_array<std::string_view>({"refuse", "drop"}); }

struct PrepareOptions {
  DataProtocol protocol = DataProtocol::code;
  Leaks leaks = Leaks::repaired;
  Subsets subsets = Subsets::by_patient;
  MissingImages missing_images = MissingImages::refuse;
  std::uint64_t seed = 0;  // of what this library draws; published draws have seeds of their own

  static void describe(auto& self, auto&& field) {
    field("protocol", self.protocol, "whose word counts where the paper and its released code differ");
    field("leaks", self.leaks, "known leaks between splits");
    field("subsets", self.subsets, "how training subsets are drawn");
    field("missing_images", self.missing_images, "rows whose image is not in the raw folder");
    field("seed", self.seed, "of what this library draws");
  }
  friend bool operator==(const PrepareOptions&, const PrepareOptions&) = default;
};

// Rows that were left out for one reason.
struct DroppedRows {
  std::string reason;
  std::int64_t rows = 0;
  std::string first;  // where the first one stands: file and row

  static void describe(auto& self, auto&& field) {
    field("reason", self.reason, "why");
    field("rows", self.rows, "how many");
    field("first", self.first, "where the first one stands");
  }
  friend bool operator==(const DroppedRows&, const DroppedRows&) = default;
};

// A count somebody published and what was found.
struct ExpectedCount {
  std::string what;
  std::int64_t expected = 0, found = 0;

  static void describe(auto& self, auto&& field) {
    field("what", self.what, "what was counted");
    field("expected", self.expected, "as published");
    field("found", self.found, "here");
  }
  friend bool operator==(const ExpectedCount&, const ExpectedCount&) = default;
};

// Patients with studies in both of two splits.
struct SharedPatients {
  std::string first, second;  // the splits
  std::int64_t patients = 0;

  static void describe(auto& self, auto&& field) {
    field("first", self.first, "one split");
    field("second", self.second, "the other");
    field("patients", self.patients, "how many have studies in both");
  }
  friend bool operator==(const SharedPatients&, const SharedPatients&) = default;
};

// A source fills in everything but Study::row and, unless subsets are as published, Study::percent; `complete` does the rest.
struct Prepared {
  std::string name;                      // of the data set: "chexpert"
  bool has_reports = false;              // whether Study::report means anything
  std::vector<std::string> label_names;
  std::vector<Study> studies;            // images relative to the raw folder; a set without patients: each image is its own
  std::vector<DroppedRows> dropped;
  std::vector<ExpectedCount> expected;
  std::vector<std::string> choices;      // options of this set alone, as they were given
  std::vector<std::string> notes;        // what a user should know about this preparation, one sentence each

  void drop(std::string_view reason, const std::string& place) {
    auto known = std::find_if(dropped.begin(), dropped.end(), [&](const DroppedRows& d) { return d.reason == reason; });
    if (known == dropped.end()) known = dropped.insert(dropped.end(), {std::string(reason), 0, place});
    ++known->rows;
  }
  void expect(std::string what, std::int64_t published, std::int64_t found) { expected.push_back({std::move(what), published, found}); }
};

namespace data {

// The split a word of a table or a folder's name means, in any case: training, val, validation, validate and dev are understood.
[[nodiscard]] inline std::optional<std::string> split_of_word(std::string_view word) {
  static constexpr auto words = std::to_array<std::pair<std::string_view, std::string_view>>(
      {{"train", "train"}, {"training", "train"}, {"valid", "valid"}, {"val", "valid"}, {"validation", "valid"},
       {"validate", "valid"}, {"dev", "valid"}, {"test", "test"}, {"testing", "test"}});
  const auto plain = mgca::detail::lower_trimmed(word);
  for (const auto& [known, split] : words) {
    if (plain == known) return std::string(split);
  }
  return std::nullopt;
}

// How many patients have studies in both of two splits, for each two that share any, in the order of their names.
[[nodiscard]] inline std::vector<SharedPatients> shared_patients(const std::vector<Study>& studies) {
  std::map<std::string_view, std::set<std::string_view>> splits;
  for (const auto& study : studies) {
    if (!study.patient.empty() && !study.split.empty()) splits[study.patient].insert(study.split);
  }
  std::map<std::pair<std::string_view, std::string_view>, std::int64_t> counts;
  for (const auto& [patient, in] : splits) {
    for (auto first = in.begin(); first != in.end(); ++first) {
      for (auto second = std::next(first); second != in.end(); ++second) ++counts[{*first, *second}];
    }
  }
  std::vector<SharedPatients> shared;
  for (const auto& [pair, patients] : counts) shared.push_back({std::string(pair.first), std::string(pair.second), patients});
  return shared;
}

// For sets that nobody published draws of. Throws Error(argument) where options ask for some.
inline void require_own_draws(std::string_view set, const PrepareOptions& options) {
  MGCA_CHECK(options.subsets == Subsets::by_patient, set, ": no training subsets were published for this set; leave --subsets at by_patient");
  MGCA_CHECK(options.leaks == Leaks::repaired, set, ": the released code has no leak in this set; leave --leaks at repaired");
}

// The training subset of a patient: 1, 10 or 100.
[[nodiscard]] inline int percent_of_patient(std::string_view patient, std::uint64_t seed) {
  const double place = detail::place_of_patient(patient, "fraction " + std::to_string(seed));
  return place < 0.01 ? 1 : place < 0.1 ? 10 : 100;
}

// Checks that every study can be used, numbers the rows, drops or refuses those without image, draws the subsets by patient. Throws Error(data)
// for a study without patient or with an image path that leads elsewhere, and for missing images unless they may be dropped.
inline void complete(Prepared& set, const RawFolder& raw, const PrepareOptions& options) {
  std::vector<Study> kept;
  std::int64_t absent = 0, first_absent = 0;
  for (auto& study : set.studies) {
    const auto number = static_cast<std::int64_t>(kept.size()) + absent + 1;
    if (const auto why = DataRoot::objection(study.image.generic_string())) fail(ErrorKind::data, set.name, ": the image path of study ", number, " ", *why);
    if (study.patient.empty()) fail(ErrorKind::data, set.name, ": study ", number, " has no patient");
    MGCA_CHECK(study.labels.size() == set.label_names.size(), set.name, ": study ", number, " has ", study.labels.size(), " labels, there are ", set.label_names.size());
    if (!raw.has(study.image.generic_string())) {
      if (absent++ == 0) first_absent = number;
      continue;
    }
    kept.push_back(std::move(study));
  }
  if (absent > 0) {
    if (options.missing_images == MissingImages::refuse) {
      fail(ErrorKind::data, raw.folder().string(), ": of ", kept.size() + static_cast<std::size_t>(absent), " images that the tables name, ", absent,
           " are not there (the first is that of study ", first_absent, "); complete the download, or go on without them with --missing-images drop");
    }
    set.dropped.push_back({"the image is not there", absent, "study " + std::to_string(first_absent)});
  }
  set.studies = std::move(kept);
  if (set.studies.empty()) fail(ErrorKind::data, raw.folder().string(), ": no study of ", set.name, " is left; is this the folder the set was unpacked into?");
  std::int64_t row = 0;
  for (auto& study : set.studies) {
    study.row = ++row;
    if (options.subsets == Subsets::by_patient) study.percent = study.split == "train" ? percent_of_patient(study.patient, options.seed) : 0;
  }
}

}  // namespace data
}  // namespace mgca
