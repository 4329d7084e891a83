// Classification without training: each image is compared with sentences that say a finding is there, or is not.
// References: CheXzero (Tiu et al. 2022): softmax over a finding and its negation, averaged prompt embeddings. GLoRIA (Huang et al.
// 2021): global and local similarity together, the nearest prompt of each class.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/nearest.hpp>
#include <mgca/feed/tokens.hpp>
#include <mgca/ops/cross_attention.hpp>
#include <mgca/ops/unit.hpp>
#include <mgca/tasks/detail/each_batch.hpp>
#include <mgca/tasks/scores.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/text/prompts.hpp>
#include <mgca/train/evaluate.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace mgca {

enum class PromptEnsemble : uint8_t {
  mean,     // similarity with the mean of the prompts' embeddings, as a unit vector again (CheXzero)
  highest,  // similarity with the nearest prompt (GLoRIA)
};
constexpr auto names_of(PromptEnsemble) { return std::to_array<std::string_view>({"mean", "highest"}); }

enum class PromptSimilarity : uint8_t {
  global,            // cosine of the summaries of image and sentence
  global_and_local,  // its mean with the local one: the cosine of each word with what it finds among the patches, averaged over words
};
constexpr auto names_of(PromptSimilarity) { return std::to_array<std::string_view>({"global", "global_and_local"}); }

struct ZeroShotOptions {
  PromptEnsemble ensemble = PromptEnsemble::mean;
  PromptSimilarity similarity = PromptSimilarity::global;
  double temperature = 0.1;  // of the words' attention to patches
  int64_t batch_size = 64;

  static void describe(auto& self, auto&& field) {
    field("ensemble", self.ensemble, "what several prompts of a class come to");
    field("similarity", self.similarity, "what is compared");
    field("temperature", self.temperature, "of the words' attention to patches");
    field("batch_size", self.batch_size, "images at a time");
  }
  void validate() const {
    MGCA_CHECK(temperature > 0, "zero_shot: temperature must be positive, got ", temperature);
    MGCA_CHECK(batch_size > 0, "zero_shot: expected 1 image or more at a time, got ", batch_size);
    MGCA_CHECK(ensemble == PromptEnsemble::highest || similarity == PromptSimilarity::global,
               "zero_shot: local similarity has no mean of prompts; set ensemble to highest");
  }
};

// A class's sentences in the shared space, ready to be compared with any number of images.
class PromptEmbeddings {
 public:
  // Throws Error for prompts that do not hold together and, naming the class, for one that has no word the tokenizer reads.
  PromptEmbeddings(AlignmentModel& model, const PromptSet& prompts, const WordPiece& tokenizer, const ZeroShotOptions& options)
      : options_((options.validate(), options)) {
    prompts.validate();
    const EvaluationScope evaluation(model);
    for (const auto& one : prompts.classes) {
      names_.push_back(one.name);
      present_.push_back(embedded(model, one.name, one.present, tokenizer));
      if (prompts.paired()) absent_.push_back(embedded(model, one.name, one.absent, tokenizer));
    }
  }

  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  // (B, C): the logit of presence against absence, the difference of the two similarities; without prompts of absence the similarity
  // itself, which orders the images of a class but does not compare classes.
  [[nodiscard]] Tensor scores(const Embeddings& images) const {
    std::vector<Tensor> columns;
    for (std::size_t c = 0; c < present_.size(); ++c) {
      const auto with = similarity(images, present_[c]);
      columns.push_back(absent_.empty() ? with : with - similarity(images, absent_[c]));
    }
    return torch::stack(columns, 1);
  }

 private:
  [[nodiscard]] Embeddings embedded(AlignmentModel& model, const std::string& name, std::span<const std::string> texts, const WordPiece& tokenizer) const {
    try {
      auto out = model.encode_text(tokens_of_phrases(texts, tokenizer, model.profile()).to(model.parameters().front().device()));
      if (options_.ensemble == PromptEnsemble::mean) out.global = ops::unit(out.global.mean(0, true));
      return out;
    } catch (const Error& error) {
      fail(error.kind(), "zero_shot: a prompt of '", name, "': ", error.what());
    }
  }
  // (B) of each image with a class's sentences.
  [[nodiscard]] Tensor similarity(const Embeddings& images, const Embeddings& sentences) const {
    auto each = images.global.mm(sentences.global.t());  // (B, P)
    if (options_.similarity == PromptSimilarity::global_and_local) each = (each + local_similarity(images, sentences)) / 2;
    return std::get<0>(each.max(1));
  }
  [[nodiscard]] Tensor local_similarity(const Embeddings& images, const Embeddings& sentences) const {
    const auto patches = parts_of(images, "zero_shot: patches"), spoken = parts_of(sentences, "zero_shot: words");
    const auto B = patches.size(0);
    std::vector<Tensor> columns;
    for (int64_t p = 0; p < spoken.size(0); ++p) {
      const auto words = spoken[p].unsqueeze(0).expand({B, -1, -1});  // (B, L, d)
      const auto found = ops::cross_attention(words, patches, options_.temperature, images.valid).mixed;
      const auto cosine = torch::cosine_similarity(words, found, -1);  // (B, L)
      const auto valid = sentences.valid.defined() ? sentences.valid[p].to(cosine.scalar_type()) : torch::ones_like(cosine[0]);
      columns.push_back((cosine * valid).sum(1) / valid.sum().clamp_min(1));
    }
    return torch::stack(columns, 1);
  }

  ZeroShotOptions options_;
  std::vector<std::string> names_;
  std::vector<Embeddings> present_, absent_;  // by class; the global part holds one row where prompts are averaged
};

namespace tasks {

// Scores and labels of a whole source, a column for each class of the prompts. In evaluation mode; the mode is restored. Throws
// Error(argument) for a class the data have no label of.
template <class Source>
[[nodiscard]] ScoredSplit zero_shot(AlignmentModel& model, const Source& source, const PromptEmbeddings& prompts, int64_t batch_size = 64) {
  std::vector<int64_t> columns;
  const auto& labels = source.data().label_names();
  for (const auto& name : prompts.names()) {
    const auto found = std::find(labels.begin(), labels.end(), name);
    MGCA_CHECK(found != labels.end(), "zero_shot: the data have no label '", name, "'", nearest_hint(name, labels), "; name the classes of the prompts as the labels");
    columns.push_back(found - labels.begin());
  }
  const auto chosen = tensor_of(std::span<const int64_t>(columns), {static_cast<int64_t>(columns.size())});
  const EvaluationScope evaluation(model);
  const auto device = model.parameters().front().device();
  std::vector<Tensor> rows, truth;
  ScoredSplit out;
  detail::for_each_batch(source, batch_size, [&](const auto& batch) {
    rows.push_back(prompts.scores(model.encode_image(network_input(batch.images, device))).to(torch::kCPU, torch::kFloat32));
    truth.push_back(batch.labels.index_select(1, chosen));
    out.records.insert(out.records.end(), batch.records.begin(), batch.records.end());
  });
  out.scores = scores_of(torch::cat(rows), torch::cat(truth));
  return out;
}

// Scores whose classes can be compared with each other: each class's scores over the images have mean 0 and deviation 1 (GLoRIA). What an
// image scores then depends on the images beside it.
[[nodiscard]] inline Scores standardised(Scores scores) {
  const auto C = static_cast<std::size_t>(scores.classes), rows = C == 0 ? 0 : scores.values.size() / C;
  for (std::size_t c = 0; c < C; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < rows; ++i) sum += scores.values[i * C + c];
    const double mean = sum / static_cast<double>(rows);
    for (std::size_t i = 0; i < rows; ++i) squares += (scores.values[i * C + c] - mean) * (scores.values[i * C + c] - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(rows));
    for (std::size_t i = 0; i < rows; ++i) {
      auto& value = scores.values[i * C + c];
      value = deviation > 0 ? static_cast<float>((value - mean) / deviation) : 0.0F;
    }
  }
  return scores;
}

}  // namespace tasks
}  // namespace mgca
