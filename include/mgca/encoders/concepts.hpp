// What the library asks of an encoder: four members and no base class.
#pragma once

#include <mgca/encoders/features.hpp>
#include <mgca/feed/batch.hpp>  // Tokens
#include <mgca/tensor/handle.hpp>

#include <array>
#include <concepts>
#include <cstdint>

namespace mgca {

template <class E, class Input>
concept Encoder = std::derived_from<std::remove_cvref_t<decltype(*std::declval<E&>())>, torch::nn::Module> &&
                  requires(E encoder, const Input& input) {
                    typename E::Config;
                    { encoder->forward(input) } -> std::same_as<Features>;
                    { encoder->global_width() } -> std::same_as<int64_t>;  // D of Features
                    { encoder->local_width() } -> std::same_as<int64_t>;   // E of Features
                  };

template <class E>
concept ImageEncoder = Encoder<E, Tensor>;  // images (B, 3, S, S) in [-1, 1]

template <class E>
concept TextEncoder = Encoder<E, Tokens>;

template <class E>
concept PyramidEncoder = ImageEncoder<E> && requires(E encoder, const Tensor& images) {
  { encoder->pyramid(images) } -> std::same_as<Pyramid>;
  { encoder->pyramid_widths() } -> std::same_as<std::array<int64_t, 5>>;  // C1 .. C5
};

// The smallest types that satisfy the concepts; they prove that nothing more is asked for.
namespace archetype {

struct ImageEncoderImpl : torch::nn::Module {
  struct Config {};
  explicit ImageEncoderImpl(const Config&) {}
  Features forward(const Tensor& images);
  [[nodiscard]] int64_t global_width() const;
  [[nodiscard]] int64_t local_width() const;
};

struct TextEncoderImpl : torch::nn::Module {
  struct Config {};
  explicit TextEncoderImpl(const Config&) {}
  Features forward(const Tokens& tokens);
  [[nodiscard]] int64_t global_width() const;
  [[nodiscard]] int64_t local_width() const;
};

}  // namespace archetype

static_assert(ImageEncoder<Handle<archetype::ImageEncoderImpl>>);
static_assert(TextEncoder<Handle<archetype::TextEncoderImpl>>);

}  // namespace mgca
