// Encoders of a user's own: no base class, four members, small enough for tests that run many steps.
#pragma once

#include <mgca/align/mgca.hpp>

#include <vector>

namespace mgca::test {

struct TinyImageImpl : torch::nn::Module {
  struct Config {
    int64_t width = 6;
    static void describe(auto& self, auto&& field) { field("width", self.width, "channels"); }
  };
  explicit TinyImageImpl(const Config& c)
      : config(c), proj(register_module("proj", torch::nn::Linear(3 * 4 * 4, c.width))) {}

  Features forward(const Tensor& images) {  // (B, 3, 8, 8): 4 patches of 4 x 4 pixels
    const auto patches = images.unfold(2, 4, 4).unfold(3, 4, 4).permute({0, 2, 3, 1, 4, 5}).flatten(3).flatten(1, 2);
    const auto local = torch::tanh(proj(patches));  // (B, 4, width)
    return {.global = local.mean(1), .local = local,
            .attention = local.detach().to(torch::kFloat32).sum(-1).softmax(-1), .valid = {}};
  }
  [[nodiscard]] int64_t global_width() const { return config.width; }
  [[nodiscard]] int64_t local_width() const { return config.width; }

  const Config config;
  torch::nn::Linear proj;
};
using TinyImage = Handle<TinyImageImpl>;

// The same under a batch norm.
struct TinyNormedImageImpl : TinyImageImpl {
  explicit TinyNormedImageImpl(const Config& c) : TinyImageImpl(c), norm(register_module("norm", BatchNorm1d(c.width))) {}

  Features forward(const Tensor& images) {
    auto features = TinyImageImpl::forward(images);
    features.global = norm(features.global);
    return features;
  }

  BatchNorm1d norm;
};
using TinyNormedImage = Handle<TinyNormedImageImpl>;

// One token is one word: token i fills slot i - 1 where the batch says so. `attends` off: no attention to report.
struct TinyTextImpl : torch::nn::Module {
  struct Config {
    int64_t tokens = 20;
    int64_t width = 5;
    bool attends = true;
    static void describe(auto& self, auto&& field) {
      field("tokens", self.tokens, "tokens");
      field("width", self.width, "channels");
      field("attends", self.attends, "reports attention");
    }
  };
  explicit TinyTextImpl(const Config& c)
      : config(c), embed(register_module("embed", torch::nn::Embedding(c.tokens, c.width))),
        mix(register_module("mix", torch::nn::Linear(c.width, c.width))) {}

  Features forward(const Tokens& tokens) {
    const auto hidden = torch::tanh(mix(embed(tokens.ids)));  // (B, T, width)
    const auto slots = tokens.length() - 1;
    const auto valid = torch::arange(slots, tokens.words.options()).unsqueeze(0).lt(tokens.words.unsqueeze(1));
    const auto absent = valid.logical_not();
    const auto attention = hidden.detach().to(torch::kFloat32).slice(1, 1).square().sum(-1).masked_fill(absent, 0);
    return {.global = hidden.select(1, 0), .local = hidden.slice(1, 1).masked_fill(absent.unsqueeze(2), 0),
            .attention = config.attends ? attention : Tensor(), .valid = valid};
  }
  [[nodiscard]] int64_t global_width() const { return config.width; }
  [[nodiscard]] int64_t local_width() const { return config.width; }

  const Config config;
  torch::nn::Embedding embed;
  torch::nn::Linear mix;
};
using TinyText = Handle<TinyTextImpl>;

using TinyMgca = Mgca<TinyImage, TinyText>;

// Reports with the given numbers of words in T slots.
inline Tokens tiny_tokens(const std::vector<int64_t>& words, int64_t T = 8) {
  const auto B = static_cast<int64_t>(words.size());
  const auto count = torch::tensor(words).view({B, 1});
  const auto position = torch::arange(T).unsqueeze(0);
  const auto is_word = position.ge(1).logical_and(position.le(count));
  return {.ids = torch::randint(3, 20, {B, T}).masked_fill(position.gt(count + 1), 0),
          .mask = position.le(count + 1).to(torch::kLong),
          .word_slot = torch::where(is_word, (position - 1).expand({B, T}), torch::full({B, T}, -1, torch::kLong)),
          .words = torch::tensor(words)};
}

}  // namespace mgca::test
