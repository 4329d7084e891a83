#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/tensor/precision.hpp>

TEST_CASE("precision: a scope changes the type of products and restores it", "[tensor][fast]") {
  const auto a = torch::ones({2, 2});
  {
    const mgca::AutocastScope scope(mgca::Precision::bf16, torch::kCPU);
    CHECK(a.mm(a).scalar_type() == torch::kBFloat16);
    {
      const mgca::AutocastScope inner(mgca::Precision::f32, torch::kCPU);
      CHECK(a.mm(a).scalar_type() == torch::kFloat32);
    }
    CHECK(a.mm(a).scalar_type() == torch::kBFloat16);
  }
  CHECK(a.mm(a).scalar_type() == torch::kFloat32);
}

TEST_CASE("precision: what a device cannot do is refused with the remedy", "[tensor][fast]") {
  mgca::test::expect_error([] { mgca::check_precision(mgca::Precision::f16, torch::kCPU); }, {"f16", "CPU", "bf16"});
  if (!mgca::cpu_has_fast_bf16()) {
    mgca::test::expect_error([] { mgca::check_precision(mgca::Precision::bf16, torch::kCPU); }, {"AVX-512", "f32"});
  } else {
    CHECK_NOTHROW(mgca::check_precision(mgca::Precision::bf16, torch::kCPU));
  }
  CHECK_NOTHROW(mgca::check_precision(mgca::Precision::f16, torch::kCUDA));
}
