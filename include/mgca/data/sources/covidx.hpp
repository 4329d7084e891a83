// COVIDx: radiographs of many sources in three classes. Lists with three classes (A) and with two (B) exist in several versions;
// the pictures on Kaggle belong to one of them, and an older list names pictures that are no longer there.
// Reference: Wang, Lin, Wong 2020, COVID-Net; lists: github.com/lindawangg/COVID-Net, folder labels.
#pragma once

#include <mgca/data/prepared.hpp>
#include <mgca/data/published_subsets.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::data {

inline constexpr std::array<std::string_view, 3> kCovidxLabels{"normal", "pneumonia", "COVID-19"};

namespace detail {

// A published training list, by how many lines it has.
struct CovidxList {
  std::string_view name;
  std::int64_t lines;
  std::array<std::int64_t, 3> of_class;
};
inline constexpr std::array<CovidxList, 2> kCovidxLists{{{"V9A", 30'130, {8085, 5555, 16'490}}, {"CXR-3A", 29'634, {8085, 5555, 15'994}}}};

inline std::optional<std::size_t> covidx_class(std::string_view word) {
  for (std::size_t i = 0; i < kCovidxLabels.size(); ++i) {
    if (mgca::detail::lower_trimmed(word) == mgca::detail::lower_trimmed(kCovidxLabels[i])) return i;
  }
  return std::nullopt;
}

// Lines of patient, file, class and, in all but the oldest lists, source, between spaces; there is no header. The file's name may hold
// spaces.
inline std::vector<Study> read_covidx_list(RawFolder& raw, const std::string& name, const std::string& folder) {
  const auto text = raw.text(name);
  std::vector<Study> studies;
  std::int64_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    ++number;
    const auto wrong = [&](std::string_view what) { fail(ErrorKind::data, name, ": line ", number, ": ", what); };
    std::vector<std::string_view> words;
    for (std::size_t from = 0; (from = line.find_first_not_of(" \t\r", from)) != std::string_view::npos;) {
      const auto to = std::min(line.find_first_of(" \t\r", from), line.size());
      words.push_back(line.substr(from, to - from));
      from = to;
    }
    if (words.empty()) continue;
    const auto count = words.size();
    std::size_t class_at = 0;
    for (const auto place : {count - 1, count - 2}) {
      if (class_at == 0 && place >= 2 && place < count && covidx_class(words[place])) class_at = place;
      if (place >= 2 && place < count && (words[place] == "positive" || words[place] == "negative")) {
        wrong(
            "'positive' and 'negative' are the classes of a list of kind B, which does not tell normal from pneumonia; use the list of "
            "kind A");
      }
    }
    if (class_at == 0) {
      wrong("expected patient, file, one of normal, pneumonia and COVID-19, and perhaps a source, with spaces between them");
    }
    Study study{.patient = std::string(words[0])};
    const auto begin = words[1].data(), last = words[class_at - 1].data() + words[class_at - 1].size();
    const std::string_view file(begin, static_cast<std::size_t>(last - begin));
    if (const auto why = DataRoot::objection(file)) wrong("the name of the file " + std::string(*why));
    study.image = folder + std::string(file);
    study.labels.assign(kCovidxLabels.size(), 0.0F);
    study.labels[*covidx_class(words[class_at])] = 1;
    studies.push_back(std::move(study));
  }
  if (studies.empty()) fail(ErrorKind::data, name, ": the list is empty; expected a line per picture");
  return studies;
}

// The list to use of those beside each other: the only one; of several the one the protocol asks for.
inline std::string covidx_list(const RawFolder& raw, std::string_view side, DataProtocol protocol) {
  std::vector<std::string> lists;
  for (const auto& name : raw.files("", ".txt")) {
    if (name.starts_with(side) && name.find('/') == std::string::npos) lists.push_back(name);
  }
  const auto first = std::string(side) + "_COVIDx" + (protocol == DataProtocol::code ? "9A.txt" : "_CXR-3A.txt");
  if (lists.size() == 1) return lists.front();
  if (lists.empty() || std::find(lists.begin(), lists.end(), first) != lists.end()) return first;
  std::string all;
  for (const auto& name : lists) all += (all.empty() ? "" : ", ") + name;
  fail(ErrorKind::data, raw.folder().string(), ": expected one ", side, " list or ", first, ", found ", all, "; leave one there");
}

}  // namespace detail

// From train_COVIDx*.txt and test_COVIDx*.txt beside the folders train and test. A fifth of the rows of the training list becomes
// validation, drawn as the released code draws it. Throws Error(system) for a missing list, Error(data) with file and line.
[[nodiscard]] inline Prepared prepare_covidx(RawFolder& raw, const PrepareOptions& options) {
  const auto train_list = detail::covidx_list(raw, "train", options.protocol),
             test_list = detail::covidx_list(raw, "test", options.protocol);
  auto learned = detail::read_covidx_list(raw, train_list, "train/");
  auto tested = detail::read_covidx_list(raw, test_list, "test/");
  Prepared set{.name = "covidx"};
  set.label_names.assign(kCovidxLabels.begin(), kCovidxLabels.end());
  const auto lines = static_cast<std::int64_t>(learned.size());
  const auto split = legacy_train_test_split(lines, {.test = {}, .train = 0.8, .seed = 0});
  const auto add = [&](std::vector<Study>& from, std::int64_t row, const char* name) {
    auto& study = from[static_cast<std::size_t>(row)];
    study.split = name;
    set.studies.push_back(std::move(study));
  };
  std::array<std::int64_t, 3> of_class{};
  for (const auto& study : learned) {
    for (std::size_t i = 0; i < of_class.size(); ++i) of_class[i] += study.labels[i] == 1 ? 1 : 0;
  }
  for (const auto row : split.train) add(learned, row, "train");
  for (const auto row : split.test) add(learned, row, "valid");
  for (std::int64_t row = 0; row < static_cast<std::int64_t>(tested.size()); ++row) add(tested, row, "test");
  if (options.subsets == Subsets::as_published) draw_published_subsets(set.studies);

  const auto& known = detail::kCovidxLists[options.protocol == DataProtocol::code ? 0 : 1];
  set.expect("lines of the training list " + std::string(known.name), known.lines, lines);
  for (std::size_t i = 0; i < of_class.size(); ++i) {
    set.expect(std::string(kCovidxLabels[i]) + " in the training list " + std::string(known.name), known.of_class[i], of_class[i]);
  }
  set.expect("lines of the test list", 400, static_cast<std::int64_t>(tested.size()));
  for (const auto& list : detail::kCovidxLists) {
    if (list.lines == lines) set.notes.push_back("The training list has as many lines as that of version " + std::string(list.name) + ".");
  }
  set.notes.emplace_back(
      "Published results quote 23,988, 5,998 and 400 pictures, which is 0.8 of a list of 29,986 lines: the length of the list of kind B of "
      "CXR-3, which has no three classes.");
  set.notes.emplace_back("Validation is drawn by row, as published, so that patients have pictures in training and validation.");
  complete(set, raw, options);
  return set;
}

}  // namespace mgca::data
