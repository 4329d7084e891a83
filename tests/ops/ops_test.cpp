#include "catch.hpp"
#include "expect_error.hpp"
#include "golden.hpp"

#include <mgca/ops/contrast.hpp>
#include <mgca/ops/cross_attention.hpp>
#include <mgca/ops/quantile_clip.hpp>
#include <mgca/ops/sinkhorn.hpp>
#include <mgca/ops/token_contrast.hpp>
#include <mgca/ops/unit.hpp>
#include <mgca/ops/word_pool.hpp>

#include <cmath>

using mgca::Tensor;
using mgca::test::Golden;
namespace ops = mgca::ops;

namespace {

// The derivative of a scalar function at x by central differences.
template <class F>
bool gradient_is_right(F f, const Tensor& at) {
  auto x = at.detach().clone().requires_grad_();
  f(x).backward();
  auto moved = at.detach().clone();
  auto flat = moved.view(-1);
  const auto gradient = x.grad().view(-1);
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const double value = flat[i].item<double>(), h = 1e-6;
    flat[i] = value + h;
    const double up = f(moved).template item<double>();
    flat[i] = value - h;
    const double down = f(moved).template item<double>();
    flat[i] = value;
    const double expected = (up - down) / (2 * h), got = gradient[i].item<double>();
    if (std::abs(expected - got) > 1e-5 * std::max(1.0, std::abs(expected))) return false;
  }
  return true;
}

Tensor random(at::IntArrayRef shape, int64_t seed) {
  torch::manual_seed(seed);
  return torch::randn(shape, torch::kFloat64);
}

}  // namespace

TEST_CASE("sinkhorn: published, odd and small cases equal the reference", "[ops][golden][fast]") {
  for (const std::string name : {"sinkhorn_small", "sinkhorn_odd", "sinkhorn_published"}) {
    const Golden golden(name);
    INFO(name);
    const auto codes = ops::sinkhorn(golden.batch.at("scores"), {.iterations = golden.config["iterations"], .epsilon = golden.config["epsilon"]});
    golden.check("codes", codes);
  }
}

TEST_CASE("sinkhorn: the documented example, distributions in rows, balance in columns", "[ops][fast]") {
  const auto plan = ops::sinkhorn(torch::tensor({{0.9, 0.1, -0.2}, {0.2, 0.8, 0.0}}));
  CHECK(plan[0][0].item<float>() == Approx(0.940324354F).epsilon(1e-5));
  CHECK(plan[1][1].item<float>() == Approx(0.516383995F).epsilon(1e-5));
  const auto many = ops::sinkhorn(random({64, 8}, 1).tanh(), {.iterations = 100});
  CHECK(torch::allclose(many.sum(1), torch::ones({64}, torch::kFloat64)));
  CHECK(torch::allclose(many.sum(0), torch::full({8}, 8.0, torch::kFloat64), 1e-3, 1e-3));
  const auto order = torch::randperm(64);
  CHECK(torch::allclose(ops::sinkhorn(random({64, 8}, 1).tanh().index_select(0, order), {.iterations = 100}), many.index_select(0, order)));
  CHECK(ops::sinkhorn(torch::full({3, 4}, 1.0, torch::kHalf)).isfinite().all().item<bool>());
  mgca::test::expect_error([] { (void)ops::sinkhorn(torch::zeros({3})); }, {"(B, K)", "[3]"});
  mgca::test::expect_error([] { (void)ops::sinkhorn(torch::zeros({3, 3}), {.epsilon = 0}); }, {"epsilon"});
}

TEST_CASE("contrast: equal pairs are found, one pair costs nothing, derivatives are right", "[ops][fast]") {
  const auto rows = ops::unit(random({6, 16}, 2));
  const auto found = ops::contrast(rows, rows, 0.07);
  CHECK(found.image_to_text.item<double>() < 1e-2);
  CHECK(ops::pairing_accuracy(found.logits, 1).item<float>() == 1);
  CHECK(ops::contrast(rows.slice(0, 0, 1), rows.slice(0, 1, 2), 0.07).sum().item<double>() == Approx(0).margin(1e-12));
  CHECK(ops::pairing_accuracy(found.logits.slice(0, 0, 3).slice(1, 0, 3), 5).item<float>() == 1);  // k beyond the batch is the batch
  const auto other = ops::unit(random({6, 16}, 3));
  CHECK(ops::contrast(rows, other, 0.07).image_to_text.item<double>() == Approx(ops::contrast(other, rows, 0.07).text_to_image.item<double>()));
  CHECK(gradient_is_right([&](const Tensor& x) { return ops::contrast(ops::unit(x), other, 0.5).sum(); }, random({6, 16}, 4)));
  mgca::test::expect_error([&] { (void)ops::contrast(rows, other.slice(0, 0, 5), 0.07); }, {"[6, 16]", "[5, 16]"});
}

TEST_CASE("quantile_clip: the documented example, and rows of every awkward kind", "[ops][fast]") {
  const auto weights = torch::tensor({{0.05, 0.1, 0.2, 0.25, 0.4}, {0.05, 0.1, 0.2, 0.25, 0.4}, {0.3, 0.0, 0.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 0.0, 0.0}, {1.0, 2.0, 3.0, 4.0, 5.0}}, torch::kFloat64);
  auto counted = torch::ones({5, 5}, torch::kBool);
  counted[2] = torch::tensor({true, false, false, false, false});
  counted[4] = torch::zeros({5}, torch::kBool);
  const auto out = ops::quantile_clip(weights, counted);
  CHECK(torch::allclose(out[0], torch::tensor({0.07291667, 0.10416667, 0.20833333, 0.26041667, 0.35416667}, torch::kFloat64), 1e-6, 1e-8));
  CHECK(torch::equal(out[0], out[1]));
  CHECK(out[2][0].item<double>() == 1);
  CHECK(torch::allclose(out[3], torch::full({5}, 0.2, torch::kFloat64)));  // a sum of 0 is spread evenly
  CHECK(out[4].abs().sum().item<double>() == 0);                            // nothing counts
  CHECK_FALSE(ops::quantile_clip(weights.clone().requires_grad_(), counted).requires_grad());
}

TEST_CASE("cross_attention: masked keys receive nothing, a row without keys is zero and finite", "[ops][fast]") {
  const auto queries = ops::unit(random({2, 3, 8}, 5)), keys = ops::unit(random({2, 4, 8}, 6));
  const auto valid = torch::tensor({{1, 1, 0, 0}, {0, 0, 0, 0}}, torch::kBool);
  const auto out = ops::cross_attention(queries, keys, 0.1, valid);
  CHECK(torch::allclose(out.weights[0].sum(-1), torch::ones({3}, torch::kFloat64)));
  CHECK(out.weights[0].slice(1, 2).abs().sum().item<double>() == 0);
  CHECK(out.mixed[1].abs().sum().item<double>() == 0);
  CHECK(torch::allclose(out.mixed[0], ops::cross_attention(queries.slice(0, 0, 1), keys.slice(0, 0, 1).slice(1, 0, 2), 0.1).mixed[0]));
  auto leaf = random({2, 3, 8}, 7).requires_grad_();
  ops::cross_attention(leaf, keys, 0.1, valid).mixed.sum().backward();
  CHECK(leaf.grad().isfinite().all().item<bool>());
  CHECK(gradient_is_right([&](const Tensor& x) { return (ops::cross_attention(x, keys, 0.5, valid).mixed * queries).sum(); }, random({2, 3, 8}, 8)));
}

TEST_CASE("token_contrast: invalid tokens are as if they were not there", "[ops][fast]") {
  const auto tokens = ops::unit(random({2, 5, 8}, 9)), found = ops::unit(random({2, 5, 8}, 10));
  const auto valid = torch::tensor({{1, 1, 1, 0, 0}, {1, 1, 1, 0, 0}}, torch::kBool);
  const auto weights = valid.to(torch::kFloat64) / 3;
  const auto samples = torch::full({}, 2.0, torch::kFloat64);
  const auto masked = ops::token_contrast({.tokens = tokens, .attended = found, .weights = weights, .valid = valid, .samples = samples}, 0.1);
  const auto brief = ops::token_contrast({.tokens = tokens.slice(1, 0, 3), .attended = found.slice(1, 0, 3), .weights = weights.slice(1, 0, 3), .samples = samples}, 0.1);
  CHECK(masked.mean().item<double>() == Approx(brief.mean().item<double>()));
  CHECK(masked.row_loss.slice(1, 3).abs().sum().item<double>() == 0);
  CHECK(gradient_is_right([&](const Tensor& x) {
    return ops::token_contrast({.tokens = x, .attended = found, .weights = weights, .valid = valid, .samples = samples}, 0.5).mean();
  }, random({2, 5, 8}, 11)));
}

TEST_CASE("word_pool: sums per slot, nothing for tokens without one", "[ops][fast]") {
  const auto pieces = random({1, 5, 2}, 12);
  const auto slots = torch::tensor({{-1, 0, 0, 2, -1}}, torch::kLong);
  const auto words = ops::word_pool(pieces, slots);
  CHECK(words.sizes() == at::IntArrayRef({1, 4, 2}));
  CHECK(torch::allclose(words[0][0], pieces[0][1] + pieces[0][2]));
  CHECK(words[0][1].abs().sum().item<double>() == 0);
  CHECK(torch::allclose(words[0][2], pieces[0][3]));
  CHECK(gradient_is_right([&](const Tensor& x) { return ops::word_pool(x, slots).square().sum(); }, pieces));
}

TEST_CASE("unit: length one, zero stays zero with a finite derivative", "[ops][fast]") {
  auto x = random({3, 4}, 13);
  x[1].zero_();
  x.requires_grad_();
  const auto y = ops::unit(x);
  CHECK(torch::allclose(y.norm(2, {-1}), torch::tensor({1.0, 0.0, 1.0}, torch::kFloat64)));
  (y * random({3, 4}, 14)).sum().backward();
  CHECK(x.grad().isfinite().all().item<bool>());
}

TEST_CASE("ops: inside autocast the losses of f32 embeddings do not change by a bit", "[ops][fast]") {
  const auto a = ops::unit(random({8, 32}, 1)).to(torch::kFloat32), b = ops::unit(random({8, 32}, 2)).to(torch::kFloat32);
  const auto t = ops::unit(random({2, 9, 32}, 3)).to(torch::kFloat32), o = ops::unit(random({2, 9, 32}, 4)).to(torch::kFloat32);
  const auto weights = torch::full({2, 9}, 1.0F / 9);
  const auto all = [&] {
    return torch::stack({ops::contrast(a, b, 0.07).sum(), ops::cross_attention(t, o, 0.1).mixed.square().sum(),
                         ops::token_contrast({.tokens = t, .attended = o, .weights = weights, .valid = {}, .samples = torch::full({}, 2.0F)}, 0.1).mean()});
  };
  const auto outside = all();
  const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
  CHECK(torch::equal(all(), outside));
}

TEST_CASE("sinkhorn: small epsilons and large scores stay finite, empty batches are refused", "[ops][fast]") {
  const auto scores = random({5, 7}, 5).to(torch::kFloat32);
  for (const double epsilon : {0.01, 0.005, 1e-4}) CHECK(ops::sinkhorn(scores, {.epsilon = epsilon}).isfinite().all().item<bool>());
  CHECK(ops::sinkhorn(scores * 1000).isfinite().all().item<bool>());
  mgca::test::expect_error([] { (void)ops::sinkhorn(torch::zeros({0, 3})); }, {"[0, 3]"});
}

TEST_CASE("quantile_clip: not-a-number is not hidden", "[ops][fast]") {
  auto weights = torch::rand({2, 4});
  weights[1][2] = std::nan("");
  const auto clipped = ops::quantile_clip(weights, torch::ones({2, 4}, torch::kBool));
  CHECK(clipped[0].isfinite().all().item<bool>());
  CHECK(clipped[1].isnan().any().item<bool>());
}

TEST_CASE("top_k_accuracy: a collapsed model scores as by chance", "[ops][fast]") {
  CHECK(ops::pairing_accuracy(torch::ones({10, 10}), 1).item<float>() == Approx(0.1));
  CHECK(ops::pairing_accuracy(torch::ones({10, 10}), 5).item<float>() == Approx(0.5));
}
