#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>
#include <mgca/io/csv.hpp>

using mgca::io::CsvTable;
using mgca::test::expect_error;
using Rows = std::vector<std::vector<std::string>>;

namespace {
Rows rows(const std::string& text) {
  CsvTable table(text, "t.csv");
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
}

TEST_CASE("csv: what was written is what is read", "[io][fast]") {
  for (uint64_t i = 0; i < 500; ++i) {
    mgca::RandomStream random({.seed = 3, .sample = i}, mgca::Use::test);
    static constexpr std::string_view alphabet = "ab,\"\n\r x\xC3\xA9";
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
  expect_error([] { rows("a,b\n1,\"never closed\n2,3\n"); }, {"t.csv", "quoted cell does not end"});
  expect_error([] { rows("a,b\n1,x\"y\n"); }, {"line 2", "quote inside"});
  expect_error([] { rows("a,b\n1,\"x\"y\n"); }, {"line 2", "closing quote"});
  expect_error([] { rows(std::string("a,b\n1,\0\n", 8)); }, {"zero byte"});
  expect_error([] { rows("a,a\n"); }, {"two columns", "'a'"});
  try {  // a table without a header line: its first row is not shown as if it were column names
    (void)CsvTable("images/1.jpg,secret,patient\n", "t.csv").column("report");
    FAIL("accepted");
  } catch (const mgca::Error& error) {
    const std::string what = error.what();
    CHECK(what.find("looks like data") != std::string::npos);
    CHECK(what.find("secret") == std::string::npos);
  }
  expect_error([] { rows(""); }, {"empty"});
  expect_error([] { rows("a\rb\r"); }, {"carriage return"});
  expect_error([] { (void)CsvTable::read("/no/such.csv"); }, {"/no/such.csv"});
  try {
    rows("report\n\"ok\"\n\"canary, word\" x\n");
    FAIL("accepted");
  } catch (const mgca::Error& error) {
    CHECK(std::string(error.what()).find("canary") == std::string::npos);
  }
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
  for (uint64_t i = 0; i < 20000; ++i) {
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
