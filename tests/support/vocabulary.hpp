// The cased BERT vocabulary of the sample data, read once.
#pragma once

#include "paths.hpp"

#include <mgca/text/vocabulary.hpp>

namespace mgca::test {

inline const Vocabulary& bert_vocabulary() {
  static const auto vocabulary =
      Vocabulary::read(std::filesystem::path(MGCA_TESTS_DIR) / ".." / "examples" / "data" / "vocab" / "bert-base-cased-vocab.txt");
  return vocabulary;
}

}  // namespace mgca::test
