// The model of an MGCA case and its token batches.
#pragma once

#include "case.hpp"

#include <mgca/align/model.hpp>
#include <mgca/encoders/bert.hpp>
#include <mgca/text/vocabulary.hpp>

#include <memory>
#include <string>

namespace mgca::golden {

// The vocabulary beside the case, or the cased BERT vocabulary of the sample data.
[[nodiscard]] Vocabulary vocabulary_of(const Case& one);

// Token batches with the word slots our collate would make. ids, mask (B, T).
struct TokenRows {
  Tensor ids, mask;
};
[[nodiscard]] Tokens tokens_of(const TokenRows& rows, const Vocabulary& vocabulary, const TextQuirks& quirks);

[[nodiscard]] Profile profile_of(const Case& one);
[[nodiscard]] BertConfig text_config(const nlohmann::json& json, Profile profile);
[[nodiscard]] bool is_vit(const std::string& encoder);  // throws Error(data) for an encoder the library has not

// The case's model, whatever its tower: with its weights, in its precision and mode (training where none is given).
[[nodiscard]] std::shared_ptr<AlignmentModel> any_model(const Case& one);

// The published sizes with the files' unused blocks, at random: "vit_base" or "resnet_50", as hyper-parameters name the tower.
[[nodiscard]] std::shared_ptr<AlignmentModel> published_model(const std::string& encoder);

}  // namespace mgca::golden
