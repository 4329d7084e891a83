#include "catch.hpp"
#include "paths.hpp"

#include <mgca/io/event_file.hpp>

TEST_CASE("event_file: CRC-32C gives the published check value", "[io][golden][fast]") {
  CHECK(mgca::io::crc32c("123456789") == 0xE3069283U);
  CHECK(mgca::io::crc32c("") == 0);
}

TEST_CASE("event_file: records are framed, checked and hold what was added", "[io][fast]") {
  const mgca::test::Scratch scratch;
  mgca::io::EventFile file(scratch.path());
  file.add({"train/loss", 0.5, 300});
  const auto bytes = mgca::read_text_file(file.path());
  std::vector<std::string> records;
  for (std::size_t at = 0; at < bytes.size();) {
    REQUIRE(bytes.size() - at >= 16);
    std::uint64_t length = 0;
    for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
    const auto body = bytes.substr(at + 12, length);
    REQUIRE(bytes.substr(at, 16 + length) == mgca::io::framed_record(body));
    records.push_back(body);
    at += 16 + length;
  }
  REQUIRE(records.size() == 2);
  CHECK(records[0].find("brain.Event:2") != std::string::npos);
  CHECK(records[1].find("train/loss") != std::string::npos);
  CHECK(records[1].find(std::string("\x15\x00\x00\x00\x3F", 5)) != std::string::npos);  // field 2 as float: 0.5
  CHECK(records[1].find("\x10\xAC\x02") != std::string::npos);                          // field 2 as varint: step 300
}
