// The training subsets of the released code: rows, not patients, drawn as pandas does. For comparison with published results only.
#pragma once

#include <mgca/data/detail/published_draws.hpp>
#include <mgca/data/record.hpp>

#include <cstddef>
#include <vector>

namespace mgca::data {

// Sets Study::percent: of the training studies, in their order, DataFrame.sample(0.01 and 0.1, random_state = 42) give those of 1
// and 10 %. One seed permutes once, so the smaller lies inside the larger.
inline void draw_published_subsets(std::vector<Study>& studies) {
  std::vector<std::size_t> train;
  for (std::size_t i = 0; i < studies.size(); ++i) {
    studies[i].percent = 0;
    if (studies[i].split == "train") train.push_back(i);
  }
  const auto percents = detail::sampled_percents(train.size());
  for (std::size_t k = 0; k < train.size(); ++k) studies[train[k]].percent = percents[k];
}

}  // namespace mgca::data
