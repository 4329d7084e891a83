#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>
#include <mgca/io/csv.hpp>

#include <array>

using mgca::io::CsvTable;
using mgca::test::expect_error;
using Rows = std::vector<std::vector<std::string>>;

namespace {
Rows rows(const std::string& text, const mgca::io::CsvOptions& options = {}) {
  CsvTable table(text, "t.csv", options);
  Rows all;
  table.for_each([&](const mgca::io::CsvRow& row) {
    auto& cells = all.emplace_back();
    for (std::size_t i = 0; i < table.header().size(); ++i) cells.push_back(row.at(i));
  });
  return all;
}
}  // namespace

TEST_CASE("csv: quotes, line breaks, line ends and byte order marks", "[io][fast]") {
  CHECK(rows("a,b\n1,2\n") == Rows{{"1", "2"}});
  CHECK(rows("\xEF\xBB\xBF" "a,b\r\n1,\"x,\r\ny \"\"z\"\"\"\r\n") == Rows{{"1", "x,\r\ny \"z\""}});
  CHECK(rows("a,b\n,\n3,\"\"\n\n\n") == Rows{{"", ""}, {"3", ""}});
  CHECK(rows("only\na\n\nb\n") == Rows{{"a"}, {""}, {"b"}});
  CHECK(rows("only\n") == Rows{});
  CHECK(CsvTable(mgca::io::csv_cell("\xEF\xBB\xBF" "a"), "t.csv").header() == std::vector<std::string>{"\xEF\xBB\xBF" "a"});
}

TEST_CASE("csv: what was written is what is read", "[io][fast]") {
  for (uint64_t i = 0; i < 500; ++i) {
    mgca::RandomStream random({.seed = 3, .sample = i}, mgca::Use::test);
    static constexpr std::array<std::string_view, 9> alphabet{"a", "b", ",", "\"", "\n", "\r", " ", "x", "\xC3\xA9"};
    Rows expected;
    std::string text = "p,q\n";
    for (int r = 0; r < 3; ++r) {
      auto& row = expected.emplace_back();
      for (int c = 0; c < 2; ++c) {
        std::string cell = "k";
        for (uint64_t n = random.below(8); n > 0; --n) cell += alphabet[random.below(alphabet.size())];
        row.push_back(cell);
        text += (c > 0 ? "," : "") + mgca::io::csv_cell(cell);
      }
      text += "\n";
    }
    REQUIRE(rows(text) == expected);
  }
}

TEST_CASE("csv: broken tables are refused with row and line, never with content", "[io][fast]") {
  expect_error([] { rows("a,b\n1,2\nsecret\n"); }, {"t.csv", "row 2", "line 3", "1 cells", "2"});
  expect_error([] { rows("a,b\n1,2\n\n3,4\n"); }, {"row 2", "line 3", "1 cells"});
  expect_error([] { rows("a,b\n1,2\n1,\"never closed\n2,3\n4,5\n"); }, {"t.csv: row 2", "begins in line 3, byte 10", "does not end"});
  expect_error([] { rows("a,\"b\n1,2\n"); }, {"t.csv: header", "begins in line 1, byte 2"});
  expect_error([] { rows("a,b\n1,x\"y\n"); }, {"line 2", "quote inside"});
  expect_error([] { rows("a,b\n1,\"x\"y\n"); }, {"line 2", "closing quote"});
  expect_error([] { rows(std::string("a,b\n1,\0\n", 8)); }, {"row 1 (line 2), byte 6", "zero byte"});
  expect_error([] { rows("a,b,a\n"); }, {"columns 1 and 3", "same name"});
  expect_error([] { (void)CsvTable("Frontal/Lateral,AP/PA\n", "t.csv").column("AP/P"); }, {"no column 'AP/P'", "did you mean 'AP/PA'"});
  try {  // a table without a header line: its first row is not shown as if it were column names
    (void)CsvTable("images/1.jpg,secret,patient\n", "t.csv").column("report");
    FAIL("accepted");
  } catch (const mgca::Error& error) {
    const std::string what = error.what();
    CHECK(what.find("looks like data") != std::string::npos);
    CHECK(what.find("secret") == std::string::npos);
  }
  expect_error([] { rows(""); }, {"empty"});
  expect_error([] { rows("a\rb\r"); }, {"header", "carriage return"});
  expect_error([] { rows("a,b\n1,2\r3,4\n"); }, {"row 1 (line 2)", "carriage return"});
  expect_error([] { rows("a,b\n1,2\r"); }, {"row 1 (line 2)", "carriage return"});
  expect_error([] { rows("\n\r\n"); }, {"empty"});
  expect_error([] { rows("a;b\r\n1;2,3\r\n"); }, {"row 1 (line 2)", "2 cells, the header has 1"});
  expect_error([] { rows("a,b\n1,2,\n"); }, {"row 1", "3 cells, the header has 2"});
  expect_error([] { (void)CsvTable::read("/no/such.csv"); }, {"/no/such.csv"});
  try {
    rows("report\n\"ok\"\n\"canary, word\" x\n");
    FAIL("accepted");
  } catch (const mgca::Error& error) {
    CHECK(std::string(error.what()).find("canary") == std::string::npos);
  }
}

TEST_CASE("csv: a byte that is not UTF-8 is an error naming row, line, column and byte, or is replaced on request", "[io][fast]") {
  const std::string table = "image,report\na.png,fine\nb.png,\"two\nlines, 37 \xB0 \"\"C\"\"\"\n";
  expect_error([&] { rows(table); }, {"t.csv: row 2 (line 4), column 'report': byte 45 is not UTF-8", "invalid_utf8 = replace"});
  CHECK(static_cast<unsigned char>(table[45]) == 0xB0);
  CHECK(rows(table, {.invalid_utf8 = mgca::InvalidUtf8::replace})[1][1] == "two\nlines, 37 \xEF\xBF\xBD \"C\"");
  expect_error([] { rows("a,b\xFF\n"); }, {"header (line 1), column 2: byte 3"});
  expect_error([] { rows("a\n1,\xC3\n"); }, {"row 1", "column 2: byte 4"});
  CHECK(rows("a\n\xC3\xA9\n") == Rows{{"\xC3\xA9"}});
}

TEST_CASE("csv: cells, rows and columns over the limits are refused at the byte, at the limits they are read", "[io][fast]") {
  const auto wide = [](int columns) {
    std::string text = "c0";
    for (int i = 1; i < columns; ++i) text += ",c" + std::to_string(i);
    return text + "\n";
  };
  CHECK(rows(wide(4096)).empty());
  expect_error([&] { rows(wide(4097)); }, {"header (line 1)", "more columns than the limit of 4096"});
  CHECK(rows("a\n12345678\n", {.field_bytes = 8}) == Rows{{"12345678"}});
  expect_error([] { rows("a\n1\n123456789\n", {.field_bytes = 8}); }, {"row 2 (line 3)", "larger than the limit of 8 bytes"});
  CHECK(rows("a,b\n123,456\n", {.row_bytes = 7}).size() == 1);
  expect_error([] { rows("a,b\n123,4567\n", {.row_bytes = 7}); }, {"row 1 (line 2)", "a row larger than the limit of 7 bytes"});
  expect_error([] { rows("a,b\n1,2\n\"" + std::string(9000000, 'x') + "\",\n"); }, {"row 2", "limit of 8388608 bytes"});
}

TEST_CASE("csv: a million columns or quotes and 200,000 blank lines take no longer than their bytes", "[io][fast]") {
  expect_error([] { rows(std::string(1000000, ',')); }, {"more columns"});
  expect_error([] { rows("a\n" + std::string(1000001, '"')); }, {"row 1", "does not end"});
  CsvTable blank("a\n" + std::string(200000, '\n') + "x\n", "t.csv");
  int count = 0;
  blank.for_each([&](const auto&) { ++count; });
  CHECK(count == 200001);
}

TEST_CASE("csv: columns are found by name, with a hint where they are not", "[io][fast]") {
  CsvTable table("image,report,split\na,b,c\n", "pairs.csv");
  CHECK(table.column("report") == 1);
  CHECK_FALSE(table.find("patient").has_value());
  expect_error([&] { (void)table.column("reprot"); }, {"pairs.csv", "reprot", "did you mean 'report'", "image"});
}

TEST_CASE("csv: numbers are whole cells or errors", "[io][fast]") {
  CsvTable table("x\n 2.5 \n\n7\nabc\n", "n.csv");
  std::vector<std::optional<double>> values;
  expect_error([&] { table.for_each([&](const auto& row) { values.push_back(row.number_at(0)); }); }, {"n.csv", "row 4", "line 5", "column 'x'", "finite number"});
  CHECK(values == std::vector<std::optional<double>>{2.5, std::nullopt, 7.0});
}

TEST_CASE("csv: random bytes are read or refused, never worse", "[io][fast]") {
  for (uint64_t i = 0; i < 2000; ++i) {
    mgca::RandomStream random({.seed = 4, .sample = i}, mgca::Use::test);
    static constexpr std::string_view alphabet = "a,\"\n\r\0b";
    std::string text;
    for (uint64_t n = random.below(40); n > 0; --n) text += alphabet[random.below(7)];
    try {
      (void)rows(text);
    } catch (const mgca::Error&) {
    }
  }
}
