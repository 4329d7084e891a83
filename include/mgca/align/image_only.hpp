// What models that look at pictures alone share: a tower with a head of two layers, and what they answer to whoever asks for text.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/core/error.hpp>
#include <mgca/encoders/concepts.hpp>
#include <mgca/ops/unit.hpp>
#include <mgca/tensor/handle.hpp>

#include <utility>

namespace mgca {

namespace detail {

// Linear, ReLU, linear. Children carry the names of the published checkpoints: 0, 2.
struct PairHeadImpl : torch::nn::Module {
  struct Config {
    int64_t width, out;
  };
  explicit PairHeadImpl(const Config& c)
      : first(register_module("0", torch::nn::Linear(c.width, c.width))), second(register_module("2", torch::nn::Linear(c.width, c.out))) {}

  Tensor forward(const Tensor& x) { return second(torch::relu(first(x))); }  // (B, width) -> (B, out)

  torch::nn::Linear first, second;
};

// A trunk with such a head on its summary: model, head.
template <class Trunk>
struct ViewTowerImpl : torch::nn::Module {
  struct Config {
    typename Trunk::Config trunk;
    int64_t embedding;
  };
  explicit ViewTowerImpl(const Config& c)
      : model(register_module("model", Trunk(c.trunk))),
        head(register_module("head", Handle<PairHeadImpl>({.width = model->global_width(), .out = c.embedding}))) {}

  Tensor forward(const Tensor& images) { return ops::unit(head(model(images).global)); }  // (B, embedding), unit rows

  Trunk model;
  Handle<PairHeadImpl> head;
};

}  // namespace detail

// The base of a model whose only trunk is that of its image tower.
class ImageOnlyModel : public AlignmentModel {
 public:
  using AlignmentModel::AlignmentModel;

  [[noreturn]] Embeddings encode_text(const Tokens& /*tokens*/) override {
    fail(ErrorKind::argument, "this model has no text tower: it was made from pictures alone; choose a model that reads reports, or a task on pictures");
  }
  [[nodiscard]] int64_t text_length() const override { return 0; }
  [[nodiscard]] int64_t vocabulary() const override { return 0; }
  [[nodiscard]] Profile profile() const override { return Profile::fixed; }

 protected:
  // What the trunk gives, with the summary's embedding beside it.
  [[nodiscard]] static Embeddings embedded(const Features& f, const Tensor& global) {
    return {.global = global, .local = {}, .attention = f.attention, .valid = f.valid, .features = f.global};
  }
  template <ImageEncoder Trunk>
  [[nodiscard]] static int64_t image_size_of(const Trunk& trunk) {
    if constexpr (requires { trunk->image_size(); }) return trunk->image_size();
    return 0;
  }
  // Throws Error(argument) where a batch lacks a second view of each picture.
  static void require_two_views(const AlignmentInput& batch) {
    MGCA_CHECK(batch.images.dim() == 4 && batch.images.size(0) > 0 && batch.second_images.defined() && batch.second_images.sizes() == batch.images.sizes(),
               "this model compares two views: expected images and second_images (B, 3, S, S), got ", batch.images.sizes(), " and ",
               batch.second_images.defined() ? batch.second_images.sizes() : at::IntArrayRef(), "; make batches with StudySourceConfig::views = 2");
  }
};

}  // namespace mgca
