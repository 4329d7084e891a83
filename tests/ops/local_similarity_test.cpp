#include "expect_error.hpp"
#include "gradients.hpp"

#include <mgca/ops/local_similarity.hpp>

using mgca::Tensor;
using mgca::test::random_tensor;
namespace ops = mgca::ops;

namespace {

// The equations for one image (P, D) and the words (W, D) of one report, region by region and word by word.
double written_out(const Tensor& regions, const Tensor& words, const ops::LocalSimilarityOptions& o) {
  const auto score = regions.mm(words.t());                                       // (P, W)
  const auto of_words = score.exp() / score.exp().sum(1, true);
  const auto of_regions = (of_words * o.attention_scale).exp() / (of_words * o.attention_scale).exp().sum(0, true);
  double sum = 0;
  for (int64_t w = 0; w < words.size(0); ++w) {
    auto gathered = torch::zeros_like(words[w]);
    for (int64_t p = 0; p < regions.size(0); ++p) gathered = gathered + of_regions[p][w] * regions[p];
    const double cosine = (gathered.dot(words[w]) / (gathered.norm() * words[w].norm())).item<double>();
    sum += std::exp(o.word_scale * cosine);
  }
  return o.scale * std::log(sum);
}

const Tensor kSomeWords = torch::tensor({{1, 1, 1, 0}, {1, 0, 0, 0}, {1, 1, 1, 1}}, torch::kBool);  // of three reports

}  // namespace

TEST_CASE("local_similarity: every pair equals the equations written out, however many reports are held at once", "[ops][fast]") {
  const auto regions = random_tensor({2, 5, 6}, 1), words = random_tensor({3, 4, 6}, 2);
  for (const int64_t at_once : {0, 1, 2}) {
    const ops::LocalSimilarityOptions options{.attention_scale = 3, .word_scale = 2, .scale = 7, .reports_at_once = at_once};
    const auto found = ops::local_similarity(regions, words, kSomeWords, options);
    REQUIRE(found.sizes() == at::IntArrayRef({2, 3}));
    for (int64_t b = 0; b < 2; ++b) {
      for (int64_t n = 0; n < 3; ++n) {
        const auto count = kSomeWords[n].sum().item<int64_t>();
        CHECK(found[b][n].item<double>() == Approx(written_out(regions[b], words[n].slice(0, 0, count), options)));
      }
    }
  }
}

TEST_CASE("local_similarity: words outside take no part, a report without any is 0 everywhere and gets no gradient", "[ops][fast]") {
  const auto regions = random_tensor({2, 5, 6}, 1), words = random_tensor({2, 4, 6}, 2).requires_grad_();
  const auto valid = torch::tensor({{1, 1, 0, 0}, {0, 0, 0, 0}}, torch::kBool);
  const auto found = ops::local_similarity(regions, words, valid);
  CHECK(found.slice(1, 1).eq(0).all().item<bool>());
  CHECK(torch::allclose(found.slice(1, 0, 1), ops::local_similarity(regions, words.slice(0, 0, 1).slice(1, 0, 2))));
  found.sum().backward();
  CHECK(words.grad().isfinite().all().item<bool>());
  CHECK(words.grad()[1].eq(0).all().item<bool>());
  CHECK(words.grad()[0].slice(0, 2).eq(0).all().item<bool>());
}

TEST_CASE("local_similarity: the derivative is right, words of zeros included", "[ops][fast]") {
  const auto regions = random_tensor({2, 3, 4}, 1);
  auto words = random_tensor({3, 4, 4}, 2);
  words[0][3].zero_();
  const auto mix = random_tensor({2, 3}, 3);
  CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return (ops::local_similarity(regions, x, kSomeWords, {.scale = 1}) * mix).sum(); }, words));
  CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return (ops::local_similarity(x, words, kSomeWords, {.scale = 1}) * mix).sum(); }, regions));
}

TEST_CASE("local_similarity: inside autocast nothing changes by a bit", "[ops][fast]") {
  const auto regions = random_tensor({2, 5, 16}, 1).to(torch::kFloat32), words = random_tensor({3, 4, 16}, 2).to(torch::kFloat32);
  const auto outside = ops::local_similarity(regions, words);
  const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
  CHECK(torch::equal(ops::local_similarity(regions, words), outside));
}

TEST_CASE("local_similarity: widths that differ, another mask and scales of 0 are refused", "[ops][fast]") {
  const auto regions = torch::zeros({2, 5, 6}), words = torch::zeros({3, 4, 6});
  mgca::test::expect_error([&] { (void)ops::local_similarity(regions, words.slice(2, 0, 5)); }, {"[2, 5, 6]", "[3, 4, 5]"});
  mgca::test::expect_error([&] { (void)ops::local_similarity(regions, words, kSomeWords.slice(1, 0, 3)); }, {"valid", "[3, 3]"});
  mgca::test::expect_error([&] { (void)ops::local_similarity(regions, words, {}, {.word_scale = 0}); }, {"scales", "0"});
  mgca::test::expect_error([&] { (void)ops::local_similarity(regions, words, {}, {.reports_at_once = -1}); }, {"reports_at_once", "-1"});
}
