// A classifier on frozen features: how good is what the encoder learned?
// One linear layer, or one hidden layer where asked for; child names are the published checkpoints' key names.
// Reference: the linear classification protocol of MGCA, Wang et al. 2022, section 4.1.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/nn/batch_norm.hpp>
#include <mgca/tensor/handle.hpp>

#include <cstdint>

namespace mgca {

struct LinearProbeConfig {
  int64_t features = 768;  // width of the frozen features
  int64_t classes = 5;     // logits
  int64_t hidden = 0;      // width of a hidden layer; 0: none
  double dropout = 0;      // before each linear layer

  static void describe(auto& self, auto&& field) {
    field("features", self.features, "width of the frozen features");
    field("classes", self.classes, "logits");
    field("hidden", self.hidden, "width of a hidden layer; 0: none");
    field("dropout", self.dropout, "dropout before each linear layer");
  }
  void validate() const {
    MGCA_CHECK(features > 0 && classes > 0 && hidden >= 0, "linear_probe: expected positive widths, got features ",
               features, ", classes ", classes, ", hidden ", hidden);
    MGCA_CHECK(dropout >= 0 && dropout < 1, "linear_probe: dropout must lie in [0, 1), got ", dropout);
  }
};

struct LinearProbeImpl : torch::nn::Module {
  using Config = LinearProbeConfig;

  explicit LinearProbeImpl(const Config& c) : config((c.validate(), c)), block_forward(c) {
    register_module("block_forward", block_forward.module);
  }

  Tensor forward(const Tensor& features) {  // (B, features) -> (B, classes)
    MGCA_CHECK(features.dim() == 2 && features.size(1) == config.features, "linear_probe: expected features (B, ",
               config.features, "), got ", features.sizes(), "; build the probe with .features = the encoder's global_width()");
    auto x = torch::dropout(features, config.dropout, is_training());
    if (config.hidden > 0) {
      x = torch::relu(block_forward.norm(block_forward.first(x)));  // (B, hidden)
      x = torch::dropout(x, config.dropout, is_training());
    }
    return block_forward.last(x);
  }

  const Config config;

 private:
  // Children are numbered as in the published layout: 2 Linear, or 2 Linear, 3 BatchNorm, 6 Linear.
  struct Block {
    explicit Block(const Config& c) {
      if (c.hidden > 0) {
        first = module->register_module("2", torch::nn::Linear(torch::nn::LinearOptions(c.features, c.hidden).bias(false)));
        norm = module->register_module("3", BatchNorm1d(c.hidden));
      }
      last = module->register_module(c.hidden > 0 ? "6" : "2",
                                     torch::nn::Linear(c.hidden > 0 ? c.hidden : c.features, c.classes));
    }
    std::shared_ptr<torch::nn::Module> module = std::make_shared<torch::nn::Module>("Block");
    torch::nn::Linear first{nullptr}, last{nullptr};
    BatchNorm1d norm{nullptr};
  };
  Block block_forward;
};
using LinearProbe = Handle<LinearProbeImpl>;

}  // namespace mgca
