// Pictures from file or array to what a network sees, their turned versions, and masks of runs and boxes made small.
// Side lengths stand in the configuration (`resize`, `crop`) or at the end of a tensor's name (`detector_224.1`, `mask_soft_224`).
#include "../case.hpp"
#include "../pictures.hpp"

#include <mgca/core/file.hpp>
#include <mgca/image/affine.hpp>
#include <mgca/image/geometry.hpp>
#include <mgca/image/intensity.hpp>
#include <mgca/image/mask.hpp>
#include <mgca/image/resize.hpp>
#include <mgca/image/rle.hpp>
#include <mgca/io/image_file.hpp>

#include <algorithm>

namespace mgca::golden {

namespace {

// The number at the end of the first asked name that begins so, else 224.
int64_t side_in_name(const Case& one, const std::string& prefix) {
  const auto at = one.asked.lower_bound(prefix);
  return at != one.asked.end() && at->first.starts_with(prefix) ? std::stoll(at->first.substr(prefix.size())) : 224;
}

void prepare(const Case& one, const nlohmann::json& item, Tensors& out) {
  const auto number = std::to_string(item.at("index").get<int64_t>());
  const auto& stored_values = one.input("image." + number);
  GreyImage source;
  if (item.at("bits") == 16) {
    source = image::scaled_to_bytes(picture_of<uint16_t>(stored_values).plane());
    out["scaled_abs." + number] = matrix_of(source);
  } else {
    source = picture_of<uint8_t>(stored_values);
  }
  const auto stored = image::fit_to_square(source.plane(), one.config.at("resize"));
  out["resized." + number] = matrix_of(stored);
  const int64_t side = one.config.at("crop");
  const auto seen = image::crop(stored.plane(), {.top = item.at("crop_y"), .left = item.at("crop_x"), .height = side, .width = side});
  Image<float> normalised(seen.size());
  std::transform(seen.pixels().begin(), seen.pixels().end(), normalised.pixels().begin(), image::normalised);
  const auto whole = matrix_of(normalised);
  out["crop_norm_sum." + number] = whole.to(torch::kFloat64).sum().view(1);
  out["crop_norm_corner." + number] = whole.slice(0, 0, 8).slice(1, 0, 8).contiguous();
  const auto squashed_side = side_in_name(one, "detector_");
  const auto name = "detector_" + std::to_string(squashed_side) + "." + number;
  if (one.asks(name))
    out[name] =
        matrix_of(image::resize(source.plane(), {.height = squashed_side, .width = squashed_side, .filter = image::Filter::bilinear}));
}

void turn(const Case& one, Tensors& out) {
  const auto picture = picture_of<uint8_t>(one.input("warp.image"));
  const auto mask = picture_of<float>(one.input("warp.mask").to(torch::kFloat32));
  const auto& list = one.config.at("warp");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const image::Similarity similarity{.angle = list[i].at(0), .scale = list[i].at(1)};
    const auto matrix = [&](const ImageSize& size) {
      const auto m = image::affine_of(similarity, size);
      return torch::tensor({m.xx, m.xy, m.x0, m.yx, m.yy, m.y0}, torch::kFloat64).view({2, 3});
    };
    const auto number = std::to_string(i);
    out["warp.image_matrix." + number] = matrix(picture.size());
    out["warp.mask_matrix." + number] = matrix(mask.size());
    out["warp.image." + number] = matrix_of(image::warp(picture.plane(), image::affine_of(similarity, picture.size())));
    out["warp.mask." + number] = matrix_of(image::warp_nearest(mask.plane(), image::affine_of(similarity, mask.size())));
  }
}

// Marked pixels as 1, made small by area averages: soft edges.
Tensor softened(const RunLengthMask& mask, int64_t side) {
  const auto marked = image::painted(mask, 1);
  Image<float> values(marked.size());
  std::copy(marked.pixels().begin(), marked.pixels().end(), values.pixels().begin());
  return matrix_of(image::resize_area(std::as_const(values).plane(), {.height = side, .width = side}));
}

void mask(const Case& one, Tensors& out) {
  const ImageSize size{.height = 1024, .width = 1024};  // of SIIM-ACR and RSNA
  if (std::filesystem::exists(one.folder / "mask.rle")) {
    const auto runs = image::parse_mask(read_text_file(one.folder / "mask.rle"), image::RunForm::relative, size);
    out["mask_row_sums"] = matrix_of(image::painted(runs, 1)).to(torch::kLong).sum(1);
    const auto side = side_in_name(one, "mask_soft_");
    out["mask_soft_" + std::to_string(side)] = softened(runs, side);
  }
  if (!one.batch.contains("boxes")) return;
  std::vector<Box> boxes;
  const auto rows = one.input("boxes").to(torch::kFloat64).contiguous();
  for (int64_t i = 0; i < rows.size(0); ++i) {
    const auto* r = rows[i].const_data_ptr<double>();
    if (r[3] > 0) boxes.push_back({.x1 = r[0], .y1 = r[1], .x2 = r[2], .y2 = r[3]});
  }
  const auto side = side_in_name(one, "boxmask_soft_");
  out["boxmask_soft_" + std::to_string(side)] = softened(image::mask_of_boxes(boxes, size), side);
}

Answer image_pipeline(const Case& one) {
  Answer out;
  for (const auto& item : one.config.at("images")) prepare(one, item, out.tensors);
  if (one.config.contains("warp")) turn(one, out.tensors);
  mask(one, out.tensors);
  for (const auto& entry : std::filesystem::directory_iterator(one.folder)) {
    const auto name = entry.path().filename().string();
    const auto kind = entry.path().extension();
    if (kind == ".png" || kind == ".jpg") out.tensors["decoded." + name] = matrix_of(io::read_image(entry.path()));
  }
  std::vector<float> table;
  for (int level = 0; level < 256; ++level) table.push_back(image::normalised(static_cast<uint8_t>(level)));
  out.tensors["normalise_lut"] = torch::tensor(table);
  return out;
}

const Kind image_pipeline_kind("image_pipeline", image_pipeline);

}  // namespace

}  // namespace mgca::golden
