// How much arithmetic a piece of work is: the multiply-adds of its matrix products, convolutions and attention, counted while it runs.
// Norms, activations, softmax, pooling and sums are not counted. Tables of published models count the same way and often write FLOPs for
// it (ViT-B/16 17.6 G, ResNet-50 4.1 G); floating-point operations are twice as many.
#pragma once

#include <mgca/tensor/torch.hpp>

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

namespace detail {

// Hears of every operator that the thread calls while it lives, before autograd does; not of those which operators call themselves.
class MultiplyAddCounter {
 public:
  MultiplyAddCounter() : heard_(listen()) { total() = 0; }

  // Of this thread.
  static int64_t& total() {
    static thread_local int64_t count = 0;
    return count;
  }

 private:
  static constexpr auto kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;  // torch leaves it to whoever wants to see all operators

  static c10::DispatchKey listen() {
    static const auto handle = c10::Dispatcher::singleton().registerFallback(kKey, c10::KernelFunction::makeFromBoxedFunction<&hear>(), "mgca");
    return kKey;
  }

  static void hear(const c10::OperatorHandle& op, std::vector<c10::IValue>* stack) {
    const c10::impl::ExcludeDispatchKeyGuard once(kKey);
    const std::vector<c10::IValue> inputs(stack->end() - static_cast<std::ptrdiff_t>(op.schema().arguments().size()), stack->end());
    op.callBoxed(stack);
    total() += cost(op.schema().name(), inputs, stack->back());
  }

  static int64_t cost(std::string_view name, const std::vector<c10::IValue>& inputs, const c10::IValue& output) {
    const auto tensor = [&](std::size_t i) -> const Tensor& { return inputs[i].toTensor(); };
    const auto is_one_of = [&](std::initializer_list<std::string_view> names) { return std::find(names.begin(), names.end(), name) != names.end(); };
    // Each element of a product is a sum over the last side of its left factor, each of a convolution one over the weights of its channel.
    if (is_one_of({"aten::mm", "aten::bmm", "aten::mv", "aten::matmul", "aten::linear"})) return output.toTensor().numel() * tensor(0).size(-1);
    if (is_one_of({"aten::addmm", "aten::baddbmm", "aten::addmv"})) return output.toTensor().numel() * tensor(1).size(-1);
    if (is_one_of({"aten::conv1d", "aten::conv2d"})) return output.toTensor().numel() * (tensor(1).numel() / tensor(1).size(0));
    if (name == "aten::conv_transpose2d") return tensor(0).numel() * (tensor(1).numel() / tensor(1).size(0));
    if (name == "aten::scaled_dot_product_attention") {
      const auto scores = tensor(0).numel() / tensor(0).size(-1) * tensor(1).size(-2);
      return scores * (tensor(0).size(-1) + tensor(2).size(-1));
    }
    return 0;
  }

  c10::impl::IncludeDispatchKeyGuard heard_;
};

}  // namespace detail

// Of what `work()` does in this thread.
template <class Work>
[[nodiscard]] int64_t multiply_adds(Work&& work) {
  const detail::MultiplyAddCounter counter;
  std::forward<Work>(work)();
  return counter.total();
}

}  // namespace mgca
