// What the model looked at: regions of the radiograph for a report, and the words of the report.
// Reference: MGCA, figure 1 and table 7 of the supplement; the formula is part of every result.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/encoders/features.hpp>  // grid_side
#include <mgca/tensor/bridge.hpp>
#include <mgca/train/evaluate.hpp>

#include <string>
#include <vector>

namespace mgca {

struct Explanation {
  Image<float> regions;           // grid of the image tower, one weight per patch
  std::string region_formula;     // what the weights are
  std::vector<float> words;       // one weight per word slot
  std::string word_formula;
  double similarity = 0;          // cosine of image and report
};

namespace tasks {

// One pair: images (1, 3, S, S), one report. In evaluation mode; the model's mode is restored.
[[nodiscard]] inline Explanation explain(AlignmentModel& model, const Tensor& images, const Tokens& tokens) {
  const EvaluationScope evaluation(model);
  const auto text = model.encode_text(tokens);  // first: a model of pictures alone says so here
  MGCA_CHECK(images.size(0) == 1 && text.global.size(0) == 1, "explain: expected one image and one report, got ", images.size(0), " and ", text.global.size(0));
  const auto image = model.encode_image(images);

  Explanation out;
  const auto regions = parts_of(image, "explain: patches")[0].mv(text.global[0]).to(torch::kCPU, torch::kFloat32).contiguous();  // (P)
  const auto side = grid_side(regions.size(0));
  out.regions = Image<float>({.height = side, .width = side});
  const auto values = span_of<float>(regions);
  std::copy(values.begin(), values.end(), out.regions.pixels().begin());
  out.region_formula = "a = cosine of the report's embedding with each region's";
  const auto words = text.attention[0].to(torch::kCPU, torch::kFloat32).contiguous();
  const auto weights = span_of<float>(words);
  const auto count = tokens.words.to(torch::kCPU, torch::kLong).contiguous();
  out.words.assign(weights.begin(), weights.begin() + span_of<int64_t>(count)[0]);
  out.word_formula = "attention of the summary token to each word, last layer, mean over heads, pieces summed";
  const auto cosine = image.global[0].dot(text.global[0]).to(torch::kCPU, torch::kFloat64).view({1}).contiguous();
  out.similarity = span_of<double>(cosine)[0];
  return out;
}

}  // namespace tasks
}  // namespace mgca
