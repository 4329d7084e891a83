// A WordPiece vocabulary from a corpus, for users without one.
// Starts from characters and joins, again and again, the most frequent pair of neighbouring pieces; ties go to the pair
// that sorts first, so the result depends on the corpus alone. Every character of the corpus is in the table, plain and
// as a continuation, so the corpus encodes without [UNK].
// Reference: Schuster and Nakajima 2012; the pair rule is that of Sennrich et al. 2016.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/text/unicode.hpp>
#include <mgca/text/vocabulary.hpp>
#include <mgca/text/wordpiece.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mgca::text {

struct VocabularyTraining {
  std::int64_t size = 2000;         // entries, special tokens included
  std::int64_t least_frequent = 2;  // a pair seen less often is not joined
};

namespace detail {

struct CorpusWord {
  std::vector<std::string> pieces;
  std::int64_t count = 0;
};

// The corpus as words of single characters, continuations marked.
inline std::vector<CorpusWord> corpus_words(std::span<const std::string> texts) {
  std::set<char32_t> characters;
  for (const auto& text : texts) {
    std::vector<char32_t> lowered;
    for (const char32_t point : decode_utf8(text)) append_lower(lowered, point);
    const auto parts = decompose(lowered);
    characters.insert(parts.begin(), parts.end());
  }
  // A tokenizer that knows every character, plain and continued, splits exactly where the final one will.
  std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  std::set<std::string> seen(tokens.begin(), tokens.end());
  const auto add = [&](const std::string& token) {
    if (!token.empty() && !token.ends_with('\n') && !token.ends_with('\r') && seen.insert(token).second) tokens.push_back(token);
  };
  for (const char32_t point : characters) {
    std::string character;
    append_utf8(character, point);
    add(character);
    add("##" + character);
  }
  const WordPiece tokenizer(Vocabulary(std::move(tokens), "characters of the corpus"), {.max_word_length = 1000});
  std::map<std::vector<std::int32_t>, std::int64_t> counts;
  for (const auto& text : texts) {
    std::vector<std::int32_t> word;
    for (const auto id : tokenizer.pieces(text)) {
      if (!word.empty() && !tokenizer.vocabulary().is_continuation(id)) ++counts[std::exchange(word, {})];
      word.push_back(id);
    }
    if (!word.empty()) ++counts[word];
  }
  std::vector<CorpusWord> words;
  for (const auto& [ids, count] : counts) {
    CorpusWord word{.count = count};
    for (const auto id : ids) word.pieces.push_back(tokenizer.vocabulary().token(id));
    words.push_back(std::move(word));
  }
  return words;
}

inline std::string joined(const std::string& left, const std::string& right) { return left + right.substr(2); }

}  // namespace detail

// Throws Error(argument) for an empty corpus and for a size that cannot hold the corpus's characters.
[[nodiscard]] inline Vocabulary train_vocabulary(std::span<const std::string> texts, const VocabularyTraining& options = {}) {
  auto words = detail::corpus_words(texts);
  MGCA_CHECK(!words.empty(), "train_vocabulary: the corpus of ", texts.size(), " texts holds no word");
  std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  std::set<std::string> seen(tokens.begin(), tokens.end());
  std::set<std::string> characters;
  for (const auto& word : words) {
    for (const auto& piece : word.pieces) {
      const auto plain = piece.starts_with("##") && piece.size() > 2 ? piece.substr(2) : piece;
      characters.insert(plain);
    }
  }
  for (const auto& character : characters) {
    for (const auto& token : {character, "##" + character}) {
      if (seen.insert(token).second) tokens.push_back(token);
    }
  }
  MGCA_CHECK(static_cast<std::int64_t>(tokens.size()) <= options.size, "train_vocabulary: size ", options.size,
             " cannot hold the ", tokens.size(), " special tokens and characters of the corpus");
  while (static_cast<std::int64_t>(tokens.size()) < options.size) {
    std::map<std::pair<std::string, std::string>, std::int64_t> pairs;
    for (const auto& word : words) {
      for (std::size_t i = 1; i < word.pieces.size(); ++i) {
        if (word.pieces[i - 1] != "[UNK]" && word.pieces[i] != "[UNK]") pairs[{word.pieces[i - 1], word.pieces[i]}] += word.count;
      }
    }
    const auto best = std::max_element(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best == pairs.end() || best->second < options.least_frequent) break;
    const auto [left, right] = best->first;
    const auto whole = detail::joined(left, right);
    if (seen.insert(whole).second) tokens.push_back(whole);
    for (auto& word : words) {
      for (std::size_t i = 1; i < word.pieces.size(); ++i) {
        if (word.pieces[i - 1] != left || word.pieces[i] != right) continue;
        word.pieces[i - 1] = whole;
        word.pieces.erase(word.pieces.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
  }
  return Vocabulary(std::move(tokens), "trained vocabulary");
}

}  // namespace mgca::text
