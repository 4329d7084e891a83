// What a training step consumes: host records made into tensors.
#pragma once

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
    constexpr bool non_blocking = true;
    return {.ids = ids.to(device, non_blocking),
            .mask = mask.to(device, non_blocking),
            .word_slot = word_slot.to(device, non_blocking),
            .words = words.to(device, non_blocking)};
  }
};

struct ImageTextBatch {
  Tensor images;                 // (B, 1, S, S) uint8
  Tokens tokens;                 // of the B reports
  std::vector<int64_t> records;  // positions in the data set, for messages and result tables

  [[nodiscard]] int64_t size() const { return images.size(0); }
};

struct LabelBatch {
  Tensor images;                 // (B, 1, S, S) uint8
  Tensor labels;                 // (B, C) float32: 1 present, 0 absent, NaN unknown
  std::vector<int64_t> records;

  [[nodiscard]] int64_t size() const { return images.size(0); }
};

}  // namespace mgca
