// Mixed precision: which number type the matrix products of a scope use.
// Parameters, statistics and losses stay in single precision; bf16 needs no loss scaling, f16 does.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/torch.hpp>

#include <ATen/autocast_mode.h>
#include <cpuinfo.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace mgca {

enum class Precision : uint8_t { f32, bf16, f16 };
constexpr auto names_of(Precision) { return std::to_array<std::string_view>({"f32", "bf16", "f16"}); }

// Without AVX-512 the CPU's half-precision products fall to a reference loop, 10 to 30 times slower than f32.
[[nodiscard]] inline bool cpu_has_fast_bf16() {
  return cpuinfo_initialize() && cpuinfo_has_x86_avx512bw() && cpuinfo_has_x86_avx512vl() && cpuinfo_has_x86_avx512dq();
}

// Throws Error(argument) with the remedy where a precision makes no sense on a device.
inline void check_precision(Precision precision, torch::DeviceType device) {
  MGCA_CHECK(precision != Precision::f16 || device != torch::kCPU,
             "precision: f16 needs a GPU, the device is the CPU; use f32 or bf16");
  MGCA_CHECK(precision != Precision::bf16 || device != torch::kCPU || cpu_has_fast_bf16(),
             "precision: bf16 on a CPU without AVX-512 is 10 to 30 times slower than f32; use f32");
}

// Autocast while it lives; restores what was set before. Precision::f32 switches autocast off.
class AutocastScope {
 public:
  AutocastScope(Precision precision, torch::DeviceType device)
      : device_(device), enabled_before_(at::autocast::is_autocast_enabled(device)),
        dtype_before_(at::autocast::get_autocast_dtype(device)) {
    at::autocast::set_autocast_enabled(device, precision != Precision::f32);
    if (precision != Precision::f32) {
      at::autocast::set_autocast_dtype(device, precision == Precision::bf16 ? torch::kBFloat16 : torch::kHalf);
    }
    at::autocast::increment_nesting();
  }
  ~AutocastScope() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, enabled_before_);
    at::autocast::set_autocast_dtype(device_, dtype_before_);
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  torch::DeviceType device_;
  bool enabled_before_;
  torch::ScalarType dtype_before_;
};

}  // namespace mgca
