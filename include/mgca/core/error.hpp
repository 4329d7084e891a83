// The one exception type of the library.
// A message says who complains, what was expected, what came and what to do; the kind lets a program
// choose its exit code without reading the text.
#pragma once

#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mgca {

enum class ErrorKind : std::uint8_t {
  argument,  // a value passed by the caller is outside its contract
  config,    // a configuration key or value is wrong
  data,      // a file's content is wrong: row, column, tensor or pixel named in the message
  system,    // the operating system refused: missing file, full disk, no permission, no memory
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

namespace detail {
template <class... Pieces>
std::string join(const Pieces&... pieces) {
  std::ostringstream text;
  text.precision(9);
  (text << ... << pieces);
  return std::move(text).str();
}
}  // namespace detail

// Throws Error(kind) with the pieces joined into one message.
template <class... Pieces>
[[noreturn]] void fail(ErrorKind kind, const Pieces&... pieces) {
  throw Error(kind, detail::join(pieces...));
}

}  // namespace mgca

// Checks a precondition at a public boundary; throws Error(ErrorKind::argument) with values and remedy.
#define MGCA_CHECK(condition, ...)                                       \
  do {                                                                   \
    if (!(condition)) [[unlikely]] {                                     \
      ::mgca::fail(::mgca::ErrorKind::argument, __VA_ARGS__);            \
    }                                                                    \
  } while (false)
