// tokenizer_ids pieces VOCABULARY lower|cased TEXTS OUT: the ids of every text, without [CLS], [SEP] and padding
// tokenizer_ids rows=LENGTH VOCABULARY lower|cased TEXTS OUT: the row of every text up to its [SEP]
// tokenizer_ids captions TEXTS OUT: pairs of texts (impression, findings) cleaned; sentences joined by line feeds
// TEXTS and OUT are runs of blocks: a little-endian 32-bit count, then that many bytes (texts) or 32-bit ids.
#include <mgca/core/file.hpp>
#include <mgca/text/caption.hpp>
#include <mgca/text/wordpiece.hpp>

#include <cstring>
#include <fstream>
#include <iostream>

namespace {

std::vector<std::string> read_blocks(const std::string& path) {
  const auto bytes = mgca::read_text_file(path);
  std::vector<std::string> texts;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint32_t size = 0;
    std::memcpy(&size, bytes.data() + at, sizeof size);
    texts.push_back(bytes.substr(at + sizeof size, size));
    at += sizeof size + size;
  }
  return texts;
}

template <class Item>
void write_block(std::ofstream& out, const Item* items, std::size_t count) {
  const auto size = static_cast<std::uint32_t>(count);
  out.write(reinterpret_cast<const char*>(&size), sizeof size);
  out.write(reinterpret_cast<const char*>(items), static_cast<std::streamsize>(count * sizeof(Item)));
}

void run(const std::vector<std::string>& arguments) {
  const auto& mode = arguments.at(0);
  const auto texts = read_blocks(arguments.at(arguments.size() - 2));
  std::ofstream out(arguments.back(), std::ios::binary);
  if (mode == "captions") {
    for (std::size_t i = 0; i + 1 < texts.size(); i += 2) {
      std::string lines;
      for (const auto& sentence : mgca::text::clean_caption({.impression = texts[i], .findings = texts[i + 1]}).sentences) lines += sentence + "\n";
      write_block(out, lines.data(), lines.size());
    }
    return;
  }
  mgca::WordPieceConfig config{.lower_case = arguments.at(2) == "lower"};
  if (mode.starts_with("rows=")) config.length = std::stoll(mode.substr(5));
  const mgca::WordPiece tokenizer(mgca::Vocabulary::read(arguments.at(1)), config);
  for (const auto& text : texts) {
    auto ids = tokenizer.pieces(text);
    if (mode != "pieces") {
      const auto row = tokenizer.encode(text);
      ids.assign(row.ids.begin(), row.ids.begin() + row.used);
    }
    write_block(out, ids.data(), ids.size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "tokenizer_ids: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
