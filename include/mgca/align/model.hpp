// The run-time face of every model that embeds images and reports into one space.
// Tasks and programs are written against it, so that choosing a model by name multiplies no code.
#pragma once

#include <mgca/align/terms.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/feed/batch.hpp>  // Tokens
#include <mgca/tensor/nn.hpp>
#include <mgca/tensor/process_group.hpp>
#include <mgca/tensor/state_dict.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mgca {

// A batch in the shared space: unit rows.
struct Embeddings {
  Tensor global;     // (B, d)
  Tensor local;      // (B, N, d) one per patch or word; 0 where invalid; undefined where a model embeds the whole alone
  Tensor attention;  // (B, N) attention the summary token pays to each, without gradient; undefined for CNN towers
  Tensor valid;      // (B, N) bool; undefined: all exist
  Tensor features;   // (B, width of the tower) its own summary, before any projection, as image_features() gives; undefined: not kept
};

// The embeddings of patches or words. Throws Error(argument), beginning with `what`, where the model makes none.
[[nodiscard]] inline Tensor parts_of(const Embeddings& embeddings, std::string_view what) {
  MGCA_CHECK(embeddings.local.defined(), what, " are asked for, but this model embeds whole images and reports alone; choose one that embeds parts too, as mgca or gloria");
  return embeddings.local;
}

// What a step looks at, on the model's device.
struct AlignmentInput {
  Tensor images;              // (B, 3, S, S) in [-1, 1]
  Tokens tokens = {};         // of the B reports
  Tensor second_images = {};  // (B, 3, S, S) another view of each picture; undefined unless the model asks for two
  Tensor labels = {};         // (B, C) 1 present, 0 absent, NaN unknown; undefined or C = 0 where there are none
  ProcessGroup* peers = nullptr;  // ranks with as many samples each, which take the same step now; nullptr: this batch is all there is
};

// What a model asks of its batches.
struct AlignmentNeeds {
  bool reports = true;
  bool labels = false;
  int64_t views = 1;  // of every picture, differently augmented
};

struct AlignmentLosses {
  std::vector<LossTerm> terms;       // what is optimised
  std::vector<NamedTensor> metrics;  // what is only watched, as scalar tensors without gradient

  [[nodiscard]] Tensor total() const { return mgca::total(terms); }
};

class AlignmentModel : public torch::nn::Module {
 public:
  using torch::nn::Module::Module;

  // images (B, 3, S, S) in [-1, 1].
  [[nodiscard]] virtual Embeddings encode_image(const Tensor& images) = 0;
  [[nodiscard]] virtual Embeddings encode_text(const Tokens& tokens) = 0;
  // The losses of a batch; in training mode this is the forward of a training step.
  [[nodiscard]] virtual AlignmentLosses losses(const AlignmentInput& batch) = 0;
  [[nodiscard]] virtual AlignmentNeeds needs() const { return {}; }
  // What a downstream task builds on: the image tower's own summary, before any projection, (B, image_width()).
  [[nodiscard]] virtual Tensor image_features(const Tensor& images) = 0;
  // Between backward and the optimiser's step of the given epoch, counted from 0.
  virtual void after_backward(int64_t /*epoch*/) {}
  // Pieces of the names of trainable parameters that stay as they are: of published files alone, which get no gradient, and without effect,
  // whose gradient is 0 but for rounding, as a shift of all scores of a query is.
  [[nodiscard]] virtual std::vector<std::string> idle_parameters() const { return {"attention.self.key.bias"}; }

  [[nodiscard]] virtual int64_t image_width() const = 0;   // channels of image_features
  [[nodiscard]] virtual int64_t image_size() const = 0;    // pixels, square; 0: any
  [[nodiscard]] virtual int64_t text_length() const = 0;   // tokens per report; 0: any
  [[nodiscard]] virtual int64_t vocabulary() const = 0;    // word pieces; 0: not told
  [[nodiscard]] virtual Profile profile() const = 0;
};

}  // namespace mgca
