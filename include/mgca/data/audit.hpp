// One pass over a data set before it is used: everything that is wrong, by row, instead of the first thing, mid-epoch.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/image/perceptual_hash.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::data {

enum class ProblemKind : std::uint8_t {
  unreadable_image,
  empty_report,
  patient_in_two_splits,
  picture_in_two_splits,
  repeated_picture,  // within one split
  missing_patient,   // where other rows have one: nobody can tell whether it leaks
  box_outside,       // by more than a pixel
  repeated_box,
  similar_picture,
};

// Whether a training run on such data would fail or mislead; the rest is worth a look.
[[nodiscard]] constexpr bool is_grave(ProblemKind kind) { return kind <= ProblemKind::picture_in_two_splits; }

struct Problem {
  std::int64_t row = 0;
  ProblemKind kind{};
  std::string what;  // holds no report text and no patient
};

struct AuditOptions {
  bool pictures = true;      // decode every picture; false: the tables alone, with pictures told apart by their paths
  std::int64_t threads = 0;  // that decode; 0: as many as the machine has
  int similar = -1;          // pictures whose perceptual hashes differ in so many of 256 bits or fewer are told; -1: not looked for
};

struct Audit {
  std::vector<Problem> problems;        // in the order of the records
  std::vector<std::uint64_t> pictures;  // of each record, a hash of its pixels, for fingerprint(); empty if none were decoded
  std::int64_t repeated_reports = 0;    // records whose report is that of an earlier one: ordinary in normal findings
};

// What the audit keeps of a picture.
struct SeenPicture {
  std::int64_t height = 0, width = 0;
  std::uint64_t content = 0;  // of pixels and sides
  PerceptualHash outline{};   // where similar ones are looked for
  std::string error;          // why it cannot be read
};

namespace detail {

inline SeenPicture seen(const GreyImage& image, bool with_outline) {
  const std::array<std::uint64_t, 3> sum{static_cast<std::uint64_t>(image.height()), static_cast<std::uint64_t>(image.width()),
                                         checksum(std::as_bytes(image.pixels()))};
  return {.height = image.height(), .width = image.width(), .content = checksum(std::as_bytes(std::span(sum))),
          .outline = with_outline ? image::perceptual_hash(image.plane()) : PerceptualHash{}, .error = {}};
}

template <Dataset D>
std::vector<SeenPicture> see_pictures(const D& data, const AuditOptions& options) {
  std::vector<SeenPicture> pictures(static_cast<std::size_t>(data.size()));
  const auto look = [&](std::int64_t i) {
    auto& picture = pictures[static_cast<std::size_t>(i)];
    try {
      picture = seen(data.image(i), options.similar >= 0);
    } catch (const std::exception& error) {
      picture.error = error.what();
    }
  };
  parallel_for(data.size(), look, {.threads = options.threads});
  return pictures;
}

// For each picture the first earlier one that looks like it but is not the same; -1: none.
inline std::vector<std::int64_t> similar_pictures(const std::vector<SeenPicture>& pictures, const AuditOptions& options) {
  std::vector<std::int64_t> earlier(pictures.size(), -1);
  const auto look = [&](std::int64_t i) {
    const auto& mine = pictures[static_cast<std::size_t>(i)];
    for (std::int64_t j = 0; j < i && mine.error.empty(); ++j) {
      const auto& other = pictures[static_cast<std::size_t>(j)];
      if (!other.error.empty() || other.content == mine.content || difference(mine.outline, other.outline) > options.similar) continue;
      earlier[static_cast<std::size_t>(i)] = j;
      return;
    }
  };
  parallel_for(static_cast<std::int64_t>(pictures.size()), look, {.threads = options.threads});
  return earlier;
}

}  // namespace detail

// Unreadable images, empty reports, patients and pictures in two splits, repeated pictures and boxes, boxes outside their picture,
// and on request pictures that look alike.
// Pictures are the same if their decoded pixels are, whatever the files are called and however they are compressed without loss;
// the pictures are decoded anyway to be checked, so this costs one hash. `pictures`: what is known of each, from a pack; none: they are
// decoded if the options say so.
template <Dataset D>
[[nodiscard]] Audit audit(const D& data, const AuditOptions& options = {}, std::vector<SeenPicture> pictures = {}) {
  MGCA_CHECK(pictures.empty() || static_cast<std::int64_t>(pictures.size()) == data.size(), "audit: expected one picture for each of ", data.size(), " records, got ", pictures.size());
  Audit result;
  const bool must_look = pictures.empty() || options.similar >= 0;  // a pack knows no outlines
  if (options.pictures && must_look) pictures = detail::see_pictures(data, options);
  for (const auto& picture : pictures) result.pictures.push_back(picture.content);

  struct First {
    std::int64_t row;
    std::string split;
  };
  std::map<std::string, First> patients, paths;
  std::map<std::uint64_t, First> contents;
  std::set<std::string_view> reports;
  const auto blank = [](const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; };
  bool some_patient = false, some_report = false;  // where no record has one, the data set is one without
  for (std::int64_t i = 0; i < data.size(); ++i) {
    some_patient = some_patient || !data.record(i).patient.empty();
    some_report = some_report || !blank(data.record(i).report);
  }

  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto& study = data.record(i);
    const auto report = [&](ProblemKind kind, std::string what) { result.problems.push_back({study.row, kind, std::move(what)}); };
    // Whether this key stood in an earlier row, and what to say then.
    const auto again = [&](auto& seen, const auto& key, const char* what) {
      const auto [it, is_new] = seen.try_emplace(key, First{study.row, study.split});
      if (is_new) return false;
      const bool crosses = it->second.split != study.split;
      report(crosses ? ProblemKind::picture_in_two_splits : ProblemKind::repeated_picture,
             std::string(what) + " as row " + std::to_string(it->second.row) + (crosses ? ", which is in another split" : ""));
      return true;
    };

    if (!blank(study.report)) result.repeated_reports += reports.insert(study.report).second ? 0 : 1;
    else if (some_report) report(ProblemKind::empty_report, "the report is empty");
    if (study.patient.empty()) {
      if (some_patient) report(ProblemKind::missing_patient, "no patient, so that a leak between splits cannot be seen");
    } else {
      const auto [it, is_new] = patients.try_emplace(study.patient, First{study.row, study.split});
      if (!is_new && it->second.split != study.split) {
        report(ProblemKind::patient_in_two_splits, "the patient of row " + std::to_string(it->second.row) + ", which is in another split");
      }
    }
    const bool same_path = !study.image.empty() && again(paths, study.image.generic_string(), "the same image");
    for (std::size_t b = 0; b < study.boxes.size(); ++b) {
      const auto earlier = study.boxes.begin() + static_cast<std::ptrdiff_t>(b);
      if (std::find(study.boxes.begin(), earlier, *earlier) != earlier) report(ProblemKind::repeated_box, "box " + std::to_string(b + 1) + " is there twice");
    }
    if (pictures.empty()) continue;
    const auto& picture = pictures[static_cast<std::size_t>(i)];
    if (!picture.error.empty()) {
      report(ProblemKind::unreadable_image, picture.error);
      continue;
    }
    if (!same_path) again(contents, picture.content, "the same picture under another name");
    for (std::size_t b = 0; b < study.boxes.size(); ++b) {
      const auto& box = study.boxes[b].box;
      const auto width = static_cast<double>(picture.width), height = static_cast<double>(picture.height);
      if (box.x1 >= -1 && box.y1 >= -1 && box.x2 <= width + 1 && box.y2 <= height + 1) continue;
      report(ProblemKind::box_outside, "box " + std::to_string(b + 1) + " reaches outside the picture of " + std::to_string(picture.width) + " x " +
                                           std::to_string(picture.height) + " pixels");
    }
  }
  if (options.similar >= 0) {
    const auto earlier = detail::similar_pictures(pictures, options);
    for (std::int64_t i = 0; i < data.size(); ++i) {
      const auto j = pictures.empty() ? -1 : earlier[static_cast<std::size_t>(i)];
      if (j < 0) continue;
      const auto& first = data.record(j);
      result.problems.push_back({data.record(i).row, ProblemKind::similar_picture,
                                 "the picture looks like that of row " + std::to_string(first.row) + (first.split == data.record(i).split ? "" : ", which is in another split")});
    }
  }
  return result;
}

// The grave ones.
[[nodiscard]] inline std::vector<Problem> grave(std::vector<Problem> problems) {
  std::erase_if(problems, [](const Problem& problem) { return !is_grave(problem.kind); });
  return problems;
}

// Throws Error(data) naming the first few problems, `source` and how many there are in all.
inline void require_none(const std::vector<Problem>& problems, const std::string& source) {
  if (problems.empty()) return;
  std::string text;
  for (std::size_t i = 0; i < problems.size() && i < 10; ++i) text += "\n  row " + std::to_string(problems[i].row) + ": " + problems[i].what;
  if (problems.size() > 10) text += "\n  ...";
  fail(ErrorKind::data, source, ": ", problems.size(), problems.size() == 1 ? " problem" : " problems", "; mend or remove these rows:", text);
}

}  // namespace mgca::data
