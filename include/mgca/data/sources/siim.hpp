// SIIM-ACR Pneumothorax Segmentation 2019: masks as relative runs in a frame of 1024 x 1024 pixels, several rows for some images.
// Raw: train-rle.csv, dicom-images-train/<study>/<series>/<ImageId>.dcm.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/data/detail/published_draws.hpp>
#include <mgca/data/prepared.hpp>
#include <mgca/data/raw_folder.hpp>
#include <mgca/image/mask.hpp>
#include <mgca/image/rle.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mgca::data {

namespace detail {

struct SiimImage {
  std::string id;                    // SOP instance UID, the name of the file
  std::string place;                 // of its first row
  std::vector<RunLengthMask> masks;  // of its rows; one empty one if it has no pneumothorax
  [[nodiscard]] bool positive() const { return !masks.front().runs.empty(); }
};

struct SiimTable {
  std::vector<SiimImage> images;  // as they first appear
  std::vector<std::size_t> rows;  // image of each row
};

inline SiimTable read_siim_table(RawFolder& raw) {
  SiimTable out;
  auto table = raw.table("train-rle.csv");
  const auto image = table.column("ImageId");
  const auto spaced = table.find(" EncodedPixels");  // as it was published
  const auto pixels = spaced ? *spaced : table.column("EncodedPixels");
  std::map<std::string, std::size_t> known;
  table.for_each([&](const io::CsvRow& row) {
    const auto name = file_name_at(row, image, ".dcm");
    RunLengthMask mask;
    try {
      mask = image::parse_mask(row.at(pixels), image::RunForm::relative, {.height = 1024, .width = 1024});
    } catch (const Error& error) {
      refuse(row, name, error.what());
    }
    const auto [at, is_new] = known.emplace(name, out.images.size());
    if (is_new) out.images.push_back({.id = name.substr(0, name.size() - 4), .place = row.place(), .masks = {}});
    auto& masks = out.images[at->second].masks;
    if (!is_new && (mask.runs.empty() || masks.front().runs.empty())) {
      refuse(row, name, "a row without a mask beside another row of the same image");
    }
    if (std::find(masks.begin(), masks.end(), mask) != masks.end()) refuse(row, name, "a mask that was there before");
    if (masks.size() == kMostObjects) refuse(row, name, "more than 100 masks for one image");
    masks.push_back(std::move(mask));
    out.rows.push_back(at->second);
  });
  return out;
}

// Paths of the images by name. Throws Error(data) for a name that stands in two folders.
inline std::map<std::string, std::string> siim_files(const RawFolder& raw) {
  std::map<std::string, std::string> paths;
  for (const auto& path : raw.files(raw.has("dicom-images-train") ? "dicom-images-train" : "", ".dcm")) {
    const auto name = std::filesystem::path(path).stem().string();
    if (!paths.emplace(name, path).second) fail(ErrorKind::data, raw.folder().string(), ": image '", name, "' is in two folders; keep one");
  }
  return paths;
}

// What training takes as published: all positive images and as many negative ones, and subsets of these. Images -> percent, 0: left out.
inline std::vector<int> balanced_percents(const std::vector<SiimImage>& images, const std::vector<std::size_t>& training) {
  std::vector<std::size_t> taken, negative;
  for (const auto i : training) (images[i].positive() ? taken : negative).push_back(i);
  LegacyRandom random(42);
  const auto count = static_cast<std::int64_t>(negative.size());
  auto chosen = random.choice({.count = count, .taken = std::min(count, static_cast<std::int64_t>(taken.size()))});
  std::sort(chosen.begin(), chosen.end());
  for (const auto k : chosen) taken.push_back(negative[static_cast<std::size_t>(k)]);
  const auto percents = chosen_percents(taken.size(), random);
  std::vector<int> of_image(images.size(), 0);
  for (std::size_t i = 0; i < taken.size(); ++i) of_image[taken[i]] = percents[i];
  return of_image;
}

}  // namespace detail

// Images in the order of the table; label "Pneumothorax"; the mask is the union of an image's rows. Splits: the published draws over
// images, or, with leaks as published, over rows, where an image can be in several. Training subsets as published are drawn from all
// positive and as many negative images, and the other negative ones are dropped from training. Throws Error(system) for a missing
// table, Error(data) with file, row and image for malformed rows.
[[nodiscard]] inline Prepared prepare_siim(RawFolder& raw, const PrepareOptions& options) {
  Prepared set{.name = "siim", .label_names = {"Pneumothorax"}};
  const auto table = detail::read_siim_table(raw);
  auto files = detail::siim_files(raw);

  const bool by_row = options.leaks == Leaks::as_published;
  std::vector<std::size_t> units = table.rows;  // what is split: rows or images
  if (!by_row) {
    units.resize(table.images.size());
    for (std::size_t i = 0; i < units.size(); ++i) units[i] = i;
  }
  const auto split = detail::halves_held_out(static_cast<std::int64_t>(units.size()), 0.3);
  std::vector<std::vector<std::string>> splits(table.images.size());
  for (std::size_t i = 0; i < units.size(); ++i) {
    auto& of_image = splits[units[i]];
    if (std::find(of_image.begin(), of_image.end(), split.split[i]) == of_image.end()) of_image.push_back(split.split[i]);
  }
  std::vector<int> percents(table.images.size(), 100);
  if (options.subsets == Subsets::as_published) {
    std::vector<std::size_t> training;  // each image once, where it first appears
    std::vector<bool> seen(table.images.size(), false);
    for (const auto i : split.training) {
      if (!seen[units[i]]) training.push_back(units[i]);
      seen[units[i]] = true;
    }
    percents = detail::balanced_percents(table.images, training);
  }

  std::int64_t positive = 0, marked = 0;
  for (std::size_t i = 0; i < table.images.size(); ++i) {
    const auto& image = table.images[i];
    const auto mask = image::united(image.masks);
    positive += image.positive() ? 1 : 0;
    marked += image::area(mask);
    const auto file = files.extract(image.id);
    const auto path = file ? file.mapped() : "dicom-images-train/" + image.id + ".dcm";
    for (const auto& side : splits[i]) {
      const int percent = side == "train" && options.subsets == Subsets::as_published ? percents[i] : 0;
      if (side == "train" && percents[i] == 0) {
        set.drop("a negative image that balancing leaves out of training", image.place);
        continue;
      }
      const float label = image.positive() ? 1 : 0;
      set.studies.push_back({.image = path, .patient = image.id, .split = side, .labels = {label}, .mask = mask, .percent = percent});
    }
  }
  for (std::size_t i = 0; i < files.size(); ++i) set.drop("an image in no row of train-rle.csv", "dicom-images-train");
  set.expect("rows", 12954, static_cast<std::int64_t>(table.rows.size()));
  if (table.rows.size() == 12954) {  // the public table
    set.expect("images", 12047, static_cast<std::int64_t>(table.images.size()));
    set.expect("images with a mask", 2669, positive);
    set.expect("pixels in a mask", 38250469, marked);
  }
  set.notes.emplace_back(by_row ? "Split by row as published: an image with several can be in several splits, in each with its whole mask."
                                : "Split by image with the published draws; the released code split rows.");
  set.notes.emplace_back("The table names no patients: each image counts as one.");
  complete(set, raw, options);
  return set;
}

}  // namespace mgca::data
