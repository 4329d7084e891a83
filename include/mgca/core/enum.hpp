// Enums with one table of names each: found by argument-dependent look-up as `names_of(E)`.
//
//   enum class Pooling { cls, mean };
//   constexpr auto names_of(Pooling) { return std::to_array<std::string_view>({"cls", "mean"}); }
//
// The enumerators count from 0 in the order of the table.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/nearest.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace mgca {

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value) {
  { names_of(value)[0] } -> std::convertible_to<std::string_view>;
};

template <NamedEnum E>
[[nodiscard]] constexpr std::string_view to_string(E value) {
  return names_of(value)[static_cast<std::size_t>(value)];
}

// Throws Error(config) listing the known names, nearest first.
template <NamedEnum E>
[[nodiscard]] E parse_enum(std::string_view name) {
  constexpr auto names = names_of(E{});
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<E>(i);
  }
  fail(ErrorKind::config, "unknown value '", name, "'", nearest_hint(name, names));
}

}  // namespace mgca
