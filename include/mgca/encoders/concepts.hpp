// What the library asks of an encoder: four members and no base class.
#pragma once

#include <mgca/encoders/features.hpp>
#include <mgca/feed/batch.hpp>  // Tokens
#include <mgca/tensor/handle.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

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

namespace detail {

// Said at the point of use, one sentence for the first member that is missing; what follows it in a compiler's output may be ignored.
template <class E, class Input>
consteval bool require_encoder() {
  constexpr bool module = requires(E& e) { requires std::derived_from<std::remove_cvref_t<decltype(*e)>, torch::nn::Module>; };
  constexpr bool config = requires { typename E::Config; };
  constexpr bool forward = requires(E e, const Input& input) { { e->forward(input) } -> std::same_as<Features>; };
  constexpr bool global = requires(E e) { { e->global_width() } -> std::same_as<int64_t>; };
  constexpr bool local = requires(E e) { { e->local_width() } -> std::same_as<int64_t>; };
  static_assert(module, "an encoder is a mgca::Handle of a torch::nn::Module, see mgca/encoders/concepts.hpp");
  static_assert(!module || config, "an encoder lacks the member type Config, see mgca/encoders/concepts.hpp");
  static_assert(!module || !config || forward,
                "an encoder lacks forward(input) -> mgca::Features, where the input is a Tensor of images or the Tokens of reports, see mgca/encoders/concepts.hpp");
  static_assert(!module || !config || !forward || global, "an encoder lacks global_width() -> int64_t, see mgca/encoders/concepts.hpp");
  static_assert(!module || !config || !forward || !global || local, "an encoder lacks local_width() -> int64_t, see mgca/encoders/concepts.hpp");
  return true;
}

template <class E, class Input>
struct CheckedEncoder {
  static_assert(require_encoder<E, Input>());
  using Config = typename E::Config;
};

}  // namespace detail

// The configuration of a tower; what is no encoder is told so before anything else goes wrong.
template <class E>
using ImageConfigOf = typename detail::CheckedEncoder<E, Tensor>::Config;
template <class E>
using TextConfigOf = typename detail::CheckedEncoder<E, Tokens>::Config;

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
