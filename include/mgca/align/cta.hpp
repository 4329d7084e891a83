// Token-level alignment: every word finds its patches and every patch its words, and the mixture found must single out
// the token that asked. Tokens count by the attention their own encoder pays to them.
// Reference: MGCA, Wang et al. 2022, section 3.3.
#pragma once

#include <mgca/align/learned_attention.hpp>
#include <mgca/align/model.hpp>
#include <mgca/ops/quantile_clip.hpp>
#include <mgca/ops/token_contrast.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace mgca {

enum class LocalAttention : uint8_t {
  dot,      // parameter-free softmax over similarities
  learned,  // multi-head attention with parameters
};
constexpr auto names_of(LocalAttention) { return std::to_array<std::string_view>({"dot", "learned"}); }

constexpr LocalAttention default_local_attention(Profile profile) {
  return alignment_quirks(profile).parameter_free_attention ? LocalAttention::dot : LocalAttention::learned;
}

struct CtaConfig {
  int64_t width = 128;       // channels of the shared space
  double temperature = 0.1;  // of the parameter-free attention and of the contrast
  LocalAttention attention = LocalAttention::learned;
  int64_t heads = 1;         // of the learned attention
  bool patch_branch = true;  // off: words look for patches only
  Profile profile = Profile::fixed;

  static void describe(auto& self, auto&& field) {
    field("width", self.width, "channels of the shared space");
    field("temperature", self.temperature, "of the parameter-free attention and of the contrast");
    field("attention", self.attention, "how tokens attend to the other side");
    field("heads", self.heads, "heads of the learned attention");
    field("patch_branch", self.patch_branch, "patches look for words too");
    field("profile", self.profile, "behaviour profile");
  }
  void validate() const { MGCA_CHECK(temperature > 0, "cta: temperature must be positive, got ", temperature); }
};

struct CtaBranch {
  Tensor attention = {};  // (B, L, N) undefined with learned attention
  Tensor attended = {};   // (B, L, E) what each token found
  ops::TokenContrast contrast = {};
  Tensor weights = {};  // (B, L) importance of each token, without gradient
  Tensor loss = {};     // scalar
};

struct CtaOutput {
  CtaBranch words;
  CtaBranch patches = {};  // undefined tensors where the branch is off
  Tensor loss = {};        // scalar, the sum
};

struct CtaImpl : torch::nn::Module {
  using Config = CtaConfig;

  explicit CtaImpl(const Config& c)
      : config((c.validate(), c)),
        quirks(alignment_quirks(c.profile)),
        patch_local_atten_layer(
            register_module("patch_local_atten_layer", LearnedAttention({.width = c.width, .heads = c.heads}))),
        word_local_atten_layer(
            register_module("word_local_atten_layer", LearnedAttention({.width = c.width, .heads = c.heads}))) {}

  // Reports without any word contribute nothing and are left out of the mean, except where the profile keeps padding.
  CtaOutput forward(const Embeddings& image, const Embeddings& text) {
    const auto scope = ops::exact_scope(image.local);
    const bool masked = !quirks.padding_in_contrast && text.valid.defined();
    const auto absent = masked ? text.valid.logical_not() : Tensor();  // (B, W) slots that take no part
    const auto samples = masked ? text.valid.any(1).sum().clamp_min(1).to(text.local.scalar_type())
                                : torch::full({}, text.local.size(0), text.local.options());
    CtaOutput out{.words = word_branch(image, text, absent)};
    out.words.loss = out.loss = ops::weighted_loss(out.words.contrast, out.words.weights, samples);
    if (!config.patch_branch) return out;
    out.patches = patch_branch(image, text, absent);
    out.patches.loss = ops::weighted_loss(out.patches.contrast, out.patches.weights, samples);
    out.loss = out.words.loss + out.patches.loss;
    return out;
  }

  const Config config;
  const AlignmentQuirks quirks;
  LearnedAttention patch_local_atten_layer, word_local_atten_layer;

 private:
  struct Search {
    Tensor tokens;            // (B, L, E) who asks
    Tensor others;            // (B, N, E) who is asked
    Tensor other_valid = {};  // (B, N)
  };

  CtaBranch word_branch(const Embeddings& image, const Embeddings& text, const Tensor& absent) {
    auto branch = find(word_local_atten_layer, {.tokens = text.local, .others = image.local});
    branch.attended = ops::unit(branch.attended);
    if (absent.defined()) branch.attended = branch.attended.masked_fill(absent.unsqueeze(2), 0);
    branch.weights = word_weights(text);
    branch.contrast =
        ops::token_contrast(text.local, branch.attended,
                            {.temperature = config.temperature, .valid = absent.defined() ? text.valid : Tensor()});
    return branch;
  }

  CtaBranch patch_branch(const Embeddings& image, const Embeddings& text, const Tensor& absent) {
    auto branch =
        find(patch_local_atten_layer, {.tokens = image.local, .others = text.local, .other_valid = text.valid});
    const bool convolutional = !image.attention.defined();
    if (convolutional || !quirks.raw_attended_words) branch.attended = ops::unit(branch.attended);
    branch.weights = patch_weights(image);
    if (absent.defined()) {
      const auto wordless = absent.all(1, /*keepdim=*/true);  // (B, 1)
      branch.attended = branch.attended.masked_fill(wordless.unsqueeze(2), 0);
      branch.weights = branch.weights.masked_fill(wordless, 0);
    }
    branch.contrast = ops::token_contrast(image.local, branch.attended, {.temperature = config.temperature});
    return branch;
  }

  CtaBranch find(LearnedAttention& learned, const Search& search) const {
    if (config.attention == LocalAttention::learned) {
      return {.attended = learned(search.tokens, search.others, search.other_valid)};
    }
    auto found = ops::cross_attention(search.tokens, search.others,
                                      {.temperature = config.temperature, .key_valid = search.other_valid});
    return {.attention = found.weights, .attended = found.attended};
  }

  // Official: an attention of exactly 0 means "no word here", so that [SEP] and padding weigh nothing.
  [[nodiscard]] Tensor word_weights(const Embeddings& text) const {
    if (!text.attention.defined()) return uniform_weights(text);
    return ops::quantile_clip(text.attention, quirks.padding_in_contrast ? text.attention.ne(0) : text.valid);
  }
  [[nodiscard]] static Tensor patch_weights(const Embeddings& image) {
    return image.attention.defined() ? ops::quantile_clip(image.attention, image.valid) : uniform_weights(image);
  }
  [[nodiscard]] static Tensor uniform_weights(const Embeddings& side) {
    const auto equal = torch::ones({side.local.size(0), side.local.size(1)}, side.local.options());
    return ops::quantile_clip(equal, side.valid);
  }
};
using Cta = Handle<CtaImpl>;

}  // namespace mgca
