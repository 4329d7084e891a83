// SETR-PUP: the patches of a transformer as a small picture, enlarged by two again and again until it has the image's size.
// Child names are the published checkpoints' key names. Reference: Zheng et al. 2021, progressive upsampling.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/encoders/concepts.hpp>
#include <mgca/nn/batch_norm.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

struct SetrDecoderConfig {
  int64_t in = 768;                                  // channels of the patches
  std::vector<int64_t> features{512, 256, 128, 64};  // channels of each step; n steps enlarge 2^n times

  void validate() const {
    MGCA_CHECK(in > 0 && !features.empty(), "setr: expected a positive width and at least one step, got ", in, " and ", features.size());
    for (const auto width : features) MGCA_CHECK(width > 0, "setr: expected positive features, got ", width);
  }
};

struct SetrDecoderImpl : torch::nn::Module {
  using Config = SetrDecoderConfig;

  explicit SetrDecoderImpl(const Config& c) {
    c.validate();
    auto in = c.in;
    for (const auto out : c.features) {
      const auto conv = [&] { return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1)); };
      layers.push_back(
          register_module("decoder_" + std::to_string(layers.size() + 1), torch::nn::Sequential(conv(), BatchNorm2d(out))));
      in = out;
    }
    final_out = register_module("final_out", torch::nn::Conv2d(torch::nn::Conv2dOptions(in, 1, 3).padding(1)));
  }

  // What each step gives; the last has 2^n times the grid's sides.
  [[nodiscard]] std::vector<Tensor> steps(const Tensor& grid) {  // (B, in, G, G)
    std::vector<Tensor> all{grid};
    for (auto& layer : layers) {
      const auto x = torch::relu(layer->forward(all.back()));
      all.push_back(at::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)}, /*align_corners=*/true));
    }
    all.erase(all.begin());
    return all;
  }
  Tensor forward(const Tensor& grid) { return final_out(steps(grid).back()); }  // (B, 1, 2^n G, 2^n G)

  std::vector<torch::nn::Sequential> layers;
  torch::nn::Conv2d final_out{nullptr};
};
using SetrDecoder = Handle<SetrDecoderImpl>;

template <ImageEncoder Encoder>
struct SetrConfig {
  typename Encoder::Config encoder;
  std::vector<int64_t> features{512, 256, 128, 64};  // channels of each step; 2^n must be the side of a patch

  static void describe(auto& self, auto&& field) {
    field("encoder", self.encoder, "the tower");
    field("features", self.features, "channels of each step, each enlarging by two");
  }
};

template <ImageEncoder Encoder>
struct SetrImpl : torch::nn::Module {
  using Config = SetrConfig<Encoder>;

  explicit SetrImpl(const Config& c) : SetrImpl(Encoder(c.encoder), c.features) {}
  // On a tower that exists, which is shared.
  explicit SetrImpl(Encoder tower, const std::vector<int64_t>& features = Config().features)
      : encoder_2d(std::move(tower)), decoder_2d(nullptr) {
    register_module("encoder_2d", encoder_2d.module);
    decoder_2d = register_module("decoder_2d", SetrDecoder({.in = encoder_2d.bert_model->local_width(), .features = features}));
  }

  // The patches after a linear layer, as a picture (B, D, G, G).
  [[nodiscard]] Tensor grid(const Tensor& patches) {  // (B, N, D)
    const auto side = grid_side(patches.size(1));
    return encoder_2d.final_dense(patches).transpose(1, 2).unflatten(2, {side, side});
  }
  Tensor forward(const Tensor& images) {  // (B, 3, S, S) in [-1, 1] -> logits (B, 1, S, S)
    const auto logits = decoder_2d(grid(encoder_2d.bert_model->forward(images).local));
    MGCA_CHECK(logits.size(2) == images.size(2) && logits.size(3) == images.size(3), "setr: ", decoder_2d->layers.size(), " steps make ",
               logits.sizes(), " of images ", images.sizes(), "; give one step for each halving of a patch's side");
    return logits;
  }
  [[nodiscard]] torch::nn::Module& tower() { return *encoder_2d.bert_model; }

  struct Encoder2d {
    explicit Encoder2d(Encoder tower)
        : bert_model(module->register_module("bert_model", std::move(tower))),
          final_dense(module->register_module("final_dense", torch::nn::Linear(bert_model->local_width(), bert_model->local_width()))) {}
    std::shared_ptr<torch::nn::Module> module = std::make_shared<torch::nn::Module>("Encoder2d");
    Encoder bert_model;  // the published name of the image tower
    torch::nn::Linear final_dense;
  };
  Encoder2d encoder_2d;
  SetrDecoder decoder_2d;
};
template <ImageEncoder Encoder>
using Setr = Handle<SetrImpl<Encoder>>;

// On a tower that exists, a pretrained one say; the tower is shared. `features`: see SetrConfig.
template <ImageEncoder Encoder>
[[nodiscard]] Setr<Encoder> setr_on(Encoder tower, const std::vector<int64_t>& features = {512, 256, 128, 64}) {
  return std::make_shared<SetrImpl<Encoder>>(std::move(tower), features);
}

}  // namespace mgca
