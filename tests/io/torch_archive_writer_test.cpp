#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/io/torch_archive.hpp>
#include <mgca/io/torch_archive_writer.hpp>

using mgca::io::Dtype;
using mgca::io::TensorInfo;
using mgca::io::TorchArchive;
using mgca::test::expect_error;

namespace {

// Tensor i is filled with bytes that tell where they are.
std::span<const std::byte> filled(const TensorInfo& info, std::size_t i, std::vector<std::byte>& scratch) {
  scratch.resize(*mgca::io::byte_count(info.dtype, info.shape));
  for (std::size_t k = 0; k < scratch.size(); ++k) scratch[k] = static_cast<std::byte>((31 * i + 7 * k) % 251);
  return scratch;
}
void write(const std::filesystem::path& path, const std::vector<TensorInfo>& infos, const std::map<std::string, std::string>& metadata = {}) {
  mgca::io::write_torch_archive(mgca::posix_files(), path, infos, metadata, [&](std::size_t i, auto& scratch) { return filled(infos[i], i, scratch); });
}

}  // namespace

TEST_CASE("torch_archive_writer: what is written is read back, every type that torch has, with its metadata", "[io][fast]") {
  const mgca::test::Scratch scratch;
  std::vector<TensorInfo> infos{{"scalar", Dtype::f32, {}}, {"empty", Dtype::f32, {0, 3}}, {"naïve 'name'", Dtype::f32, {2, 1, 3}}, {"thin", Dtype::i64, {1, 1}}};
  for (const auto name : names_of(Dtype{})) {
    const auto dtype = mgca::parse_enum<Dtype>(name);
    if (size_of(dtype) > 0) infos.push_back({std::string(name), dtype, {5, 2}});
  }
  const std::map<std::string, std::string> metadata{{"dialect", "mgca"}, {"note", "line\nbreak ü"}};
  write(scratch / "a.pth", infos, metadata);
  const auto file = TorchArchive::read(scratch / "a.pth");
  CHECK_FALSE(file.legacy());
  CHECK(file.metadata() == metadata);
  REQUIRE(std::vector<TensorInfo>(file.tensors().begin(), file.tensors().end()) == infos);
  std::vector<std::byte> own, expected;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    INFO(infos[i].name);
    const auto bytes = file.bytes(i, own);
    const auto wanted = filled(infos[i], i, expected);
    CHECK(std::equal(bytes.begin(), bytes.end(), wanted.begin(), wanted.end()));
    file.release(i);
    CHECK(file.bytes(i, own).size() == wanted.size());
  }
}

TEST_CASE("torch_archive_writer: data begin at multiples of 64 bytes and equal tensors make equal files", "[io][fast]") {
  const mgca::test::Scratch scratch;
  const std::vector<TensorInfo> infos{{"a", Dtype::u8, {3}}, {"b", Dtype::f64, {7}}, {"a.longer.name", Dtype::bf16, {9}}};
  write(scratch / "a.pth", infos, {{"k", "v"}});
  write(scratch / "b.pth", infos, {{"k", "v"}});
  const auto bytes = mgca::read_file(scratch / "a.pth");
  CHECK(bytes == mgca::read_file(scratch / "b.pth"));
  const mgca::MappedFile mapped(scratch / "a.pth");
  for (const auto& [name, entry] : mgca::io::detail::ZipReader(mapped.bytes(), 100).read()) {
    INFO(name);
    CHECK((entry.bytes.data() - mapped.bytes().data()) % 64 == 0);
  }
}

TEST_CASE("torch_archive_writer: from 65,535 entries on the directory is a zip64 one and is read", "[io][fast]") {
  const mgca::test::Scratch scratch;
  mgca::io::detail::ZipWriter writer(mgca::posix_files(), scratch / "many.zip");
  for (int i = 0; i < 65'535; ++i) writer.entry(std::to_string(i), {});
  writer.commit();
  const mgca::MappedFile mapped(scratch / "many.zip");
  const auto bytes = mapped.bytes();
  CHECK(bytes[bytes.size() - 42] == std::byte{'P'});  // the locator of the zip64 record
  CHECK(bytes[bytes.size() - 41] == std::byte{'K'});
  CHECK(mgca::io::detail::ZipReader(bytes, 65'535).read().size() == 65'535);
}

TEST_CASE("torch_archive_writer: what cannot be written is refused and the old file stays", "[io][fast]") {
  const mgca::test::Scratch scratch;
  const auto path = scratch / "a.pth";
  write(path, {{"a", Dtype::f32, {2}}});
  const auto before = mgca::read_file(path);
  const auto refused = [&](const std::vector<TensorInfo>& infos, std::initializer_list<std::string_view> said) { expect_error([&] { write(path, infos); }, said); };
  refused({{"a", Dtype::f32, {1}}, {"a", Dtype::f32, {1}}}, {"two tensors", "'a'"});
  refused({{"a", Dtype::f4, {2}}}, {"'a'", "F4", "write safetensors"});
  refused({{"a", Dtype::f32, {-1}}}, {"'a'", "impossible size"});
  refused({{"a\xff", Dtype::f32, {1}}}, {"not UTF-8"});
  const std::vector<TensorInfo> two{{"a", Dtype::u8, {2}}, {"b", Dtype::u8, {2}}};
  const std::vector<std::byte> three(3);
  expect_error([&] { mgca::io::write_torch_archive(mgca::posix_files(), path, two, {}, [&](std::size_t i, auto& own) { return i == 0 ? filled(two[0], i, own) : std::span<const std::byte>(three); }); },
               {"'b'", "has 3 bytes, its shape needs 2"});
  CHECK(mgca::read_file(path) == before);
  CHECK(std::distance(std::filesystem::directory_iterator(scratch.path()), {}) == 1);
}
