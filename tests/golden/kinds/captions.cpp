// Report sections cleaned to sentences, and their ids.
#include "../model.hpp"

#include <mgca/text/caption.hpp>
#include <mgca/text/wordpiece.hpp>

namespace mgca::golden {

namespace {

Answer captions(const Case& one) {
  Answer answer{.tensors = {}, .document = one.document()};
  const WordPiece words(vocabulary_of(one), {.length = one.config.value("length", 112)});
  for (auto& report : answer.document) {
    const auto impression = report.at("impression").get<std::string>(), findings = report.at("findings").get<std::string>();
    const auto caption = text::clean_caption({.impression = impression, .findings = findings});
    report["kept"] = caption.usable();
    if (!caption.usable()) {
      report["sentences"] = nullptr;
      continue;
    }
    report["sentences"] = caption.sentences;
    report["joined"] = caption.joined();
    const auto row = words.encode(caption.joined());
    report["cap_len"] = row.used;
    report["ids"] = std::vector<int32_t>(row.ids.begin(), row.ids.begin() + row.used);
  }
  return answer;
}

const Kind captions_kind("captions", captions, "reports.json");

}  // namespace

}  // namespace mgca::golden
