// What a training step consumes: host records made into tensors.
#pragma once

#include <mgca/tensor/bridge.hpp>
#include <mgca/tensor/torch.hpp>

#include <cstdint>
#include <vector>

namespace mgca {

// Reports as word pieces, with the grouping of pieces into words decided on the host, so that no step scans text.
struct Tokens {
  Tensor ids;        // (B, T) int64, vocabulary indices, right-padded
  Tensor mask;       // (B, T) int64, 1 where a token stands, 0 where padding does
  Tensor word_slot;  // (B, T) int64, slot 0 .. T-2 of the word a token belongs to; -1: belongs to none
  Tensor words;      // (B)    int64, number of slots in use

  [[nodiscard]] int64_t length() const { return ids.size(1); }
  [[nodiscard]] Tokens to(torch::Device device) const {
    if (!ids.defined()) return {};  // no reports were read
    constexpr bool non_blocking = true;
    return {.ids = ids.to(device, non_blocking),
            .mask = mask.to(device, non_blocking),
            .word_slot = word_slot.to(device, non_blocking),
            .words = words.to(device, non_blocking)};
  }
  void pin() { page_lock(ids, mask, word_slot, words); }
};

struct StudyBatch {
  Tensor images;                 // (B, 1, S, S) uint8
  Tensor second_images = {};     // (B, 1, S, S) uint8, another view of each picture; undefined unless two were asked for
  Tokens tokens;                 // of the B reports; undefined where none are read
  Tensor labels;                 // (B, C) float32: 1 present, 0 absent, NaN unknown; C may be 0
  std::vector<int64_t> records;  // positions in the data set, for messages and result tables

  [[nodiscard]] int64_t size() const { return images.size(0); }
  void pin() {
    page_lock(images, labels);
    if (second_images.defined()) page_lock(second_images);
    if (tokens.ids.defined()) tokens.pin();
  }
};

// Without reports.
struct LabelledBatch {
  Tensor images;                 // (B, 1, S, S) uint8
  Tensor labels;                 // (B, C) float32: 1 present, 0 absent, NaN unknown
  std::vector<int64_t> records;  // positions in the data set

  [[nodiscard]] int64_t size() const { return images.size(0); }
  void pin() { page_lock(images, labels); }
};

// 8-bit pictures as the networks see them: (B, 3, S, S) on the device, (x / 255 - 0.5) / 0.5. A quarter of the bytes travel.
[[nodiscard]] inline Tensor network_input(const Tensor& images, torch::Device device) {
  const auto grey = (images.to(device, /*non_blocking=*/true).to(torch::kFloat32) / 255 - 0.5) / 0.5;
  return grey.expand({-1, 3, -1, -1});
}

}  // namespace mgca
