// A table that is read is read again, equal, from what it says; with replacement, every cell is UTF-8.
#include "fuzz.hpp"

#include <mgca/io/csv.hpp>

using mgca::io::CsvTable;
using mgca::test::demand;

namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows read(std::string_view text, mgca::InvalidUtf8 policy) {
  CsvTable table(std::string(text), "fuzz.csv", {.invalid_utf8 = policy, .field_bytes = 1000, .row_bytes = 2000, .columns = 50});
  Rows rows{table.header()};
  table.for_each([&](const mgca::io::CsvRow& row) {
    auto& cells = rows.emplace_back();
    for (std::size_t i = 0; i < table.header().size(); ++i) {
      cells.push_back(row.at(i));
      if (row.number() > 1 || i > 3) continue;  // exceptions are slow under sanitizers
      try {
        const auto number = row.number_at(i);
        demand(number.has_value() == !row.blank(i));
      } catch (const mgca::Error&) {
      }
    }
  });
  return rows;
}

std::string written(const Rows& rows) {
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) text += (i > 0 ? "," : "") + (row.size() == 1 && row[i].empty() ? "\"\"" : mgca::io::csv_cell(row[i]));
    text += "\n";
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto policy : {mgca::InvalidUtf8::refuse, mgca::InvalidUtf8::replace}) {
    try {
      const auto rows = read(mgca::test::as_text(data, size), policy);
      for (const auto& row : rows) {
        for (const auto& cell : row) demand(mgca::first_invalid_utf8(cell) == cell.size());
      }
      demand(rows == read(written(rows), mgca::InvalidUtf8::refuse));
    } catch (const mgca::Error& error) {
      demand(std::string_view(error.what()).starts_with("fuzz.csv: "));
    }
  }
  return 0;
}
