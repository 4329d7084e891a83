#include "picture.hpp"

#include <mgca/image/geometry.hpp>

namespace picture {

namespace {

// The stored square and its centre crop, enlarged together so that the crop has `side` pixels.
struct Field {
  std::int64_t square, offset;
};

Field field_of(const study::Study::Source& source, std::int64_t side) {
  const auto& c = source.config();
  const auto square = c.stored_side * side / c.augmentation.crop;
  return {square, (square - side) / 2};
}

}  // namespace

mgca::GreyImage seen(const study::Study::Source& source, std::int64_t record, std::int64_t side) {
  const auto [square, offset] = field_of(source, side);
  const auto whole = mgca::image::fit_to_square(source.data().image(record).plane(), square);
  return mgca::image::crop(whole.plane(), {.top = offset, .left = offset, .height = side, .width = side});
}

std::vector<mgca::LabelledBox> boxes(const study::Study::Source& source, std::int64_t record, std::int64_t side) {
  auto all = source.data().record(record).boxes;
  if (all.empty()) return all;
  const auto [square, offset] = field_of(source, side);
  const auto image = source.data().image(record);
  const auto fitted = mgca::image::fitted_size({.height = image.height(), .width = image.width()}, square);
  const auto scale = static_cast<double>(fitted.width) / static_cast<double>(image.width());
  const auto left = static_cast<double>((square - fitted.width) / 2 - offset), top = static_cast<double>((square - fitted.height) / 2 - offset);
  for (auto& one : all) {
    one.box = {.x1 = one.box.x1 * scale + left, .y1 = one.box.y1 * scale + top, .x2 = one.box.x2 * scale + left, .y2 = one.box.y2 * scale + top};
  }
  return all;
}

}  // namespace picture
