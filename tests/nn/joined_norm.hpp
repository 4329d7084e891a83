// A norm on several ranks beside one norm that has the rows of all of them.
#pragma once

#include "ranks.hpp"

#include <mgca/nn/batch_norm.hpp>

#include <algorithm>
#include <numeric>
#include <vector>

namespace mgca::test {

struct JoinedNormCase {
  std::vector<int64_t> rows;  // of each rank
  std::vector<int64_t> row;   // shape of one
  at::ScalarType type = at::kDouble;
  bool channels_last = false;
  Tensor valid = {};  // of all ranks' rows
};

// The largest difference of outputs, gradients of rows, scale and shift, and running statistics after two steps, as a part of the largest number.
// `make()` gives the norm, call(norm, rows, valid) applies it. The single norm works in f64.
template <class Make, class Call>
double worst_of_ranks(const Make& make, const Call& call, const JoinedNormCase& c) {
  const auto world = static_cast<int64_t>(c.rows.size());
  auto shape = c.row;
  shape.insert(shape.begin(), std::accumulate(c.rows.begin(), c.rows.end(), int64_t{0}));
  const auto step = [&](auto& norm, const Tensor& mine, const Tensor& valid, const Tensor& slope) {
    auto x = mine.clone().requires_grad_();
    const auto y = call(norm, c.channels_last ? x.contiguous(at::MemoryFormat::ChannelsLast) : x, valid);
    (y * (y * 0.3 + slope)).sum().backward();
    return std::vector<Tensor>{y.detach(), x.grad()};
  };
  const auto start = [&](auto& norm, at::ScalarType type) {
    norm->to(type);
    const torch::NoGradGuard no_grad;
    for (auto& p : norm->parameters()) p.copy_(torch::linspace(0.5, 1.5, p.numel()));
  };
  const auto weights_of = [](auto& norm) {
    std::vector<Tensor> all;
    for (const auto& p : norm->parameters()) all.push_back(p.grad().clone());
    return all;
  };
  std::vector<Tensor> x, slope;
  auto column = std::vector<int64_t>(shape.size(), 1);
  column[0] = -1;
  for (int i = 0; i < 2; ++i) {
    x.push_back(torch::randn(shape) * 2 + torch::linspace(-1, 2, shape[0]).view(column));  // ranks differ in their means
    slope.push_back(torch::randn(shape));
  }

  auto whole = make();
  start(whole, at::kDouble);
  std::vector<Tensor> expected;
  for (std::size_t i = 0; i < 2; ++i) {
    for (auto& t : step(whole, x[i].to(at::kDouble), c.valid, slope[i].to(at::kDouble))) expected.push_back(t);
  }

  std::vector<std::vector<Tensor>> got(c.rows.size()), weights(c.rows.size()), buffers(c.rows.size());
  on_ranks(world, [&](ProcessGroup& group) {
    const auto rank = static_cast<std::size_t>(group.rank());
    const auto first = std::accumulate(c.rows.begin(), c.rows.begin() + group.rank(), int64_t{0});
    const auto part = [&](const Tensor& all) { return all.defined() ? all.narrow(0, first, c.rows[rank]) : all; };
    auto norm = make();
    start(norm, c.type);
    nn::synchronise_batch_norms(*norm, &group);
    for (std::size_t i = 0; i < 2; ++i) {
      for (auto& t : step(norm, part(x[i]).to(c.type), part(c.valid), part(slope[i]).to(c.type))) got[rank].push_back(t);
    }
    weights[rank] = weights_of(norm);
    buffers[rank] = norm->buffers();
  });

  double worst = 0;
  const auto compare = [&](const Tensor& one, const Tensor& other) {
    const auto reference = other.to(at::kDouble);
    const auto difference = (one.to(at::kDouble) - reference).abs().max() / reference.abs().max();
    worst = std::max(worst, one.sizes() == other.sizes() && one.isfinite().all().template item<bool>() ? difference.template item<double>() : 1e9);
  };
  for (std::size_t i = 0; i < expected.size(); ++i) {
    std::vector<Tensor> parts;
    for (const auto& of_rank : got) parts.push_back(of_rank[i]);
    compare(torch::cat(parts), expected[i]);
  }
  const auto whole_weights = weights_of(whole);
  for (std::size_t i = 0; i < whole_weights.size(); ++i) {
    auto sum = torch::zeros_like(weights[0][i]);
    for (const auto& of_rank : weights) sum += of_rank[i];
    compare(sum, whole_weights[i]);
  }
  const auto whole_buffers = whole->buffers();
  for (const auto& of_rank : buffers) {
    for (std::size_t i = 0; i < whole_buffers.size(); ++i) {
      compare(of_rank[i], whole_buffers[i]);
      if (!torch::equal(of_rank[i], buffers[0][i])) worst = 1e9;
    }
  }
  return worst;
}

}  // namespace mgca::test
