#include "catch.hpp"

#include <mgca/encoders/bert.hpp>
#include <mgca/encoders/concepts.hpp>
#include <mgca/encoders/densenet.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/encoders/vit.hpp>

// The library's own towers and the archetypes satisfy the concepts; each archetype with one member less does not.
static_assert(mgca::ImageEncoder<mgca::Vit> && !mgca::TextEncoder<mgca::Vit> && !mgca::PyramidEncoder<mgca::Vit>);
static_assert(mgca::ImageEncoder<mgca::ResNet> && mgca::PyramidEncoder<mgca::ResNet>);
static_assert(mgca::ImageEncoder<mgca::DenseNet> && mgca::PyramidEncoder<mgca::DenseNet>);
static_assert(mgca::TextEncoder<mgca::Bert> && !mgca::ImageEncoder<mgca::Bert>);
static_assert(mgca::ImageEncoder<mgca::Handle<mgca::archetype::ImageEncoderImpl>> && !mgca::TextEncoder<mgca::Handle<mgca::archetype::ImageEncoderImpl>>);
static_assert(mgca::TextEncoder<mgca::Handle<mgca::archetype::TextEncoderImpl>>);

namespace {

struct NoWidthImpl : torch::nn::Module {
  struct Config {};
  explicit NoWidthImpl(const Config&) {}
  mgca::Features forward(const mgca::Tensor& images);
  [[nodiscard]] int64_t global_width() const;
};
struct BareTensorImpl : mgca::archetype::ImageEncoderImpl {
  using ImageEncoderImpl::ImageEncoderImpl;
  mgca::Tensor forward(const mgca::Tensor& images);
};
static_assert(!mgca::ImageEncoder<mgca::Handle<NoWidthImpl>>);
static_assert(!mgca::ImageEncoder<mgca::Handle<BareTensorImpl>>);

// All a tower needs.
struct MeanImpl : torch::nn::Module {
  struct Config {};
  explicit MeanImpl(const Config&) {}
  mgca::Features forward(const mgca::Tensor& images) {
    const auto local = images.flatten(2).transpose(1, 2);  // (B, S * S, 3)
    return {.global = local.mean(1), .local = local, .attention = {}, .valid = {}};
  }
  [[nodiscard]] int64_t global_width() const { return 3; }
  [[nodiscard]] int64_t local_width() const { return 3; }
};

template <mgca::ImageEncoder Encoder>
void check_contract(Encoder encoder, const mgca::Tensor& images) {
  const auto features = encoder(images);
  const auto B = images.size(0), N = features.local.size(1);
  CHECK(features.global.sizes() == at::IntArrayRef({B, encoder->global_width()}));
  CHECK(features.local.sizes() == at::IntArrayRef({B, N, encoder->local_width()}));
  if (features.attention.defined()) CHECK(features.attention.sizes() == at::IntArrayRef({B, N}));
  CHECK_FALSE(features.valid.defined());  // every patch exists
}

}  // namespace

TEST_CASE("features: every image tower returns what the contract says", "[encoders][fast]") {
  const auto images = torch::randn({2, 3, 32, 32});
  check_contract(mgca::Handle<MeanImpl>({}), images);
  check_contract(mgca::Vit({.image_size = 32, .patch_size = 8, .width = 12, .depth = 1, .heads = 3}), images);
  check_contract(mgca::ResNet({.depth = mgca::ResNetDepth::resnet10, .image_size = 32, .enlarged = 0, .width = 8}), images);
  check_contract(mgca::DenseNet({.layers = {1, 1, 1, 1}, .growth = 4, .width = 8, .image_size = 32}), images);
}
