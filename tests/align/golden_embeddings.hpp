// Embeddings of a golden case, as the reference's towers gave them.
#pragma once

#include "golden.hpp"

#include <mgca/align/model.hpp>

namespace mgca::test {

inline Embeddings golden_image(const Golden& golden) {
  return {.global = golden.expected.at("image.global"), .local = golden.expected.at("image.local"),
          .attention = golden.expected.at("image.last_attention").select(2, 0).slice(-1, 1).mean(1), .valid = {}};
}
inline Embeddings golden_text(const Golden& golden) {
  return {.global = golden.expected.at("text.global"), .local = golden.expected.at("text.local"),
          .attention = golden.expected.at("text.word_attention"), .valid = golden.expected.at("text.pad_mask") == 0};
}

}  // namespace mgca::test
