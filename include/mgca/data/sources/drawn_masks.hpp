// Pictures whose masks were drawn by hand and lie beside them as pictures: what annotation tools write.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/data/data_root.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/data/detail/study_cells.hpp>
#include <mgca/image/mask.hpp>
#include <mgca/io/csv.hpp>
#include <mgca/io/image_file.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

struct DrawnMasksConfig {
  std::filesystem::path folder;
  std::filesystem::path table = "masks.csv";  // in the folder; columns image and mask, and where there are: split, group
  std::string class_column;                   // its values become labels, each 1 on its rows and 0 on others; empty: no labels

  static void describe(auto& self, auto&& field) {
    field("folder", self.folder, "where the table and the pictures lie");
    field("table", self.table, "CSV with image, mask, and where there are: split, group");
    field("class_column", self.class_column, "column whose values become labels; empty: no labels");
  }
};

// Study::mask is what is 255 in the mask's picture, Study::undecided what is mid-grey, 127 or 128; 0 is outside, and nothing else may stand
// there.
class DrawnMasks {
 public:
  static constexpr std::uint8_t kInside = 255;
  [[nodiscard]] static constexpr bool is_undecided(std::uint8_t grey) { return grey == 127 || grey == 128; }

  // Reads the table and all masks. Throws Error(system) for a missing file, Error(data) naming table and row for a mask with other values,
  // paths and links that leave the folder, and a table without rows.
  explicit DrawnMasks(DrawnMasksConfig config) : config_(std::move(config)), root_(config_.folder) {
    auto table = io::CsvTable::read(config_.folder / config_.table);
    const auto image = table.column("image"), mask = table.column("mask");
    const auto split = table.find("split"), group = table.find("group");
    std::vector<std::string> classes;
    table.for_each([&](const io::CsvRow& row) {
      Study study{.row = row.number(), .image = data::detail::image_path(row, image)};
      if (split) study.split = row.at(*split);
      if (group) study.patient = row.at(*group);
      read_mask(row, data::detail::image_path(row, mask), study);
      if (!config_.class_column.empty()) classes.push_back(row.at(table.column(config_.class_column)));
      studies_.push_back(std::move(study));
    });
    if (studies_.empty()) fail(ErrorKind::data, table.source(), ": has no rows");
    names_ = classes;
    std::sort(names_.begin(), names_.end());
    names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
    for (std::size_t i = 0; i < classes.size(); ++i) {
      for (const auto& name : names_) studies_[i].labels.push_back(name == classes[i] ? 1.0F : 0.0F);
    }
  }

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(studies_.size()); }
  [[nodiscard]] const Study& record(std::int64_t i) const { return studies_[static_cast<std::size_t>(i)]; }
  // Throws Error with table and row before the reason; Error(data) for a path that leads out of the folder.
  [[nodiscard]] GreyImage image(std::int64_t i) const {
    return picture((config_.folder / config_.table).string() + ": row " + std::to_string(record(i).row), record(i).image);
  }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return names_; }

 private:
  // `place` is the row that names it.
  [[nodiscard]] GreyImage picture(const std::string& place, const std::filesystem::path& path) const {
    try {
      return io::decode_image(root_.read(path), path.generic_string());
    } catch (const Error& error) {
      fail(error.kind(), place, ": ", error.what());
    }
  }
  void read_mask(const io::CsvRow& row, const std::filesystem::path& path, Study& study) const {
    const auto drawn = picture(row.place(), path);
    auto inside = drawn, undecided = drawn;
    bool any = false;
    for (std::size_t i = 0; i < drawn.pixels().size(); ++i) {
      const auto value = drawn.pixels()[i];
      if (value != 0 && value != kInside && !is_undecided(value))
        fail(ErrorKind::data, row.place(), ": a pixel of its mask is ", int{value},
             "; expected 0 outside, 255 inside, and 127 or 128 where nobody decided (a PNG, not a JPEG)");
      inside.pixels()[i] = value == kInside ? 1 : 0;
      undecided.pixels()[i] = is_undecided(value) ? 1 : 0;
      any = any || is_undecided(value);
    }
    study.mask = image::mask_of(std::as_const(inside).plane());
    if (any) study.undecided = image::mask_of(std::as_const(undecided).plane());
  }

  DrawnMasksConfig config_;
  DataRoot root_;
  std::vector<Study> studies_;
  std::vector<std::string> names_;
};

static_assert(Dataset<DrawnMasks>);

}  // namespace mgca
