// Handle<Impl>: how every module of the library is held.
// A torch ModuleHolder that can name templates, takes a braced config and is never built by accident:
//   Vit encoder;                 // error: no default constructor
//   Vit encoder({.depth = 6});   // fine
//   Vit later = nullptr;         // fine, and visible
// Copying a handle shares the module, as in torch.
#pragma once

#include <mgca/tensor/nn.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>

namespace mgca {

template <class Impl>
class Handle : public torch::nn::ModuleHolder<Impl> {
  using Base = torch::nn::ModuleHolder<Impl>;

 public:
  using Config = typename Impl::Config;

  explicit Handle(const Config& config) : Base(std::make_shared<Impl>(config)) {}
  // Constrained, so that Handle({}) means "the default config" and never "empty".
  Handle(std::same_as<std::nullptr_t> auto) : Base(nullptr) {}  // NOLINT(google-explicit-constructor)
  template <std::derived_from<Impl> T>
  Handle(std::shared_ptr<T> impl) : Base(std::move(impl)) {}  // NOLINT(google-explicit-constructor)
};

}  // namespace mgca
