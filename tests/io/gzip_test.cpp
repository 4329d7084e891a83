#include "catch.hpp"
#include "expect_error.hpp"
#include "gzip_text.hpp"

#include <mgca/io/gzip.hpp>

#include <string>

using mgca::io::gunzip;
using mgca::test::expect_error;
using mgca::test::gzip_text;

TEST_CASE("gzip: what was compressed comes back, of one member or several", "[io][fast]") {
  std::string long_text;
  for (unsigned i = 0; i < 60'000; ++i) long_text += std::to_string(i * 2654435761U);
  for (const std::string& text :
       {std::string(), std::string("a"), std::string("dicom_id,subject_id\n"), std::string(65536, 'x'), long_text}) {
    CHECK(mgca::io::is_gzip(gzip_text(text)));
    CHECK(gunzip(gzip_text(text), "t.gz") == text);
    CHECK(gunzip(gzip_text(text) + gzip_text("second"), "t.gz") == text + "second");
  }
  CHECK_FALSE(mgca::io::is_gzip("dicom_id"));
}

TEST_CASE("gzip: every truncation and every changed byte of data or checksum is refused", "[io][fast]") {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "row " + std::to_string(i * i) + "\n";
  const auto whole = gzip_text(text);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    expect_error([&] { (void)gunzip(whole.substr(0, size), "t.csv.gz"); }, {"t.csv.gz", "download it again"});
  }
  for (std::size_t at = 10; at < whole.size(); ++at) {  // after the header
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    INFO(at);
    expect_error([&] { (void)gunzip(damaged, "t.csv.gz"); }, {"t.csv.gz", "download it again"});
  }
  expect_error([&] { (void)gunzip(whole + "tail", "t.csv.gz"); }, {"no valid gzip data"});
  expect_error([] { (void)gunzip("dicom_id,subject_id\n1,2\n", "t.csv.gz"); }, {"no valid gzip data"});
}

TEST_CASE("gzip: a bomb stops at the limit", "[io][fast]") {
  const auto bomb = gzip_text(std::string(std::size_t{4} << 20, '\0'));
  CHECK(bomb.size() < 8192);
  expect_error([&] { (void)gunzip(bomb, "bomb.gz", 100'000); }, {"bomb.gz", "more than the limit of 100000 bytes"});
}
