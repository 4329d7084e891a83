#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/core/random.hpp>
#include <mgca/io/safetensors.hpp>

#include <fstream>

using mgca::io::Dtype;
using mgca::io::Safetensors;
using mgca::io::TensorRecord;

namespace {

// A file with this header text and this many data bytes.
std::vector<std::byte> file(const std::string& header, std::size_t data, std::int64_t claimed = -1) {
  const auto length = claimed >= 0 ? static_cast<std::uint64_t>(claimed) : header.size();
  std::vector<std::byte> bytes(8);
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(length >> (8 * i) & 0xFF);
  for (const char c : header) bytes.push_back(static_cast<std::byte>(c));
  bytes.resize(bytes.size() + data);
  return bytes;
}
bool accepted(const std::vector<std::byte>& bytes) {
  try {
    (void)Safetensors::parse(bytes, "probe.safetensors");
    return true;
  } catch (const mgca::Error& error) {
    CHECK(std::string(error.what()).starts_with("probe.safetensors: "));
    return false;
  }
}
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

}  // namespace

TEST_CASE("safetensors: legal files are accepted, zero sides, scalars and padding included", "[io][fast]") {
  CHECK(accepted(file("{}", 0)));
  CHECK(accepted(file("{}      ", 0)));
  CHECK(accepted(file("{" + entry("a", "F32", "[2,3]", "[0,24]") + "}", 24)));
  CHECK(accepted(file("{" + entry("a", "F32", "[]", "[0,4]") + "," + entry("b", "F64", "[0,5]", "[4,4]") + "}", 4)));
  CHECK(accepted(file("{" + entry("b", "U8", "[4]", "[4,8]") + "," + entry("a", "F32", "[1]", "[0,4]") + "}", 8)));
  CHECK(accepted(file("{\"__metadata__\":{\"k\":\"v\\u00e9\"}," + entry("\\u00e9 \\\"x", "BOOL", "[1]", "[0,1]") + "}", 1)));
  CHECK(accepted(file("{ \"a\" : { \"shape\" : [ 1 ] , \"dtype\" : \"I64\" , \"data_offsets\" : [ 0 , 8 ] } }", 8)));
  for (const auto name : names_of(Dtype{})) {
    const auto size = std::to_string(size_of(mgca::parse_enum<Dtype>(name)) * 3);
    CHECK(accepted(file("{" + entry("t", std::string(name), "[3]", "[0," + size + "]") + "}", std::stoul(size))));
  }
}

TEST_CASE("safetensors: no hostile file is accepted", "[io][fast]") {
  std::vector<std::vector<std::byte>> hostile;
  const auto header = [&](const std::string& text, std::size_t data) { hostile.push_back(file(text, data)); };
  hostile.push_back({});
  hostile.push_back(std::vector<std::byte>(7));
  hostile.push_back(file("{}", 0, 3));
  hostile.push_back(file("{}", 0, 1));
  hostile.push_back(file("{}", 0, INT64_MAX));
  hostile.push_back(file("{}", 0, 100'000'001));
  for (const std::string text : {"", " {}", "[]", "null", "{", "{}x", "{}{}", "{\"a\"}", "{\"a\":}", "{\"a\":1}", "{\"a\":[]}", "{\"a\":{}}", "{,}", "{\"a\":{},}",
                                 "{'a':{}}", "{\"a\":\"b\"}", "\xEF\xBB\xBF{}", "{}\n"}) {
    header(text, 0);
  }
  const auto tensor = [&](const std::string& dtype, const std::string& shape, const std::string& offsets, std::size_t data) {
    header("{" + entry("t", dtype, shape, offsets) + "}", data);
  };
  for (const std::string dtype : {"F31", "f32", "", "FLOAT", "F4", "COMPLEX64"}) tensor(dtype, "[1]", "[0,4]", 4);
  for (const std::string shape : {"[-1]", "[1.0]", "[1.5]", "[1e3]", "[1e400]", "[01]", "[\"1\"]", "[null]", "[[1]]", "1", "{}", "[1,]", "[,1]", "[1 1]", "[+1]", "[0x1]",
                                  "[18446744073709551616]", "[9223372036854775808,2]", "[4611686018427387904,4]", "[4294967296,4294967296]",
                                  "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"}) {
    tensor("F32", shape, "[0,4]", 4);
  }
  for (const std::string offsets : {"[4,0]", "[0,5]", "[0,3]", "[1,5]", "[0,8]", "[0]", "[0,4,4]", "[]", "[-4,0]", "[0,4.0]", "[0,1e1]", "4", "[18446744073709551615,3]"}) {
    tensor("F32", "[1]", offsets, 4);
  }
  tensor("F32", "[2]", "[0,8]", 4);
  tensor("F32", "[1]", "[0,4]", 8);     // bytes nobody owns
  tensor("F32", "[0]", "[0,4]", 4);
  header("{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[1]", "[0,4]") + "}", 4);       // the same bytes
  header("{" + entry("a", "F32", "[2]", "[0,8]") + "," + entry("b", "F32", "[1]", "[4,8]") + "}", 8);       // overlap
  header("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("b", "U8", "[1]", "[2,3]") + "}", 3);         // hole
  header("{" + entry("a", "U8", "[1]", "[1,2]") + "}", 2);                                                    // hole at the start
  header("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("a", "U8", "[1]", "[1,2]") + "}", 2);         // one name twice
  header("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("\\u0061", "U8", "[1]", "[1,2]") + "}", 2);   // the same, in disguise
  header("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1);
  header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1);
  header("{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1);
  header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"more\":1}}", 1);
  header("{\"__metadata__\":{\"k\":1}}", 0);
  header("{\"__metadata__\":[]}", 0);
  header("{\"__metadata__\":{\"k\":\"a\",\"k\":\"b\"}}", 0);
  header("{\"__metadata__\":{},\"__metadata__\":{}}", 0);
  header("{\"a\xFF\":{}}", 0);
  header("{\"\\ud800\":{}}", 0);
  header("{\"\\x\":{}}", 0);
  header("{\"a", 0);
  header(std::string("{\"a\0b\":{}}", 10), 0);
  header(std::string(100000, '['), 0);
  std::string deep = "{\"a\":";
  for (int i = 0; i < 100000; ++i) deep += "{\"a\":";
  header(deep, 0);
  REQUIRE(hostile.size() >= 80);
  int wrong = 0;
  for (std::size_t i = 0; i < hostile.size(); ++i) {
    INFO("probe " << i);
    CHECK_FALSE(accepted(hostile[i]));
    wrong += accepted(hostile[i]) ? 1 : 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("safetensors: random changes are refused or read back equal", "[io][fast]") {
  std::vector<std::byte> data(40);
  const std::vector<TensorRecord> tensors{{"weight", Dtype::f32, {2, 3}, std::span(data).first(24)}, {"bias", Dtype::i64, {2}, std::span(data).subspan(24)}};
  const auto good = mgca::io::serialize_safetensors(tensors, {{"format", "pt"}});
  for (std::uint64_t i = 0; i < 30000; ++i) {
    mgca::RandomStream random({.seed = 6, .sample = i}, mgca::Use::test);
    auto changed = good;
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) changed[random.below(changed.size())] = static_cast<std::byte>(random.below(256));
    try {
      const auto read = Safetensors::parse(changed, "x");
      std::vector<TensorRecord> again(read.tensors().begin(), read.tensors().end());
      const auto once = Safetensors::parse(mgca::io::serialize_safetensors(again, read.metadata()), "y");
      REQUIRE(once.tensors().size() == read.tensors().size());
    } catch (const mgca::Error&) {
    }
  }
}

TEST_CASE("safetensors: what is written is what is read, and the writer refuses what it could not read", "[io][fast]") {
  const mgca::test::Scratch scratch;
  std::vector<std::byte> data(24, std::byte{7});
  mgca::io::write_safetensors(scratch / "a.safetensors", std::vector<TensorRecord>{{"w\"x", Dtype::f32, {2, 3}, data}}, {{"note", "line\nbreak"}});
  const auto file_read = Safetensors::read(scratch / "a.safetensors");
  CHECK(file_read.at("w\"x").shape == std::vector<std::int64_t>{2, 3});
  CHECK(file_read.metadata().at("note") == "line\nbreak");
  mgca::test::expect_error([&] { (void)file_read.at("w_x"); }, {"a.safetensors", "no tensor 'w_x'", "did you mean"});
  mgca::test::expect_error([&] { (void)mgca::io::serialize_safetensors(std::vector<TensorRecord>{{"a", Dtype::f32, {7}, data}}); }, {"'a'", "24 bytes", "28"});
  mgca::test::expect_error([&] { (void)mgca::io::serialize_safetensors(std::vector<TensorRecord>{{"a", Dtype::u8, {std::int64_t{1} << 32, std::int64_t{1} << 32}, {}}}); },
                           {"'a'", "impossible size"});
  mgca::test::expect_error([&] { (void)mgca::io::serialize_safetensors(std::vector<TensorRecord>{{"a", Dtype::f32, {6}, data}, {"a", Dtype::f32, {6}, data}}); },
                           {"cannot be written", "twice"});
}
