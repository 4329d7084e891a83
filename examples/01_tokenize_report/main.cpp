// A report as the model reads it: cleaned, cut into word pieces, grouped into words.
// usage: example_01_tokenize_report [examples/data]
#include <mgca/text/caption.hpp>
#include <mgca/text/word_map.hpp>
#include <mgca/text/wordpiece.hpp>

#include <filesystem>
#include <iostream>

int main(int argc, char** argv) {
  const std::filesystem::path data = argc > 1 ? argv[1] : "examples/data";
  const auto caption = mgca::text::clean_caption({.impression = "1. No pleural effusion. 2. Mild cardiomegaly.", .findings = ""});
  std::cout << "cleaned: " << caption.joined() << '\n';

  const mgca::WordPiece tokenizer(mgca::Vocabulary::read(data / "vocab" / "bert-base-cased-vocab.txt"), {.length = 20});
  const auto row = tokenizer.encode(caption.joined());
  std::cout << "pieces: ";
  for (int64_t i = 0; i < row.used; ++i) std::cout << ' ' << tokenizer.vocabulary().token(row.ids[static_cast<std::size_t>(i)]);

  const auto map = mgca::text::word_map(row.ids, tokenizer.vocabulary(), mgca::text_quirks(mgca::Profile::fixed));
  const auto words = mgca::text::word_texts(row.ids, map, tokenizer.vocabulary());
  std::cout << "\nwords:  ";
  for (const auto& word : words) std::cout << ' ' << word;
  std::cout << "\nok: " << row.used << " pieces make " << words.size() << " words\n";
  return words.size() == 5 ? 0 : 1;
}
