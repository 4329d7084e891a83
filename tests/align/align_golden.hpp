// Stored embeddings of the golden cases, so that the losses are tested without the encoders in front of them.
#pragma once

#include "golden.hpp"

#include <mgca/align/cpa.hpp>
#include <mgca/align/cta.hpp>
#include <mgca/align/ita.hpp>

namespace mgca::test {

inline Profile profile_of(const Golden& golden) {
  return golden.config["profile"] == "official" ? Profile::official : Profile::fixed;
}

// Leaves that collect gradients.
struct StoredEmbeddings {
  Embeddings image, text;

  explicit StoredEmbeddings(const Golden& golden) {
    const auto leaf = [&](const char* name) { return golden.expected.at(name).clone().set_requires_grad(true); };
    image = {.global = leaf("image.global"), .local = leaf("image.local")};
    image.attention = golden.expected.at("image.last_attention").mean(1).select(1, 0).slice(1, 1);
    text = {.global = leaf("text.global"),
            .local = leaf("text.local"),
            .attention = golden.expected.at("text.word_attention"),
            .valid = golden.expected.at("text.pad_mask").eq(0)};
  }
};

inline Cta golden_cta(const Golden& golden) {
  const auto& model = golden.config["model"];
  Cta cta({.width = model["emb_dim"],
           .temperature = model["local_temperature"],
           .attention = model["use_local_atten"].get<bool>() ? LocalAttention::learned : LocalAttention::dot,
           .heads = model["num_heads"],
           .patch_branch = model["bidirectional"],
           .profile = profile_of(golden)});
  fill_by_formula(*cta, "", golden.config["weights"]["seed"]);
  return cta;
}

inline Cpa golden_cpa(const Golden& golden) {
  const auto& model = golden.config["model"];
  Cpa cpa({.width = model["emb_dim"],
           .prototypes = model["num_prototypes"],
           .temperature = model["proto_temperature"],
           .epsilon = model["epsilon"],
           .iterations = model["sinkhorn_iterations"],
           .profile = profile_of(golden)});
  fill_by_formula(*cpa, "", golden.config["weights"]["seed"]);
  cpa->train(golden.config["mode"] == "train");
  return cpa;
}

}  // namespace mgca::test
