// Radiograph-like pictures with reports whose answer is known: for tests, benchmarks and first steps without any data.
// Findings are small textures of random polarity somewhere in the lungs, so that no weighted sum of pixels tells them, while a
// small convolutional network can. They look like schematic drawings and have no clinical meaning whatsoever.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/random.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/image/mask.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

struct SyntheticConfig {
  std::int64_t count = 64;       // studies, one per patient
  std::uint64_t seed = 1;
  std::int64_t image_size = 64;  // pixels, square
  double contrast = 55;          // grey levels between the light and dark parts of a finding
  double noise = 9;              // standard deviation of the pixels, grey levels

  static void describe(auto& self, auto&& field) {
    field("count", self.count, "studies, one per patient");
    field("seed", self.seed, "seed of everything");
    field("image_size", self.image_size, "side of the square pictures, pixels");
    field("contrast", self.contrast, "grey levels between the light and dark parts of a finding");
    field("noise", self.noise, "standard deviation of the pixels, grey levels");
  }
  void validate() const {
    MGCA_CHECK(count > 0 && image_size >= 32, "synthetic: expected a positive count and an image_size of 32 or more, got ", count, " and ", image_size);
    MGCA_CHECK(contrast >= 0 && noise >= 0, "synthetic: contrast and noise must be 0 or more");
  }
};

class SyntheticStudies {
 public:
  // One finding of a study: the known answer.
  struct Finding {
    std::size_t kind;    // position in label_names()
    bool left;           // the patient's left, on the right of the picture
    int zone;            // 0 upper, 1 middle, 2 lower
    bool large;
    double x, y, radius; // pixels
    double polarity;     // -1 or 1
  };

  explicit SyntheticStudies(const SyntheticConfig& config) : config_((config.validate(), config)) {
    for (std::int64_t i = 0; i < config.count; ++i) studies_.push_back(make(i));
  }

  [[nodiscard]] std::int64_t size() const { return config_.count; }
  [[nodiscard]] const Study& record(std::int64_t i) const { return studies_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] const std::vector<std::string>& label_names() const {
    static const std::vector<std::string> names{"nodule", "consolidation", "atelectasis", "reticulation", "pneumothorax"};
    return names;
  }

  // The findings of study i. Between one and five, two on average; each kind in about 40 % of the studies.
  [[nodiscard]] std::vector<Finding> findings(std::int64_t i) const {
    RandomStream random(key(i), Use::synthetic_label);
    std::vector<Finding> all;
    while (all.empty()) {
      for (std::size_t kind = 0; kind < 5; ++kind) {
        if (random.uniform() < 0.38) all.push_back(place(kind, random));
      }
    }
    return all;
  }

  [[nodiscard]] GreyImage image(std::int64_t i) const {
    const auto side = config_.image_size;
    const Body body = body_of(i);
    RandomStream random(key(i), Use::synthetic_image);
    const double gain = random.uniform(0.8, 1.2), offset = random.uniform(-25, 25);
    const auto found = findings(i);
    GreyImage picture({.height = side, .width = side});
    for (std::int64_t y = 0; y < side; ++y) {
      for (std::int64_t x = 0; x < side; ++x) {
        const double px = static_cast<double>(x), py = static_cast<double>(y);
        double value = anatomy(px, py, body);
        for (const auto& f : found) value += config_.contrast * 0.5 * texture(f, px, py);
        value = (value - 110) * gain + 110 + offset + config_.noise * random.normal();
        picture.at(y, x) = static_cast<std::uint8_t>(std::clamp(std::nearbyint(value), 0.0, 255.0));
      }
    }
    return picture;
  }

  // 255 where a finding lies, 0 elsewhere: Study::mask as pixels.
  [[nodiscard]] GreyImage mask(std::int64_t i) const { return image::painted(*record(i).mask); }

 private:
  struct Body {
    double cx, cy, scale;
  };

  [[nodiscard]] RandomKey key(std::int64_t i) const { return {.seed = config_.seed, .sample = static_cast<std::uint64_t>(i)}; }
  [[nodiscard]] Body body_of(std::int64_t i) const {
    RandomStream random(key(i), Use::shift);
    const auto side = static_cast<double>(config_.image_size);
    return {side * random.uniform(0.46, 0.54), side * random.uniform(0.46, 0.54), side * random.uniform(0.92, 1.06)};
  }

  [[nodiscard]] Finding place(std::size_t kind, RandomStream& random) const {
    const auto side = static_cast<double>(config_.image_size);
    Finding f{.kind = kind, .left = random.uniform() < 0.5, .zone = static_cast<int>(random.below(3)), .large = random.uniform() < 0.5};
    f.x = side * ((f.left ? 0.69 : 0.31) + random.uniform(-0.06, 0.06));
    f.y = side * (0.30 + 0.19 * f.zone + random.uniform(-0.05, 0.05));
    f.radius = side * (f.large ? 0.105 : 0.075);
    f.polarity = random.uniform() < 0.5 ? -1 : 1;
    return f;
  }

  // Body, two lungs, heart, ribs: grey levels without findings.
  [[nodiscard]] static double anatomy(double x, double y, const Body& body) {
    const double u = (x - body.cx) / body.scale, v = (y - body.cy) / body.scale;
    const auto inside = [](double a, double b) { return std::clamp((1 - std::sqrt(a * a + b * b)) * 8 + 0.5, 0.0, 1.0); };
    double value = 20 + 150 * inside(u / 0.48, v / 0.60);
    const double lungs = std::max(inside((u + 0.19) / 0.15, v / 0.34), inside((u - 0.19) / 0.15, v / 0.34));
    value -= lungs * (85 - 18 * std::max(0.0, std::sin(28 * (v + 1.2 * u * u))));
    value += 60 * inside((u - 0.06) / 0.13, (v - 0.14) / 0.17) * (1 - 0.5 * lungs);
    return value;
  }

  // A texture of mean near 0 within the finding's circle, between -1 and 1.
  [[nodiscard]] static double texture(const Finding& f, double x, double y) {
    const double dx = x - f.x, dy = y - f.y, r = std::sqrt(dx * dx + dy * dy);  // not std::hypot, which takes half of the picture's time
    if (r > f.radius) return 0;
    const double wave = 2 * 3.14159265358979 / 4.5;  // pixels per period
    double value = 0;
    switch (f.kind) {
      case 0: value = std::cos(2 * 3.14159265358979 * r / (f.radius * 0.85)); break;    // rings
      case 1: value = std::sin(wave * (dx + dy) / std::sqrt(2.0)); break;                // falling stripes
      case 2: value = std::sin(wave * dy); break;                                        // level stripes
      case 3: value = std::sin(wave * dx) * std::sin(wave * dy) * 1.4; break;            // a grid
      default: value = std::sin(wave * dx); break;                                       // upright stripes
    }
    return f.polarity * value * std::clamp((f.radius - r) / 1.5, 0.0, 1.0);
  }

  // The discs of all findings.
  [[nodiscard]] RunLengthMask covered(const std::vector<Finding>& found) const {
    const auto side = config_.image_size;
    GreyImage picture({.height = side, .width = side});
    for (const auto& f : found) {
      const auto low = [&](double centre) { return std::max<std::int64_t>(0, static_cast<std::int64_t>(centre - f.radius)); };
      const auto past = [&](double centre) { return std::min(side, static_cast<std::int64_t>(centre + f.radius) + 2); };
      for (auto y = low(f.y); y < past(f.y); ++y) {
        for (auto x = low(f.x); x < past(f.x); ++x) {
          if (std::hypot(static_cast<double>(x) - f.x, static_cast<double>(y) - f.y) <= f.radius) picture.at(y, x) = 255;
        }
      }
    }
    return image::mask_of(std::as_const(picture).plane());
  }

  [[nodiscard]] Study make(std::int64_t i) const {
    Study study{.row = i + 1, .patient = "synthetic-" + std::to_string(i)};
    study.labels.assign(label_names().size(), 0.0F);
    RandomStream words(key(i), Use::synthetic_text);
    auto found = findings(i);
    study.mask = covered(found);
    for (const auto& f : found) {
      study.labels[f.kind] = 1;
      study.boxes.push_back({label_names()[f.kind], {f.x - f.radius, f.y - f.radius, f.x + f.radius, f.y + f.radius}});
    }
    for (std::size_t k = found.size(); k > 1; --k) std::swap(found[k - 1], found[words.below(k)]);
    static constexpr std::array<std::string_view, 3> zones{"upper", "middle", "lower"};
    for (const auto& f : found) {
      const std::string size = f.large ? "large" : "small", name = label_names()[f.kind];
      const std::string where = std::string(f.left ? "left " : "right ") + std::string(zones[static_cast<std::size_t>(f.zone)]);
      switch (words.below(3)) {
        case 0: study.report += "There is a " + size + " " + name + " in the " + where + " zone. "; break;
        case 1: study.report += "A " + size + " " + name + " of the " + where + " lung is seen. "; break;
        default: study.report += "The " + where + " zone shows a " + size + " " + name + ". "; break;
      }
    }
    static constexpr std::array<std::string_view, 4> endings{"Heart size is normal.", "The bones are intact.", "No effusion is seen.", "The mediastinum is unremarkable."};
    study.report += endings[words.below(endings.size())];
    return study;
  }

  SyntheticConfig config_;
  std::vector<Study> studies_;
};

static_assert(Dataset<SyntheticStudies>);

}  // namespace mgca
