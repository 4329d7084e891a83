// How well every report of a batch fits every image, word by word: each word gathers the regions that heed it, and the words'
// cosines with what they gathered are joined by a soft maximum.
// Reference: GLoRIA, Huang et al. 2021, equations 2 to 5.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/unit.hpp>

#include <algorithm>
#include <vector>

namespace mgca::ops {

struct LocalSimilarityOptions {
  double attention_scale = 4;   // of the attention over regions
  double word_scale = 5;        // of the cosines inside the soft maximum over words
  double scale = 10;            // of the result
  int64_t reports_at_once = 0;  // bounds what is held beside the result; 0: as many as keep a table of attention below 2^26 numbers
};

// Regions (B, P, D) and words (N, W, D), not normalised, to similarities (B, N). Words outside `valid` (N, W) bool take no part;
// undefined: all count. A report without any word is as similar to every image: 0.
// Memory for the gradient: 2 B N P W + B N W D numbers, 1.3 GB at B = N = 48, 361 regions and 97 words of 768 channels.
[[nodiscard]] inline Tensor local_similarity(const Tensor& regions, const Tensor& words, const Tensor& valid = {}, const LocalSimilarityOptions& options = {}) {
  MGCA_CHECK(regions.dim() == 3 && words.dim() == 3 && regions.size(2) == words.size(2) && regions.numel() > 0 && words.numel() > 0,
             "local_similarity: expected regions (B, P, D) and words (N, W, D), got ", regions.sizes(), " and ", words.sizes());
  MGCA_CHECK(!valid.defined() || valid.sizes() == words.sizes().slice(0, 2), "local_similarity: expected `valid` (N, W) for words ", words.sizes(),
             ", got ", valid.sizes());
  MGCA_CHECK(options.attention_scale > 0 && options.word_scale > 0 && options.scale > 0, "local_similarity: scales must be positive, got ",
             options.attention_scale, ", ", options.word_scale, " and ", options.scale);
  MGCA_CHECK(options.reports_at_once >= 0, "local_similarity: reports_at_once must be 0 or more, got ", options.reports_at_once);
  constexpr int64_t kTable = int64_t{1} << 26;
  constexpr double kOutOfReach = -1e9;  // finite: rows without a valid word stay numbers
  const auto scope = exact_scope(regions);
  const auto places = exact(regions), all_words = exact(words);
  const auto B = places.size(0), P = places.size(1), N = all_words.size(0), W = all_words.size(1), D = all_words.size(2);
  const auto outside = valid.defined() ? valid.logical_not() : torch::zeros({N, W}, words.options().dtype(torch::kBool));
  const auto step = options.reports_at_once > 0 ? options.reports_at_once : std::max<int64_t>(1, kTable / (B * P * W));
  std::vector<Tensor> columns;
  for (int64_t first = 0; first < N; first += step) {
    const auto n = std::min(step, N - first);
    const auto some = all_words.narrow(0, first, n);                                       // (n, W, D)
    const auto absent = outside.narrow(0, first, n);                                       // (n, W)
    const auto score = places.reshape({B * P, D}).mm(some.reshape({n * W, D}).t()).view({B, P, n, W});
    const auto of_words = score.masked_fill(absent, kOutOfReach).softmax(3);               // which word each region heeds
    const auto of_regions = (of_words * options.attention_scale).softmax(1);               // which region each word takes
    const auto gathered = of_regions.view({B, P, n * W}).transpose(1, 2).bmm(places).view({B, n, W, D});
    const auto lengths = (gathered.norm(2, {-1}) * some.norm(2, {-1})).clamp_min(1e-8);    // (B, n, W)
    const auto cosine = (gathered * some).sum(-1) / lengths;
    const auto joined = (cosine * options.word_scale).masked_fill(absent, kOutOfReach).logsumexp(2);  // (B, n)
    columns.push_back(joined.masked_fill(absent.all(1), 0));
  }
  return torch::cat(columns, 1) * options.scale;
}

}  // namespace mgca::ops
