// Sentences as word pieces and ids. sentences.json gets its pieces and, for every configured length, its ids without padding.
#include "../model.hpp"

#include <mgca/text/wordpiece.hpp>

namespace mgca::golden {

namespace {

Answer tokenizer(const Case& one) {
  Answer answer{.tensors = {}, .document = one.document()};
  const auto vocabulary = vocabulary_of(one);
  const bool lower_case = one.config.value("do_lower_case", true);
  std::vector<Tensor> padded, mask;
  for (const int64_t length : one.config.at("max_lengths")) {
    const WordPiece words(vocabulary, {.length = length, .lower_case = lower_case});
    for (auto& sentence : answer.document) {
      const auto text = sentence.at("text").get<std::string>();
      const auto row = words.encode(text);
      sentence["ids_" + std::to_string(length)] = std::vector<int32_t>(row.ids.begin(), row.ids.begin() + row.used);
      if (length != one.config.at("max_lengths").front()) continue;
      sentence["tokens"] = nlohmann::json::array();
      for (const auto id : words.pieces(text)) sentence["tokens"].push_back(vocabulary.token(id));
      padded.push_back(torch::tensor(row.ids, torch::kLong));
      mask.push_back(torch::arange(length, torch::kLong).lt(row.used).to(torch::kLong));
    }
  }
  if (padded.empty()) return answer;
  answer.tensors["input_ids"] = torch::stack(padded);
  answer.tensors["attention_mask"] = torch::stack(mask);
  return answer;
}

const Kind tokenizer_kind("tokenizer", tokenizer, "sentences.json");

}  // namespace

}  // namespace mgca::golden
