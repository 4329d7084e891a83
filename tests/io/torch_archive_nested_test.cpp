#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/io/torch_archive_writer.hpp>
#include <mgca/io/weight_file.hpp>

#include <array>

TEST_CASE("torch_archive_writer: a dict of tensors stands in another under a key, as in Lightning's files", "[io][fast]") {
  const mgca::test::Scratch scratch;
  const std::array<float, 6> values{1, 2, 3, 4, 5, 6};
  const std::vector<mgca::io::TensorInfo> tensors{{"a.weight", mgca::io::Dtype::f32, {2, 3}}, {"b", mgca::io::Dtype::f32, {}}};
  const auto source = [&](std::size_t i, auto&) { return std::as_bytes(std::span(values)).first(i == 0 ? 24 : 4); };
  mgca::io::write_torch_archive(mgca::posix_files(), scratch / "a.ckpt", tensors, {{"format", "pt"}}, source, "state_dict");
  const auto file = mgca::io::WeightFile::open(scratch / "a.ckpt");
  REQUIRE(file.tensors().size() == 2);
  CHECK(file.tensors()[0].name == "state_dict.a.weight");
  CHECK(file.tensors()[1].name == "state_dict.b");
  CHECK(file.metadata().at("format") == "pt");
  std::vector<std::byte> scratch_bytes;
  const auto bytes = file.bytes(file.tensors()[0], scratch_bytes);
  CHECK(std::memcmp(bytes.data(), values.data(), 24) == 0);
}
