// Whatever the XML, a report is lines of UTF-8, or the refusal names the file.
#include "fuzz.hpp"

#include <mgca/data/sources/openi.hpp>

using mgca::test::demand;

namespace {

void check_line(const std::string& line) {
  demand(mgca::first_invalid_utf8(line) == line.size());
  for (const char c : line) demand(static_cast<unsigned char>(c) >= 32);
  demand(line.empty() || (line.front() != ' ' && line.back() != ' '));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto report = mgca::data::detail::parse_openi_report(mgca::test::as_text(data, size), "fuzz.xml");
    check_line(report.text());
    for (const auto& term : report.terms) check_line(term);
    demand(mgca::data::detail::openi_labels(report.terms).size() == 6);
    demand(report.text().size() <= 4 * size);
  } catch (const mgca::Error& error) {
    demand(std::string_view(error.what()).starts_with("fuzz.xml: "));
  }
  return 0;
}
