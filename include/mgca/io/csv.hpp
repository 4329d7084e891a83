// Tables: strict, row by row, every error with file, row, line and column or byte; cell contents are never shown, because
// they may be report text.
// Reference: RFC 4180; line feeds alone and a UTF-8 byte order mark are accepted too.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/nearest.hpp>
#include <mgca/core/utf8.hpp>
#include <mgca/io/detail/csv_row.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::io {

struct CsvOptions {
  InvalidUtf8 invalid_utf8 = InvalidUtf8::refuse;
  std::size_t field_bytes = std::size_t{8} << 20;
  std::size_t row_bytes = std::size_t{64} << 20;
  std::size_t columns = 4096;
};

class CsvTable {
 public:
  // Throws Error(system) for an unreadable file, Error(data) for a broken header.
  [[nodiscard]] static CsvTable read(const std::filesystem::path& path, const CsvOptions& options = {}) {
    return CsvTable(read_text_file(path), path.string(), options);
  }
  // `source` names the text in errors.
  CsvTable(std::string text, std::string source, const CsvOptions& options = {})
      : text_(std::move(text)), source_(std::move(source)), options_(options), end_(text_.find_last_not_of("\r\n") + 1) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    if (!record(header_)) fail(ErrorKind::data, source_, ": the file is empty; expected a header line");
    std::map<std::string_view, std::size_t> seen;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      const auto [first, is_new] = seen.emplace(header_[i], i);
      if (!is_new) fail(ErrorKind::data, source_, ": columns ", first->second + 1, " and ", i + 1, " have the same name; rename one");
    }
  }

  [[nodiscard]] const std::vector<std::string>& header() const { return header_; }
  [[nodiscard]] const std::string& source() const { return source_; }
  // The position of a column. Throws Error(data) with the names that exist, nearest first.
  [[nodiscard]] std::size_t column(std::string_view name) const {
    if (const auto found = find(name)) return *found;
    for (const auto& cell : header_) {  // a message may show names of columns, but not the first row of a table without any
      const bool is_path = cell.find('/') != std::string::npos && cell.find_first_of(".0123456789") != std::string::npos;  // not "AP/PA"
      if (cell.size() > 64 || cell.find_first_of("\\\n") != std::string::npos || is_path) {
        fail(ErrorKind::data, source_, ": no column '", name,
             "'; the first line looks like data, expected a header line with the names of the columns");
      }
    }
    fail(ErrorKind::data, source_, ": no column '", name, "'", nearest_hint(name, header_));
  }
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (header_[i] == name) return i;
    }
    return std::nullopt;
  }

  // Calls `use(const CsvRow&)` for each row. Throws Error(data) at the first row that is not as wide as the header.
  template <class Use>
  void for_each(Use&& use) {
    CsvRow row(source_, header_);
    for (;;) {
      row.line_ = line_;
      if (!record(row.fields_)) return;
      row.number_ = row_;
      if (row.fields_.size() != header_.size()) {
        fail(ErrorKind::data, row.place(), ": ", row.fields_.size(), " cells, the header has ", header_.size(),
             "; quote cells that hold commas or line breaks");
      }
      use(std::as_const(row));
    }
  }

 private:
  struct Place {
    std::size_t byte;
    std::int64_t line;
  };

  [[nodiscard]] std::string row_name() const { return row_ == 0 ? "header" : "row " + std::to_string(row_); }
  [[noreturn]] void broken(std::string_view what) const {
    fail(ErrorKind::data, source_, ": ", row_name(), " (line ", line_, "), byte ", at_, ": ", what);
  }

  // The next record; false at the end. A blank line is a record of one empty cell, except at the end of the file.
  bool record(std::vector<std::string>& fields) {
    if (at_ >= end_) return false;
    ++row_;
    row_begin_ = at_;
    for (std::size_t count = 1;; ++count) {
      const Place begin{at_, line_};
      if (fields.size() < count) fields.emplace_back();
      field(fields[count - 1]);  // strings of the last row keep their memory
      if (count > options_.columns) broken("more columns than the limit of " + std::to_string(options_.columns));
      if (!ascii_) check_utf8(begin, count - 1, fields[count - 1]);
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
        continue;
      }
      fields.resize(count);
      if (at_ >= text_.size()) return true;
      if (text_[at_++] == '\r') {
        if (at_ >= text_.size() || text_[at_] != '\n') broken("a carriage return without line feed");
        ++at_;
      }
      ++line_;
      return true;
    }
  }

  void field(std::string& value) {
    ascii_ = true;
    const Place begin{at_, line_};
    if (at_ >= text_.size() || text_[at_] != '"') {
      const auto end = next_of(detail::kEndsPlainCell);
      if (end - at_ <= options_.field_bytes && end <= row_begin_ + options_.row_bytes) value.assign(text_, at_, end - at_);
      else value.clear(), append(value, end, false);
      at_ = end;
      if (at_ >= text_.size()) return;
      if (text_[at_] == '\0') broken(kZeroByte);
      if (text_[at_] == '"') broken("a quote inside an unquoted cell");
      return;
    }
    value.clear();
    for (++at_;; value += '"') {
      append(value, next_of(detail::kEndsQuotedCell), true);
      if (at_ >= text_.size())
        fail(ErrorKind::data, source_, ": ", row_name(), ": the quoted cell that begins in line ", begin.line, ", byte ", begin.byte,
             ", does not end");
      if (text_[at_] == '\0') broken(kZeroByte);
      ++at_;
      if (at_ < text_.size() && text_[at_] == '"') {
        ++at_;
        continue;
      }
      if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') broken("text follows a closing quote");
      return;
    }
  }

  static constexpr std::string_view kZeroByte = "a zero byte; the file is not text";
  // Where the first such byte stands from here on, or the text's end; remembers whether all before it were ASCII.
  [[nodiscard]] std::size_t next_of(const detail::ByteSet& wanted) {
    auto at = at_;
    unsigned seen = 0;
    for (; at < text_.size(); ++at) {
      const auto byte = static_cast<unsigned char>(text_[at]);
      if (wanted[byte]) break;
      seen |= byte;
    }
    ascii_ = ascii_ && seen < 0x80;
    return at;
  }
  // Takes the text up to `end` into a cell, and goes on there. The byte that passes a limit is the one told.
  void append(std::string& value, std::size_t end, bool may_hold_lines) {
    const auto field_end = at_ + options_.field_bytes - std::min(value.size(), options_.field_bytes);
    const auto row_end = std::max(at_, row_begin_ + options_.row_bytes);
    const auto lines = [&](std::size_t to) { return std::count(text_.data() + at_, text_.data() + to, '\n'); };
    if (end > std::min(field_end, row_end)) {
      const bool field = field_end <= row_end;
      line_ += lines(std::min(field_end, row_end) + 1);
      at_ = std::min(field_end, row_end);
      if (field) broken("a cell larger than the limit of " + std::to_string(options_.field_bytes) + " bytes");
      broken("a row larger than the limit of " + std::to_string(options_.row_bytes) + " bytes");
    }
    if (may_hold_lines) line_ += lines(end);
    value.append(text_, at_, end - at_);
    at_ = end;
  }

  // The cell just read; quotes do not matter, for they are characters of their own.
  void check_utf8(const Place& begin, std::size_t number, std::string& cell) const {
    const auto raw = std::string_view(text_).substr(begin.byte, at_ - begin.byte);
    const auto bad = first_invalid_utf8(raw);
    if (bad == raw.size()) return;
    if (options_.invalid_utf8 == InvalidUtf8::replace) {
      cell = replaced_invalid_utf8(cell);
      return;
    }
    const auto column = row_ > 0 && number < header_.size() ? "'" + header_[number] + "'" : std::to_string(number + 1);
    fail(ErrorKind::data, source_, ": ", row_name(), " (line ",
         begin.line + std::count(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(bad), '\n'), "), column ", column, ": byte ",
         begin.byte + bad, " is not UTF-8; save the table as UTF-8, or read it with invalid_utf8 = replace");
  }

  std::string text_, source_;
  CsvOptions options_;
  std::size_t end_;  // of the last record: line ends that follow it say nothing
  std::vector<std::string> header_;
  std::size_t at_ = 0, row_begin_ = 0;
  std::int64_t line_ = 1, row_ = -1;  // row 0 is the header
  bool ascii_ = true;                 // the cell just read
};

// A cell as it stands in a file: quoted where it must be, also where it could be taken for the file's byte order mark.
[[nodiscard]] inline std::string csv_cell(std::string_view value) {
  if (value.find_first_of(",\"\n\r") == std::string_view::npos && !value.starts_with("\xEF\xBB\xBF")) return std::string(value);
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace mgca::io
