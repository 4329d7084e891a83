// What every fuzz target needs: input as text, and an oracle that ends the process where it does not hold.
#pragma once

#include <mgca/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace mgca::test {

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

inline void demand(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace mgca::test
