// Sections are parts of the text in their order; together with the headers between them they are all of it. Characters count as they
// do from the start. What a report file gives is UTF-8 without carriage returns.
#include "fuzz.hpp"

#include <mgca/core/utf8.hpp>
#include <mgca/text/report_sections.hpp>

#include <string>

using mgca::test::demand;

namespace {

void check(std::string_view text) {
  const auto sections = mgca::text::split_sections(text);
  demand(!sections.empty() && sections.front().begin == 0 && sections.front().body.data() == text.data());
  std::size_t end = 0, counted = 0;
  std::int64_t characters = 0;
  for (const auto& section : sections) {
    const auto begin = static_cast<std::size_t>(section.body.data() - text.data());
    demand(begin >= end && begin <= text.size() && section.body.size() <= text.size() - begin);
    const bool paragraph = section.name == "last_paragraph" && &section == &sections.back() && sections.size() > 1;
    // A paragraph begins where its separator does.
    const auto until = paragraph && text.substr(end, begin - end) == "\n \n" ? end : begin;
    characters += mgca::text::detail::characters(text.substr(counted, until - counted));
    demand(section.begin == characters);
    counted = until;
    end = begin + section.body.size();
    if (section.name == "impression" || section.name == "findings") demand(!mgca::text::detail::stripped(section.body).empty());
  }
  for (const std::string_view study : {"s90000000", "s50913680", "s56579911"}) {
    const auto cut = mgca::text::section_report(study, text);
    demand(cut.row.has_value() == (study == "s90000000"));
    demand(cut.single_text.empty() || text.find(cut.single_text) != std::string_view::npos);
    if (!cut.row) continue;
    for (const auto part : {cut.row->impression, cut.row->findings, cut.row->last_paragraph, cut.row->comparison}) {
      demand(part == mgca::text::detail::stripped(part));
    }
    demand(cut.row->impression.empty() || cut.single_text == cut.row->impression);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = mgca::test::as_text(data, size);
  check(bytes);
  const auto text = mgca::text::report_text(bytes);
  demand(mgca::first_invalid_utf8(text) == text.size() && text.find('\r') == std::string::npos);
  if (text != bytes) check(text);
  return 0;
}
