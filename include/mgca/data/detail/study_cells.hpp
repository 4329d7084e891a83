// Cells of a table as fields of a study. Each throws Error(data) with file, row and column.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/data/data_root.hpp>
#include <mgca/data/record.hpp>
#include <mgca/image/rle.hpp>
#include <mgca/io/csv.hpp>

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>

namespace mgca::data::detail {

using Column = std::optional<std::size_t>;

struct DetailColumns {
  Column view, age, sex;
};

inline std::filesystem::path image_path(const io::CsvRow& row, std::size_t column) {
  if (const auto why = DataRoot::objection(row.at(column))) {
    fail(ErrorKind::data, row.place(), ": the image path ", *why, "; write the path of a file relative to the data folder and below it, with '/'");
  }
  return std::filesystem::path(row.at(column)).lexically_normal();
}

inline void read_details(const io::CsvRow& row, const DetailColumns& columns, Study& study) {
  if (columns.view) {
    const auto view = view_of(row.at(*columns.view));
    if (!view) row.wrong(*columns.view, "PA, AP, LATERAL, LL or nothing");
    study.view = *view;
  }
  if (columns.age) {
    study.age = row.number_at(*columns.age);
    if (study.age && (*study.age < 0 || *study.age > 150)) row.wrong(*columns.age, "an age in years, 0 to 150, or nothing");
  }
  if (columns.sex) {
    const auto sex = sex_of(row.at(*columns.sex));
    if (!sex) row.wrong(*columns.sex, "F, M, O or nothing");
    study.sex = *sex;
  }
}

inline float label_at(const io::CsvRow& row, std::size_t column) {
  const auto value = row.number_at(column);
  if (value && *value != 0 && *value != 1) row.wrong(column, "0, 1 or nothing");
  return value ? static_cast<float>(*value) : kUnknownLabel;
}

// Columns of x, y, width and height.
inline Box box_at(const io::CsvRow& row, const std::array<std::size_t, 4>& sides) {
  std::array<double, 4> v{};
  for (std::size_t k = 0; k < 4; ++k) {
    const auto value = row.number_at(sides[k]);
    if (!value || *value < 0 || (k >= 2 && *value == 0)) row.wrong(sides[k], k < 2 ? "a number of 0 or more" : "a positive number");
    v[k] = *value;
  }
  return box_of(CornerSize{.x = v[0], .y = v[1], .width = v[2], .height = v[3]});
}

inline int percent_at(const io::CsvRow& row, std::size_t column) {
  const auto value = row.integer_at(column);
  if (value && *value != 1 && *value != 10 && *value != 100) row.wrong(column, "1, 10, 100 or nothing");
  return static_cast<int>(value.value_or(0));
}

// The runs are in the absolute form: down the columns, places counted from 1, "-1" for an empty mask.
inline RunLengthMask mask_at(const io::CsvRow& row, std::size_t height, std::size_t width, std::size_t runs) {
  const auto side = [&](std::size_t column) {
    const auto value = row.integer_at(column);
    if (!value || *value <= 0 || *value > 32768) row.wrong(column, "1 to 32,768 pixels");
    return *value;
  };
  const ImageSize size{.height = side(height), .width = side(width)};
  try {
    return image::parse_mask(row.at(runs), image::RunForm::absolute, size);
  } catch (const Error& error) {
    fail(ErrorKind::data, row.place(runs), ": ", error.what());
  }
}

}  // namespace mgca::data::detail
