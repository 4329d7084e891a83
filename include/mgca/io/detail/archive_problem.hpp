// What is wrong with an archive, without the name of the file: whoever opened it adds that.
#pragma once

#include <concepts>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mgca::io::detail {

struct ArchiveProblem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A piece of a message. Many messages of many pieces: text from the start keeps the templates small.
struct Piece {
  std::string text;
  Piece(std::string_view piece) : text(piece) {}
  Piece(const std::string& piece) : text(piece) {}
  Piece(const char* piece) : text(piece) {}
  Piece(std::integral auto number) : text(std::to_string(number)) {}
};
[[noreturn]] inline void refuse_pieces(std::initializer_list<Piece> pieces) {
  std::string message;
  for (const auto& piece : pieces) message += piece.text;
  throw ArchiveProblem(message);
}
template <class... Pieces>
[[noreturn]] void refuse_archive(const Pieces&... pieces) {
  refuse_pieces({pieces...});
}

}  // namespace mgca::io::detail
