// Free-text reports to sections, single text and the row of the sectioned table.
#include "../case.hpp"

#include <mgca/text/report_sections.hpp>

namespace mgca::golden {

namespace {

Answer sections(const Case& one) {
  Answer answer{.tensors = {}, .document = one.document()};
  for (auto& report : answer.document) {
    const auto study = report.at("study").get<std::string>(), text = report.at("text").get<std::string>();
    for (const auto* key : {"sections", "names", "index"}) report[key] = nlohmann::json::array();
    for (const auto& section : text::split_sections(text)) {
      report["sections"].push_back(section.body);
      report["names"].push_back(section.name);
      report["index"].push_back(section.begin);
    }
    const auto cut = text::section_report(study, text);
    report["single_text"] = cut.single_text;
    report["csv"] = nullptr;
    if (!cut.row) continue;
    report["csv"] = {{"study", study},
                     {"impression", cut.row->impression},
                     {"findings", cut.row->findings},
                     {"last_paragraph", cut.row->last_paragraph},
                     {"comparison", cut.row->comparison}};
  }
  return answer;
}

const Kind sections_kind("sections", sections, "reports.json");

}  // namespace

}  // namespace mgca::golden
