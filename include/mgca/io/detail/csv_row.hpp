// One row of a table as its reader sees it, and the bytes that end a cell.
#pragma once

#include <mgca/core/error.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace mgca::io {

namespace detail {
using ByteSet = std::array<bool, 256>;
constexpr ByteSet bytes_of(std::string_view wanted) {
  ByteSet table{};
  for (const char c : wanted) table[static_cast<unsigned char>(c)] = true;
  return table;
}
inline constexpr ByteSet kEndsPlainCell = bytes_of({",\n\r\"\0", 5}), kEndsQuotedCell = bytes_of({"\"\0", 2});
}  // namespace detail

// One row of a table; valid until the table reads the next one.
class CsvRow {
 public:
  CsvRow(const std::string& source, const std::vector<std::string>& header) : source_(&source), header_(&header) {}

  // Row number counted from 1, without the header.
  [[nodiscard]] std::int64_t number() const { return number_; }
  // "pairs.csv: row 12 (line 15)": how every message about this row begins.
  [[nodiscard]] std::string place() const {
    return *source_ + ": row " + std::to_string(number_) + " (line " + std::to_string(line_) + ")";
  }
  [[nodiscard]] std::string place(std::size_t column) const { return place() + ", column '" + (*header_)[column] + "'"; }
  [[nodiscard]] const std::string& at(std::size_t column) const { return fields_[column]; }
  [[nodiscard]] bool blank(std::size_t column) const { return fields_[column].find_first_not_of(" \t") == std::string::npos; }

  // A number, or nothing where the cell is blank. Throws Error(data) for anything else.
  [[nodiscard]] std::optional<double> number_at(std::size_t column) const {
    if (blank(column)) return std::nullopt;
    const auto text = trimmed(column);
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) wrong(column, "a finite number");
    return value;
  }
  [[nodiscard]] std::optional<std::int64_t> integer_at(std::size_t column) const {
    if (blank(column)) return std::nullopt;
    const auto text = trimmed(column);
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size()) wrong(column, "a whole number");
    return value;
  }
  [[noreturn]] void wrong(std::size_t column, std::string_view expected) const {
    fail(ErrorKind::data, place(column), ": expected ", expected, ", found a cell of ", fields_[column].size(),
         " bytes that is none");
  }

 private:
  friend class CsvTable;
  [[nodiscard]] std::string_view trimmed(std::size_t column) const {
    std::string_view text = fields_[column];
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
  }

  const std::string* source_;
  const std::vector<std::string>* header_;
  std::vector<std::string> fields_;
  std::int64_t number_ = 0, line_ = 1;
};

}  // namespace mgca::io
