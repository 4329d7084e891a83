// Checks that a call throws mgca::Error and that its message, which comes back, names every given piece.
#pragma once

#include "catch.hpp"

#include <mgca/core/error.hpp>

#include <initializer_list>
#include <string>
#include <string_view>

namespace mgca::test {

template <class Call>
std::string expect_error(Call&& call, std::initializer_list<std::string_view> pieces) {
  std::string message;
  try {
    call();
  } catch (const Error& error) {
    message = error.what();
  }
  INFO("message: " << (message.empty() ? "(no mgca::Error was thrown)" : message));
  REQUIRE_FALSE(message.empty());
  for (const auto piece : pieces) {
    INFO("missing: " << piece);
    CHECK(message.find(piece) != std::string::npos);
  }
  return message;
}

}  // namespace mgca::test
