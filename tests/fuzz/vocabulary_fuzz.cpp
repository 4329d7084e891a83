// A table that is accepted is read again, equal, from its tokens, and every token has its line number.
#include "fuzz.hpp"

#include <mgca/text/vocabulary.hpp>

using mgca::Vocabulary;
using mgca::test::demand;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The special tokens come first, so that what follows decides.
  const auto text = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n" + std::string(mgca::test::as_text(data, size));
  try {
    const auto vocabulary = Vocabulary::parse(text, "fuzz");
    std::string written;
    for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
      demand(vocabulary.find(vocabulary.token(id)) == id);
      written += vocabulary.token(id) + "\n";
    }
    const auto again = Vocabulary::parse(written, "again");
    demand(again.tokens() == vocabulary.tokens() && again.content_hash() == vocabulary.content_hash());
  } catch (const mgca::Error& error) {
    demand(std::string_view(error.what()).starts_with("fuzz: "));
  }
  try {
    (void)Vocabulary::parse(mgca::test::as_text(data, size), "bare");
  } catch (const mgca::Error& error) {
    demand(std::string_view(error.what()).starts_with("bare: "));
  }
  return 0;
}
