// The catalogue's models, small: names of tensors do not depend on widths. And batches for them.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/catalog/catalog.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace mgca::test {

inline std::vector<std::string> narrow(const std::string& name, const std::vector<std::string>& more = {}) {
  auto overrides = Catalog::standard().at(name).small;
  overrides.insert(overrides.end(), more.begin(), more.end());
  return overrides;
}

inline std::shared_ptr<AlignmentModel> small_model(const std::string& name, const std::vector<std::string>& more = {}) {
  return Catalog::standard().create({.name = name, .overrides = narrow(name, more), .seed = 5});
}

inline bool has_option(const Catalog::Entry& entry, const std::string& path) {
  const auto options = entry.options({});
  return std::any_of(options.begin(), options.end(), [&](const auto& row) { return row.path == path; });
}

inline std::vector<std::string> tensor_names(const AlignmentModel& model) {
  std::vector<std::string> names;
  for (const auto& item : state_dict(model)) names.push_back(item.name);
  return names;
}

// Reports with the given numbers of words, one piece each, between [CLS] and [SEP].
inline Tokens tokens_for(const AlignmentModel& model, const std::vector<int64_t>& words) {
  const auto B = static_cast<int64_t>(words.size()), T = model.text_length();
  const auto count = torch::tensor(words).view({B, 1}), position = torch::arange(T).unsqueeze(0);
  const auto is_word = position.ge(1).logical_and(position.le(count));
  const auto ids = torch::randint(5, model.vocabulary(), {B, T}).masked_fill(position.gt(count + 1), 0);
  return {.ids = ids, .mask = position.le(count + 1).to(torch::kLong),
          .word_slot = torch::where(is_word, (position - 1).expand({B, T}), torch::full({B, T}, -1, torch::kLong)), .words = torch::tensor(words)};
}

// What the model asks for, of as many studies as there are numbers of words.
inline AlignmentInput batch_for(const Catalog::Entry& entry, const AlignmentModel& model, const std::vector<int64_t>& words) {
  const auto needs = model.needs();
  const auto B = static_cast<int64_t>(words.size()), S = model.image_size();
  AlignmentInput batch{.images = torch::randn({B, 3, S, S})};
  if (needs.reports) batch.tokens = tokens_for(model, words);
  if (needs.views == 2) batch.second_images = torch::randn({B, 3, S, S});
  for (const auto& row : entry.options(entry.small)) {
    if (needs.labels && row.path == "classes") batch.labels = torch::randint(2, {B, std::stoll(row.value)}).to(torch::kFloat);
  }
  return batch;
}

}  // namespace mgca::test
