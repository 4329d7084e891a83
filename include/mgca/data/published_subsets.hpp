// The training subsets of the released code: rows, not patients, drawn as pandas does. For comparison with published results only.
#pragma once

#include <mgca/data/legacy_random.hpp>
#include <mgca/data/record.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mgca::data {

// Sets Study::percent: of the training studies, in their order, DataFrame.sample(0.01 and 0.1, random_state = 42) give those of 1
// and 10 %. One seed permutes once, so the smaller lies inside the larger.
inline void draw_published_subsets(std::vector<Study>& studies) {
  std::vector<std::size_t> train;
  for (std::size_t i = 0; i < studies.size(); ++i) {
    const bool trained = studies[i].split == "train";
    studies[i].percent = trained ? 100 : 0;
    if (trained) train.push_back(i);
  }
  for (const int percent : {10, 1}) {
    for (const auto row : legacy_sample(static_cast<std::int64_t>(train.size()), {.fraction = percent / 100.0, .seed = 42})) {
      studies[train[static_cast<std::size_t>(row)]].percent = percent;
    }
  }
}

}  // namespace mgca::data
