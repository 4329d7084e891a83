// The second block of the reference's small ViT: what it read, its weights, what it gave.
#pragma once

#include "golden.hpp"

#include <string>

namespace mgca::test {

struct GoldenBlock {
  Golden golden{"mgca_vit_eval"};
  const Tensor& input = golden.expected.at("image.block.0");  // (B, N, D)
  int64_t width = input.size(2);
  int64_t heads = golden.config["image"]["heads"];
  int64_t hidden = width * golden.config["image"]["mlp_ratio"].get<int64_t>();

  void fill(torch::nn::Module& module, const std::string& part) const {
    fill_by_formula(module, "img_encoder_q.model.blocks.1." + part, golden.config["weights"]["seed"]);
  }
  void check_output(const Tensor& tokens) const { golden.check("image.block.1", tokens); }
};

}  // namespace mgca::test
