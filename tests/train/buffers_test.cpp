#include "catch.hpp"

#include <mgca/train/buffers.hpp>

TEST_CASE("buffers: what a skipped forward pass did to running statistics is undone, what another did is not", "[train][fast]") {
  for (const bool skipped : {true, false}) {
    torch::nn::BatchNorm1d norm(3);
    mgca::Buffers buffers(*norm);
    norm(torch::randn({8, 3}));
    const auto mean = norm->running_mean.clone();
    buffers.remember();
    norm(torch::full({8, 3}, std::numeric_limits<float>::infinity()));
    REQUIRE_FALSE(norm->running_mean.isfinite().any().item<bool>());
    buffers.restore_where(torch::tensor(skipped));
    CHECK(norm->num_batches_tracked.item<int64_t>() == (skipped ? 1 : 2));
    CHECK(torch::equal(norm->running_mean, mean) == skipped);
    CHECK(norm->running_var.isfinite().all().item<bool>() == skipped);
  }
}
