#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/io/npy.hpp>

#include <array>
#include <cstring>

using mgca::io::Dtype;

TEST_CASE("npy: the header is the one numpy writes", "[io][fast]") {
  const std::array<std::int64_t, 2> matrix{2, 3};
  const auto header = mgca::io::npy_header(Dtype::f32, matrix);
  const std::string start("\x93NUMPY\x01\x00\x76\x00", 10);  // 0x76 = 118 bytes follow, 128 in all
  CHECK(header.starts_with(start));
  CHECK(header.size() == 128);
  CHECK(header.substr(10, 59) == "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  CHECK(header.back() == '\n');
}

TEST_CASE("npy: scalars, vectors and empty arrays have the shapes numpy reads", "[io][fast]") {
  const auto shape = [](std::vector<std::int64_t> sides) {
    const auto header = mgca::io::npy_header(Dtype::i64, sides);
    CHECK(header.size() % 64 == 0);
    const auto at = header.find("'shape': ") + 9;
    return header.substr(at, header.find(')', at) + 1 - at);
  };
  CHECK(shape({}) == "()");
  CHECK(shape({7}) == "(7,)");
  CHECK(shape({1, 1}) == "(1, 1)");
  CHECK(shape({0, 4, 5}) == "(0, 4, 5)");
}

TEST_CASE("npy: the data follow the header as they are", "[io][fast]") {
  const mgca::test::Scratch scratch;
  const std::array<float, 6> values{1, 2, 3, 4, 5, 6};
  mgca::io::write_npy(scratch / "a.npy", {.name = "a", .dtype = Dtype::f32, .shape = {2, 3}, .bytes = std::as_bytes(std::span(values))});
  const auto text = mgca::read_text_file(scratch / "a.npy");
  REQUIRE(text.size() == 128 + sizeof values);
  CHECK(std::memcmp(text.data() + 128, values.data(), sizeof values) == 0);
}

TEST_CASE("npy: what numpy cannot hold and what does not fill its shape is refused by name, and no file is left", "[io][fast]") {
  const mgca::test::Scratch scratch;
  const std::array<std::byte, 8> bytes{};
  const auto write = [&](Dtype dtype, std::vector<std::int64_t> shape) {
    mgca::io::write_npy(scratch / "a.npy", {.name = "words", .dtype = dtype, .shape = std::move(shape), .bytes = bytes});
  };
  mgca::test::expect_error([&] { write(Dtype::bf16, {4}); }, {"BF16", "F32"});
  mgca::test::expect_error([&] { write(Dtype::f32, {3}); }, {"'words' has 8 bytes, its shape needs 12"});
  mgca::test::expect_error([&] { write(Dtype::f32, {-1}); }, {"-1"});
  mgca::test::expect_error([&] { write(Dtype::f32, {INT64_MAX, 8}); }, {"'words' overflows"});
  CHECK(std::filesystem::is_empty(scratch.path()));
}
