// The draws of the released code that several data sets share, and what becomes of boxes and masks that cannot be.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/error.hpp>
#include <mgca/data/data_root.hpp>
#include <mgca/data/legacy_random.hpp>
#include <mgca/data/prepared.hpp>
#include <mgca/io/csv.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::data::detail {

struct PublishedSplit {
  std::vector<std::string> split;    // of each row
  std::vector<std::size_t> training;  // its rows, in the order they were drawn
};

// train_test_split holds a share of the rows out and halves it, both with seed 0: the first half is test, the second validation.
// Throws Error(data) for fewer than 4 rows.
inline PublishedSplit halves_held_out(std::int64_t rows, double share) {
  if (rows < 4) fail(ErrorKind::data, "the published split needs 4 rows or more, the table has ", rows);
  const auto outer = legacy_train_test_split(rows, {.test = share, .seed = 0});
  const auto inner = legacy_train_test_split(static_cast<std::int64_t>(outer.test.size()), {.test = 0.5, .seed = 0});
  PublishedSplit out{.split = std::vector<std::string>(static_cast<std::size_t>(rows), "train"), .training = {}};
  const auto held_out = [&](std::int64_t i) { return static_cast<std::size_t>(outer.test[static_cast<std::size_t>(i)]); };
  for (const auto i : inner.train) out.split[held_out(i)] = "test";
  for (const auto i : inner.test) out.split[held_out(i)] = "valid";
  out.training.assign(outer.train.begin(), outer.train.end());
  return out;
}

// The training subsets by the next choice of a generator: of each position in the training set, 1, 10 or 100.
inline std::vector<int> chosen_percents(std::size_t rows, LegacyRandom& random) {
  std::vector<int> percents(rows, 100);
  const auto order = random.permutation(static_cast<std::int64_t>(rows));
  for (const auto& [share, percent] : {std::pair(0.1, 10), std::pair(0.01, 1)}) {
    const auto taken = static_cast<std::size_t>(static_cast<double>(rows) * share);
    for (std::size_t i = 0; i < taken; ++i) percents[static_cast<std::size_t>(order[i])] = percent;
  }
  return percents;
}

inline constexpr auto kSecondDraw = "Training subsets are the second draw of the published generator, which training most likely used.";

// The same by DataFrame.sample with seed 42.
inline std::vector<int> sampled_percents(std::size_t rows) {
  std::vector<int> percents(rows, 100);
  for (const auto& [share, percent] : {std::pair(0.1, 10), std::pair(0.01, 1)}) {
    const auto taken = legacy_sample(static_cast<std::int64_t>(rows), {.fraction = share, .seed = 42});
    for (const auto i : taken) percents[static_cast<std::size_t>(i)] = percent;
  }
  return percents;
}

// ---- annotations ----

inline constexpr std::size_t kMostObjects = 100;  // annotated in one image; the released code has room for 10 (RSNA) and 20 (Object-CXR)

[[noreturn]] inline void refuse(const io::CsvRow& row, const std::string& image, std::string_view what) {
  fail(ErrorKind::data, row.place(), ": ", what, " (image '", image, "'); correct the table, or take the image out of it");
}

// Runs what reads a row and adds the image to its error.
template <class Read>
auto for_image(const std::string& image, Read&& read) {
  try {
    return read();
  } catch (const Error& error) {
    fail(error.kind(), error.what(), " (image '", image, "')");
  }
}

// A cell that is the name of a file without folder. Throws Error(data); only a name that can be one is ever shown.
inline std::string file_name_at(const io::CsvRow& row, std::size_t column, std::string_view extension = "") {
  const auto& cell = row.at(column);
  const auto first = cell.find_first_not_of(" \t"), last = cell.find_last_not_of(" \t");
  auto name = (first == std::string::npos ? std::string() : cell.substr(first, last - first + 1)) + std::string(extension);
  if (first == std::string::npos || DataRoot::objection(name) || name.find('/') != std::string::npos) {
    row.wrong(column, "the name of an image file without folder");
  }
  return name;
}

// Adds a finite box to an image of at most these sides. Throws Error(data) with file, row and image for one that cannot be.
inline void add_box(const io::CsvRow& row, const std::string& image, const LabelledBox& labelled, const ImageSize& largest,
                    std::vector<LabelledBox>& boxes) {
  const auto& b = labelled.box;
  if (b.x1 < 0 || b.y1 < 0) refuse(row, image, "a box that begins outside the image");
  if (b.x2 < b.x1 || b.y2 < b.y1) refuse(row, image, "a box whose corners are the wrong way round");
  if (b.area() <= 0) refuse(row, image, "a box without area");
  const auto right = static_cast<double>(largest.width), bottom = static_cast<double>(largest.height);
  if (b.x2 > right || b.y2 > bottom) refuse(row, image, "a box that ends outside the image");
  if (boxes.size() == kMostObjects) refuse(row, image, "more than 100 boxes for one image");
  boxes.push_back(labelled);
}

}  // namespace mgca::data::detail
