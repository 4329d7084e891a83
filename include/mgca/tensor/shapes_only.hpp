// Models without numbers: for what follows from shapes alone, such as counts of parameters and of multiply-adds, without the memory and the
// time that real ones take.
#pragma once

#include <mgca/tensor/torch.hpp>

#include <ATen/ExpandUtils.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/library.h>

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

namespace mgca {

namespace detail {

// The kernels our models need that torch's meta device has in Python alone: what comes out, never its numbers.
inline void add_shape_kernels(torch::Library& library) {
  library.impl("relu", [](const Tensor& x) { return torch::empty_like(x); });
  library.impl("index_select", [](const Tensor& x, int64_t side, const Tensor& index) {
    auto sizes = x.sizes().vec();
    sizes.at(static_cast<std::size_t>(side < 0 ? side + x.dim() : side)) = index.numel();
    return torch::empty(sizes, x.options());
  });
  library.impl("where.self", [](const Tensor& condition, const Tensor& yes, const Tensor& no) {
    const auto sizes = at::infer_size(condition.sizes(), at::infer_size(yes.sizes(), no.sizes()));
    return torch::empty(sizes, yes.options().dtype(at::result_type(yes, no)));
  });
  library.impl("where.self_out", [](const Tensor& condition, const Tensor& yes, const Tensor& no, Tensor& out) -> Tensor& {
    out.resize_(at::infer_size(condition.sizes(), at::infer_size(yes.sizes(), no.sizes())));
    return out;
  });
  using Maybe = std::optional<Tensor>;
  library.impl("native_batch_norm", [](const Tensor& x, const Maybe&, const Maybe&, const Maybe&, const Maybe&, bool training, double, double) {
    const auto statistics = torch::empty({training ? x.size(1) : 0}, x.options());
    return std::make_tuple(torch::empty_like(x), statistics, torch::empty_like(statistics));
  });
  library.impl("convolution_overrideable", [](const Tensor& x, const Tensor& weight, const Maybe&, at::IntArrayRef stride, at::IntArrayRef padding,
                                              at::IntArrayRef dilation, bool transposed, at::IntArrayRef behind, int64_t groups) {
    std::vector<int64_t> sizes{x.size(0), transposed ? weight.size(1) * groups : weight.size(0)};
    for (std::size_t i = 0; i < stride.size(); ++i) {
      const auto at = static_cast<int64_t>(i) + 2, seen = dilation[i] * (weight.size(at) - 1) + 1;
      sizes.push_back(transposed ? (x.size(at) - 1) * stride[i] - 2 * padding[i] + seen + behind[i] : (x.size(at) + 2 * padding[i] - seen) / stride[i] + 1);
    }
    return torch::empty(sizes, x.options());
  });
}

}  // namespace detail

// While it lives, every operator by which this thread would make a tensor makes one of torch's meta device instead, whatever device it was
// asked for: a shape and a type without storage. Drawing numbers into such a tensor does nothing; reading one throws, and so does an operator
// the meta device does not know. So a model built here can run, here or later, on meta tensors alone, and nobody who builds in this scope
// may fill tensors through pointers or from lists.
class ShapesOnly {
 public:
  ShapesOnly() : heard_(listen()) {}

 private:
  static constexpr auto kKey = c10::DispatchKey::TESTING_ONLY_GenericWrapper;  // torch leaves it to whoever wants to see all operators

  static c10::DispatchKey listen() {
    static const auto handle = c10::Dispatcher::singleton().registerFallback(kKey, c10::KernelFunction::makeFromBoxedFunction<&redirect>(), "mgca");
    static torch::Library kernels(torch::Library::IMPL, "aten", c10::DispatchKey::Meta, __FILE__, __LINE__);
    static const bool added = (detail::add_shape_kernels(kernels), true);
    (void)added;
    return kKey;
  }

  static void redirect(const c10::OperatorHandle& op, std::vector<c10::IValue>* stack) {
    const c10::impl::ExcludeDispatchKeyGuard once(kKey);
    const auto& arguments = op.schema().arguments();
    const auto first = stack->size() - arguments.size();
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (arguments[i].name() == "device") (*stack)[first + i] = torch::Device(torch::kMeta);
    }
    op.callBoxed(stack);
  }

  c10::impl::IncludeDispatchKeyGuard heard_;
};

}  // namespace mgca
