// Where an image shows what a phrase says: a map of similarities between the phrase and the patches, and how well it meets the boxes
// a reader drew.
// Reference: Boecking et al., "Making the Most of Text Semantics", ECCV 2022 (phrase grounding on MS-CXR).
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/core/box.hpp>
#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/data/pack.hpp>
#include <mgca/encoders/features.hpp>  // grid_side
#include <mgca/feed/tokens.hpp>
#include <mgca/image/augment.hpp>
#include <mgca/image/geometry.hpp>
#include <mgca/metrics/grounding.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/train/evaluate.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mgca {

enum class PhraseSimilarity : uint8_t {
  summary,  // cosine of the phrase's summary with each patch
  words,    // mean over the phrase's words of their cosine with each patch
};
constexpr auto names_of(PhraseSimilarity) { return std::to_array<std::string_view>({"summary", "words"}); }

struct GroundingOptions {
  PhraseSimilarity similarity = PhraseSimilarity::summary;
  int64_t stored_side = 224;  // pictures are fitted into a square of this side; the model's own side shows the whole picture
  LocalContrast local_contrast;
  std::vector<double> thresholds = metrics::grounding_thresholds();
  int64_t batch_size = 32;

  static void describe(auto& self, auto&& field) {
    field("similarity", self.similarity, "of phrase and patch");
    field("stored_side", self.stored_side, "side of the square pictures are fitted into, pixels");
    field("local_contrast", self.local_contrast, "whether pictures are evened out");
    field("thresholds", self.thresholds, "on the map, of IoU and Dice");
    field("batch_size", self.batch_size, "phrases at a time");
  }
};

// A sentence and where it holds.
struct GroundedPhrase {
  int64_t record = 0;      // of the data set
  std::string phrase;      // never shown in messages
  std::vector<Box> boxes;  // pixels of the image file
};

struct GroundedMap {
  Image<float> map;                  // side x side of the model's input
  std::vector<Box> boxes;            // in its pixels
  std::optional<Grounding> measure;  // nothing where the crop leaves no pixel of the boxes
};

namespace tasks {

// Similarities of each phrase with the patches of its image, (B, side, side): bilinear between the centres of the patches. Images
// (B, 3, S, S) and B phrases. In the model's present mode, without gradient.
[[nodiscard]] inline Tensor phrase_maps(AlignmentModel& model, const Tensor& images, const Tokens& phrases, PhraseSimilarity similarity) {
  MGCA_CHECK(images.dim() == 4 && images.size(0) == phrases.ids.size(0), "phrase_maps: expected one phrase for each image, got images ", images.sizes(),
             " and ", phrases.ids.size(0), " phrases");
  const torch::NoGradGuard no_grad;
  const auto text = model.encode_text(phrases);  // first: a model of pictures alone says so here
  const auto patches = parts_of(model.encode_image(images), "phrase_maps: patches").to(torch::kFloat32);  // (B, P, d)
  const auto B = patches.size(0), side = grid_side(patches.size(1));
  Tensor cosine;  // (B, P)
  if (similarity == PhraseSimilarity::summary) {
    cosine = patches.bmm(text.global.to(torch::kFloat32).unsqueeze(2)).squeeze(2);
  } else {
    auto words = parts_of(text, "phrase_maps: words").to(torch::kFloat32);  // 0 where there is no word
    auto count = torch::full({B, 1}, static_cast<double>(words.size(1)), words.options());
    if (text.valid.defined()) {
      const auto valid = text.valid.to(torch::kFloat32);
      words = words * valid.unsqueeze(2);
      count = valid.sum(1, true).clamp_min(1);
    }
    cosine = patches.bmm(words.sum(1).unsqueeze(2)).squeeze(2) / count;
  }
  return torch::upsample_bilinear2d(cosine.view({B, 1, side, side}), {images.size(2), images.size(3)}, /*align_corners=*/false).squeeze(1);
}

// The map of each phrase and its measure, in the order given. In evaluation mode; the mode is restored. Throws Error(argument) for a
// phrase whose record does not exist or that has no box, Error(data) for one without a word and as the data do for pictures.
template <Dataset D>
[[nodiscard]] std::vector<GroundedMap> ground(AlignmentModel& model, const D& data, std::span<const GroundedPhrase> phrases, const WordPiece& tokenizer,
                                              const GroundingOptions& options = {}) {
  const EvaluationScope evaluation(model);
  const auto device = model.parameters().front().device();
  const auto S = model.image_size() > 0 ? model.image_size() : options.stored_side;
  const Augmentation centre{.crop = S, .random_crop = false};
  std::vector<GroundedMap> out(phrases.size());
  for (std::size_t from = 0; from < phrases.size(); from += static_cast<std::size_t>(options.batch_size)) {
    const auto part = phrases.subspan(from, std::min(static_cast<std::size_t>(options.batch_size), phrases.size() - from));
    const auto B = static_cast<int64_t>(part.size());
    const auto pictures = torch::empty({B, 1, S, S}, torch::kUInt8);
    std::vector<std::string> texts;
    for (const auto& one : part) {
      MGCA_CHECK(one.record >= 0 && one.record < data.size(), "ground: phrase ", from + texts.size() + 1, " is of record ", one.record, " of ", data.size());
      texts.push_back(one.phrase);
    }
    parallel_for(B, [&](int64_t b) {
      const auto& one = part[static_cast<std::size_t>(b)];
      const auto decoded = data.image(one.record);
      const auto stored = data::stored_picture(decoded.plane(), options.stored_side, options.local_contrast);
      const auto seen = image::augment(stored.plane(), centre, {});
      std::copy(seen.pixels().begin(), seen.pixels().end(), pictures.template data_ptr<uint8_t>() + b * S * S);
      const auto window = image::drawn_movement(centre, stored.size(), {});
      for (const auto& box : one.boxes) {
        out[from + static_cast<std::size_t>(b)].boxes.push_back(
            image::moved_box(image::fitted_box(box, decoded.size(), options.stored_side), stored.size(), window));
      }
    });
    const auto maps = phrase_maps(model, network_input(pictures, device), tokens_of_phrases(texts, tokenizer, model.profile()).to(device), options.similarity)
                          .to(torch::kCPU, torch::kFloat32)
                          .contiguous();
    for (int64_t b = 0; b < B; ++b) {
      auto& found = out[from + static_cast<std::size_t>(b)];
      found.map = Image<float>({.height = S, .width = S});
      const auto row = maps[b];
      const auto values = span_of<float>(row);
      std::copy(values.begin(), values.end(), found.map.pixels().begin());
      MGCA_CHECK(!found.boxes.empty(), "ground: phrase ", from + static_cast<std::size_t>(b) + 1, " has no box; leave it out");
      if (metrics::holds_pixel(found.boxes, found.map.size())) found.measure = metrics::grounding(std::as_const(found.map).plane(), found.boxes, options.thresholds);
    }
  }
  return out;
}

}  // namespace tasks
}  // namespace mgca
