// What training does to pixels: Pillow's blur, brightness and contrast with the factors of the configuration, and the mirror.
// Both orders of brightness 1.3 and contrast 0.7, the factors the cases were made with; `order` in the configuration names others.
#include "../case.hpp"
#include "../pictures.hpp"

#include <mgca/image/blur.hpp>
#include <mgca/image/geometry.hpp>
#include <mgca/image/tone.hpp>

namespace mgca::golden {

namespace {

Answer augment(const Case& one) {
  const auto picture = picture_of<uint8_t>(one.input("image"));
  const auto list = [&](const char* name) { return one.config.value(name, std::vector<double>{}); };
  const auto with = [&](auto... steps) {
    auto seen = picture;
    (steps(seen), ...);
    return matrix_of(seen);
  };
  const auto brightness = [](double factor) { return [factor](GreyImage& seen) { image::adjust_brightness(seen.plane(), factor); }; };
  const auto contrast = [](double factor) { return [factor](GreyImage& seen) { image::adjust_contrast(seen.plane(), factor); }; };
  Answer out;
  const auto blurs = list("blur_sigma"), lights = list("brightness"), contrasts = list("contrast");
  for (std::size_t i = 0; i < blurs.size(); ++i)
    out.tensors["blur." + std::to_string(i)] = matrix_of(image::gaussian_blur(picture.plane(), blurs[i]));
  for (std::size_t i = 0; i < lights.size(); ++i) out.tensors["brightness." + std::to_string(i)] = with(brightness(lights[i]));
  for (std::size_t i = 0; i < contrasts.size(); ++i) out.tensors["contrast." + std::to_string(i)] = with(contrast(contrasts[i]));
  const auto order = one.config.value("order", std::vector<double>{1.3, 0.7});
  if (order.size() != 2)
    fail(ErrorKind::data, one.folder.string(), ": order names a brightness and a contrast, got ", order.size(), " numbers");
  out.tensors["brightness_then_contrast"] = with(brightness(order[0]), contrast(order[1]));
  out.tensors["contrast_then_brightness"] = with(contrast(order[1]), brightness(order[0]));
  out.tensors["flip"] = matrix_of(image::flip_horizontal(picture.plane()));
  return out;
}

const Kind augment_kind("augment", augment);

}  // namespace

}  // namespace mgca::golden
