// AlignmentModel: what trainer, tasks and commands see of a model that pulls images and reports together.
// The architecture stays in the type of the model; code that only runs models is written against this.
#pragma once

#include <mgca/align/terms.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/feed/batch.hpp>  // Tokens
#include <mgca/tensor/nn.hpp>

#include <cstdint>

namespace mgca {

// One side of a batch in the space both sides share.
struct Embeddings {
  Tensor global = {};     // (B, E)    unit rows
  Tensor local = {};      // (B, N, E) unit vectors of patches or words
  Tensor attention = {};  // (B, N)    attention of the encoder's summary token to each part, without gradient;
                          //           undefined for convolutional encoders
  Tensor valid = {};      // (B, N)    bool, true where a part exists; undefined: all exist
};

class AlignmentModel : public torch::nn::Module {
 public:
  virtual Embeddings encode_image(const Tensor& images) = 0;  // (B, 3, S, S) in [-1, 1]
  virtual Embeddings encode_text(const Tokens& tokens) = 0;

  // The losses of one batch of pairs; nothing in here waits for the device.
  virtual AlignmentOutput losses(const Tensor& images,  // (B, 3, S, S) in [-1, 1]
                                 const Tokens& tokens) = 0;

  // The image trunk's own vector, before the projection: what probes and fine-tuning start from.
  virtual Tensor image_features(const Tensor& images) = 0;         // (B, D)
  [[nodiscard]] virtual int64_t image_features_width() const = 0;  // D
  [[nodiscard]] virtual int64_t embedding_width() const = 0;       // E
  [[nodiscard]] virtual int64_t image_size() const = 0;            // S the model is made for, pixels
  [[nodiscard]] virtual int64_t text_length() const = 0;           // T the model is made for, tokens
  [[nodiscard]] virtual Profile profile() const = 0;

  // Called before each forward pass of training, and between backward pass and optimiser step. Epochs count from 0.
  virtual void before_step() {}
  virtual void after_backward(int64_t /*epoch*/) {}
};

}  // namespace mgca
