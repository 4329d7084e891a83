#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/core/random.hpp>
#include <mgca/io/safetensors.hpp>

#include <sys/resource.h>

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
    const auto size = bits_of(mgca::parse_enum<Dtype>(name)) * 12 / 8;
    CHECK(accepted(file("{" + entry("t", std::string(name), "[3,4]", "[0," + std::to_string(size) + "]") + "}", size)) == (name != "C128"));
  }
}

TEST_CASE("safetensors: no hostile file is accepted, and what is wrong with a tensor is said with its name", "[io][fast]") {
  struct Probe {
    std::string name;
    std::vector<std::byte> bytes;
    std::string said;
  };
  std::vector<Probe> hostile;
  const auto raw = [&](const std::string& name, std::vector<std::byte> bytes, const std::string& said) { hostile.push_back({name, std::move(bytes), said}); };
  const auto header = [&](const std::string& text, std::size_t data, const std::string& said) { raw(text.substr(0, 60), file(text, data), said); };
  raw("no bytes", {}, "it has 0 bytes");
  raw("seven bytes", std::vector<std::byte>(7), "it has 7 bytes");
  raw("a byte more than there is", file("{}", 0, 3), "header length 3");
  raw("a byte less", file("{}", 0, 1), "expected");
  raw("2^63 - 1", file("{}", 0, INT64_MAX), "over the limit");
  raw("a byte over the limit", file("{}", 0, 100'000'001), "over the limit");
  for (const std::string text : {"", " {}", "[]", "null", "\xEF\xBB\xBF{}"}) header(text, 0, "does not begin with '{'");
  for (const std::string text : {"{}x", "{}{}", "{}\n"}) header(text, 0, "follow the header's closing brace");
  for (const std::string text : {"{", "{\"a\"}", "{,}", "{'a':{}}"}) header(text, 0, "expected");
  for (const std::string text : {"{\"t\":}", "{\"t\":1}", "{\"t\":[]}", "{\"t\":{}}", "{\"t\":\"b\"}", "{\"t\":null}"}) header(text, 0, "tensor 't'");
  header("{\"t\":{},}", 0, "tensor 't'");
  const auto tensor = [&](const std::string& dtype, const std::string& shape, const std::string& offsets, std::size_t data, const std::string& said) {
    header("{" + entry("t", dtype, shape, offsets) + "}", data, said);
    CHECK(hostile.back().said.find("'t'") != std::string::npos);
    hostile.back().name += " over " + std::to_string(data);
  };
  for (const std::string dtype : {"F31", "f32", "", "FLOAT", "F5", "COMPLEX64", "F8_E3M4", "f8_e5m2", "F8", "C128", "I4"}) {
    tensor(dtype, "[1]", "[0,4]", 4, "tensor 't' has the unsupported dtype '" + dtype + "'");
  }
  for (const std::string shape : {"[-1]", "[1.0]", "[1.5]", "[1e3]", "[1e400]", "[01]", "[\"1\"]", "[null]", "[[1]]", "[,1]", "[+1]", "[0x1]", "[1,]", "[true]", "[-1,-4]", "[4.0]"}) {
    for (const std::string dtype : {"F32", "BF16"}) tensor(dtype, shape, "[0,4]", 4, "tensor 't': ");
  }
  for (const std::string shape : {"1", "{}", "[1 1]"}) tensor("F32", shape, "[0,4]", 4, "tensor 't': expected");
  tensor("F32", "[18446744073709551616]", "[0,4]", 4, "tensor 't': a number does not fit 64 bits");
  for (const std::string shape : {"[9223372036854775808,2]", "[4611686018427387904,4]", "[4294967296,4294967296]", "[4611686018427387905,4]", "[0,18446744073709551615]"}) {
    tensor("F32", shape, "[0,4]", 4, "the shape of tensor 't' overflows");
  }
  for (const std::string dtype : {"F4", "F6_E2M3", "F6_E3M2"}) {
    tensor(dtype, "[3]", "[0,2]", 2, "the shape of tensor 't' overflows or does not fill its last byte");
    tensor(dtype, "[]", "[0,1]", 1, "the shape of tensor 't' overflows or does not fill its last byte");
    tensor(dtype, "[4]", "[0,1]", 1, dtype == "F4" ? "tensor 't' has 1 bytes, its shape needs 2" : "tensor 't' has 1 bytes, its shape needs 3");
    tensor(dtype, "[4611686018427387904,8]", "[0,4]", 4, "the shape of tensor 't' overflows");
  }
  for (const std::string dtype : {"F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"}) tensor(dtype, "[3]", "[0,4]", 4, "tensor 't' has 4 bytes, its shape needs 3");
  tensor("C64", "[1]", "[0,4]", 4, "tensor 't' has 4 bytes, its shape needs 8");
  tensor("U8", "[4294967296,4294967297]", "[0,4]", 4, "the shape of tensor 't' overflows");
  tensor("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,4]", 4, "tensor 't': a list of more than 16 numbers");
  for (const std::string offsets : {"[0]", "[0,4,4]", "[]", "[-4,0]", "[0,4.0]", "[0,1e1]", "4"}) tensor("F32", "[1]", offsets, 4, "tensor 't': ");
  tensor("F32", "[1]", "[4,0]", 4, "tensor 't' ends before it begins");
  tensor("F32", "[1]", "[0,5]", 4, "tensor 't' ends at byte 5 of 4");
  tensor("F32", "[1]", "[0,8]", 4, "tensor 't' ends at byte 8 of 4");
  tensor("F32", "[1]", "[0,3]", 4, "tensor 't' has 3 bytes, its shape needs 4");
  tensor("F32", "[1]", "[1,5]", 8, "tensor 't' begins at byte 1, expected 0");
  tensor("F32", "[1]", "[18446744073709551615,3]", 4, "tensor 't' ends before it begins");
  tensor("F32", "[1]", "[0,18446744073709551615]", 4, "tensor 't' ends at byte");
  tensor("F32", "[2]", "[0,8]", 4, "tensor 't' ends at byte 8 of 4");
  tensor("BF16", "[2]", "[0,8]", 8, "tensor 't' has 8 bytes, its shape needs 4");
  tensor("F64", "[2]", "[0,8]", 8, "tensor 't' has 8 bytes, its shape needs 16");
  tensor("F32", "[0]", "[0,4]", 4, "tensor 't' has 4 bytes, its shape needs 0");
  tensor("F32", "[]", "[0,0]", 0, "tensor 't' has 0 bytes, its shape needs 4");
  header("{" + entry("t", "F32", "[1]", "[0,4]") + "}", 8, "cover 4 of 8 data bytes");
  header("{}", 1, "cover 0 of 1 data bytes");
  header("{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[1]", "[0,4]") + "}", 4, "tensor 'b' begins at byte 0, expected 4");
  header("{" + entry("a", "F32", "[2]", "[0,8]") + "," + entry("b", "F32", "[1]", "[4,8]") + "}", 8, "tensor 'b' begins at byte 4, expected 8");
  header("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("b", "U8", "[1]", "[2,3]") + "}", 3, "tensor 'b' begins at byte 2, expected 1");
  header("{" + entry("a", "U8", "[1]", "[1,2]") + "}", 2, "tensor 'a' begins at byte 1, expected 0");
  header("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("a", "U8", "[1]", "[1,2]") + "}", 2, "the key 'a' appears twice");
  header("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("\\u0061", "U8", "[1]", "[1,2]") + "}", 2, "the key 'a' appears twice");
  header("{\"t\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "tensor 't': 'dtype' appears twice");
  header("{\"t\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "tensor 't': dtype, shape or data_offsets is missing");
  header("{\"t\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "tensor 't': dtype, shape or data_offsets is missing");
  header("{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"more\":1}}", 1, "tensor 't': the field 'more' is unknown");
  header("{\"t\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "tensor 't': expected a string");
  header("{\"t\":{\"dtype\":\"U\x01\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "tensor 't': a control character");
  header("{\"__metadata__\":{\"k\":1}}", 0, "expected a string");
  header("{\"__metadata__\":{\"k\":null}}", 0, "expected a string");
  header("{\"__metadata__\":{\"k\":{}}}", 0, "expected a string");
  header("{\"__metadata__\":[]}", 0, "expected '{'");
  header("{\"__metadata__\":{\"k\":\"a\",\"k\":\"b\"}}", 0, "metadata key 'k' appears twice");
  header("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "'__metadata__' appears twice");
  header("{\"__metadata__\":{\"k\":\"a\"},\"__metadata__\":{}}", 0, "'__metadata__' appears twice");
  header("{\"a\xFF\":{}}", 0, "not UTF-8");
  header("{\"\\ud800\":{}}", 0, "surrogate");
  header("{\"\\udc00\\ud800\":{}}", 0, "surrogate");
  header("{\"\\x\":{}}", 0, "unknown escape");
  header("{\"\\u00g0\":{}}", 0, "hexadecimal");
  header("{\"a", 0, "does not end");
  header(std::string("{\"a\0b\":{}}", 10), 0, "control character");
  header(std::string(100000, '['), 0, "does not begin with '{'");
  std::string deep = "{\"t\":";
  for (int i = 0; i < 100000; ++i) deep += "{\"t\":";
  header(deep, 0, "tensor 't': the field 't' is unknown");
  REQUIRE(hostile.size() >= 120);
  int wrong = 0;
  for (const auto& probe : hostile) {
    INFO(probe.name << ": expected " << probe.said);
    std::string message;
    try {
      (void)Safetensors::parse(probe.bytes, "probe.safetensors");
    } catch (const mgca::Error& error) {
      message = error.what();
    }
    INFO(message);
    CHECK(message.starts_with("probe.safetensors: "));
    CHECK(message.find(probe.said) != std::string::npos);
    wrong += message.empty() ? 1 : 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("safetensors: 700 MB of weights are read without being held in memory", "[io][fast]") {
  const mgca::test::Scratch scratch;
  const std::uint64_t size = std::uint64_t{700} << 20;
  const auto start = file("{" + entry("w", "F32", "[" + std::to_string(size / 4) + "]", "[0," + std::to_string(size) + "]") + "}", 0);
  mgca::atomic_write(mgca::posix_files(), scratch / "big.safetensors", start);
  std::filesystem::resize_file(scratch / "big.safetensors", start.size() + size);
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  auto moved = Safetensors::read(scratch / "big.safetensors");
  const auto weights = std::move(moved);
  CHECK(weights.at("w").bytes.size() == size);
  CHECK(weights.at("w").bytes[size - 1] == std::byte{0});
  ::getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < 16 * 1024);  // KiB
}

TEST_CASE("safetensors: random changes are refused or read back equal", "[io][fast]") {
  std::vector<std::byte> data(40);
  const std::vector<TensorRecord> tensors{{"weight", Dtype::f32, {2, 3}, std::span(data).first(24)}, {"bias", Dtype::i64, {2}, std::span(data).subspan(24)}};
  const auto good = mgca::io::serialize_safetensors(tensors, {{"format", "pt"}});
  for (std::uint64_t i = 0; i < 500; ++i) {
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
  mgca::test::expect_error([&] { (void)mgca::io::serialize_safetensors(std::vector<TensorRecord>{{"a", Dtype::c128, {1}, std::span(data).first(16)}}); }, {"'a'", "C128", "C64"});
}

TEST_CASE("safetensors: a stream of tensors makes the same file as records, and a wrong one leaves the old file", "[io][fast]") {
  const mgca::test::Scratch scratch;
  const std::vector<std::byte> data(24, std::byte{7});
  const std::vector<TensorRecord> records{{"a", Dtype::f32, {6}, data}, {"b", Dtype::f4, {3, 16}, data}};
  const std::vector<mgca::io::TensorInfo> infos{{"a", Dtype::f32, {6}}, {"b", Dtype::f4, {3, 16}}};
  mgca::io::write_safetensors(scratch / "a", records, {{"k", "v"}});
  const auto fill = [](std::size_t, std::vector<std::byte>& own) {
    own.assign(24, std::byte{7});
    return std::span<const std::byte>(own);
  };
  mgca::io::write_safetensors(mgca::posix_files(), scratch / "b", infos, {{"k", "v"}}, fill);
  CHECK(mgca::read_file(scratch / "a") == mgca::read_file(scratch / "b"));
  const auto cut = [&](std::size_t i, std::vector<std::byte>& own) { return fill(i, own).first(i == 0 ? 24 : 23); };
  mgca::test::expect_error([&] { mgca::io::write_safetensors(mgca::posix_files(), scratch / "b", infos, {}, cut); }, {"'b'", "has 23 bytes, its shape needs 24"});
  CHECK(mgca::read_file(scratch / "a") == mgca::read_file(scratch / "b"));
}
