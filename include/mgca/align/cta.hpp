// Cross-attention-based token-wise alignment (CTA): words find their image regions, patches their words.
// Reference: MGCA, section 3.3, equations 4 to 7.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/align/negatives.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/nn/local_attention.hpp>
#include <mgca/ops/cross_attention.hpp>
#include <mgca/ops/quantile_clip.hpp>
#include <mgca/ops/token_contrast.hpp>
#include <mgca/ops/unit.hpp>
#include <mgca/tensor/handle.hpp>

#include <optional>

namespace mgca {

struct CtaConfig {
  int64_t width = 128;            // of the shared space
  double temperature = 0.1;       // of attention and of contrast
  std::optional<bool> learned;    // learned multi-head attention; absent: the profile's custom
  int64_t heads = 1;              // of the learned attention
  bool patch_branch = true;       // patches find words too
  Profile profile = Profile::fixed;

  static void describe(auto& self, auto&& field) {
    field("width", self.width, "channels of the shared space");
    field("temperature", self.temperature, "of attention and of contrast");
    field("learned", self.learned, "learned multi-head attention; null: the profile's custom");
    field("heads", self.heads, "heads of the learned attention");
    field("patch_branch", self.patch_branch, "patches find words too");
    field("profile", self.profile, "which behaviour");
  }
  void validate() const {
    MGCA_CHECK(temperature > 0, "cta: temperature must be positive, got ", temperature);
    MGCA_CHECK(heads > 0 && width % heads == 0, "cta: width ", width, " is not a multiple of heads ", heads);
  }
  [[nodiscard]] bool is_learned() const { return learned.value_or(!alignment_quirks(profile).parameter_free_attention); }
};

// One branch: tokens of one side, what they found on the other, and the contrast between the two.
struct CtaBranch {
  Tensor attention;  // (B, L, N); undefined for learned attention
  Tensor found;      // (B, L, D) before normalisation
  Tensor attended;   // (B, L, D) as the contrast sees it
  Tensor weights;    // (B, L)
  ops::TokenContrast contrast;
};

struct CtaLoss {
  CtaBranch word;
  CtaBranch patch;  // contrast.similarity is undefined where the branch is off

  [[nodiscard]] Tensor value() const {
    return patch.contrast.similarity.defined() ? word.contrast.mean() + patch.contrast.mean() : word.contrast.mean();
  }
};

// Verbs on both sides of a pair; the learned attention layers belong to the model, whose checkpoint names they carry.
struct CtaLayers {
  LocalAttention word = nullptr;   // words ask patches
  LocalAttention patch = nullptr;  // patches ask words
};

namespace align {

// With peers the losses' means run over the reports of all ranks: the mean over ranks of what each finds is the joined batch's.
[[nodiscard]] inline CtaLoss cta(const Embeddings& image, const Embeddings& text, CtaLayers& layers, const CtaConfig& config, ProcessGroup* peers = nullptr) {
  const auto quirks = alignment_quirks(config.profile);
  const auto& patches = image.local;  // (B, P, D)
  const auto& words = text.local;     // (B, W, D)
  MGCA_CHECK(patches.dim() == 3 && words.dim() == 3 && patches.size(0) == words.size(0) && patches.size(2) == config.width && words.size(2) == config.width,
             "cta: expected as many images (B, P, ", config.width, ") as reports (B, W, ", config.width, "), got ", patches.sizes(), " and ", words.sizes());
  MGCA_CHECK(!config.is_learned() || !(layers.word.is_empty() || layers.patch.is_empty()), "cta: learned attention needs both layers; set .learned = false or build them");
  const auto every_word = torch::ones({words.size(0), words.size(1)}, words.options().dtype(torch::kBool));
  const auto exists = text.valid.defined() ? text.valid : every_word;  // (B, W)
  const auto heed = text.attention.defined() ? text.attention : exists.to(words.scalar_type());
  const auto counted = quirks.padding_in_contrast ? heed.ne(0) : exists;  // words that have a weight
  const auto type = torch::promote_types(words.scalar_type(), torch::kFloat32);
  const auto samples = quirks.padding_in_contrast ? torch::full({}, static_cast<double>(words.size(0)), words.options().dtype(type))
                                                  : count_per_rank(exists.any(1).sum().to(type), peers);
  CtaLoss out;

  const auto ask_patches = [&](CtaBranch& branch) {
    if (config.is_learned()) return layers.word(words, patches);
    const auto found = ops::cross_attention(words, patches, config.temperature);
    branch.attention = found.weights;
    return found.mixed;
  };
  out.word.found = ask_patches(out.word);
  if (!quirks.padding_in_contrast) {
    const auto real = exists.unsqueeze(-1);  // (B, W, 1)
    if (out.word.attention.defined()) out.word.attention = out.word.attention * real;
    out.word.found = out.word.found * real;
  }
  out.word.weights = ops::quantile_clip(heed, counted);
  out.word.attended = ops::unit(out.word.found);
  out.word.contrast = ops::token_contrast({.tokens = words, .attended = out.word.attended, .weights = out.word.weights,
                                           .valid = quirks.padding_in_contrast ? Tensor() : exists, .samples = samples},
                                          config.temperature);
  if (!config.patch_branch) return out;

  const auto ask_words = [&](CtaBranch& branch) {
    if (config.is_learned()) return layers.patch(patches, words, exists);
    const auto found = ops::cross_attention(patches, words, config.temperature, exists);
    branch.attention = found.weights;
    return found.mixed;
  };
  out.patch.found = ask_words(out.patch);
  const bool is_cnn = !image.attention.defined();
  const auto everywhere = torch::ones({patches.size(0), patches.size(1)}, patches.options().dtype(torch::kBool));
  const auto attention = is_cnn ? torch::ones({patches.size(0), patches.size(1)}, patches.options()) : image.attention;
  out.patch.weights = ops::quantile_clip(attention, everywhere);
  const auto has_words = exists.any(1, true);  // (B, 1)
  if (!quirks.padding_in_contrast) {           // a report without words contributes nothing
    out.patch.weights = out.patch.weights * has_words;
    out.patch.found = out.patch.found * has_words.unsqueeze(-1);
  }
  out.patch.attended = quirks.raw_attended_words && !is_cnn ? out.patch.found : ops::unit(out.patch.found);
  out.patch.contrast = ops::token_contrast({.tokens = patches, .attended = out.patch.attended, .weights = out.patch.weights, .valid = {}, .samples = samples},
                                           config.temperature);
  if (!quirks.padding_in_contrast) {
    out.patch.contrast.row_loss = out.patch.contrast.row_loss * has_words;
    out.patch.contrast.column_loss = out.patch.contrast.column_loss * has_words;
  }
  return out;
}

}  // namespace align
}  // namespace mgca
