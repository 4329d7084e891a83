// A torch file that is accepted gives every tensor in full, of bytes that are in the file; what is refused is refused by name.
#include "fuzz.hpp"

#include <mgca/io/torch_archive.hpp>

#include <cstring>
#include <map>
#include <utility>

using mgca::io::TorchArchive;
using mgca::test::demand;

namespace {

void put(std::vector<std::byte>& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::byte>(i < 8 ? value >> (8 * i) : 0));
}
// A zip archive whose headers tell the truth: the input is the pickle, the storages are 64 bytes each.
std::vector<std::byte> wrapped(std::span<const std::byte> pickle) {
  const std::vector<std::byte> storage(64, std::byte{1});
  const std::pair<std::string_view, std::span<const std::byte>> parts[] = {{"a/data.pkl", pickle}, {"a/data/0", storage}, {"a/data/1", storage}};
  std::vector<std::byte> out, directory;
  const auto text = [](std::vector<std::byte>& to, std::string_view s) {
    for (const char c : s) to.push_back(static_cast<std::byte>(c));
  };
  for (const auto& [name, data] : parts) {
    const auto at = out.size();
    const auto described = [&](std::vector<std::byte>& to) {
      put(to, 0, 8);
      put(to, mgca::io::detail::crc32<mgca::io::detail::kZipPolynomial>(data), 4);
      put(to, data.size(), 4);
      put(to, data.size(), 4);
      put(to, name.size(), 2);
      put(to, 0, 2);
    };
    put(out, 0x04034b50, 4);
    put(out, 20, 2);
    described(out);
    text(out, name);
    out.insert(out.end(), data.begin(), data.end());
    put(directory, 0x02014b50, 4);
    put(directory, 20, 2);
    put(directory, 20, 2);
    described(directory);
    put(directory, 0, 10);
    put(directory, at, 4);
    text(directory, name);
  }
  const auto begin = out.size();
  out.insert(out.end(), directory.begin(), directory.end());
  put(out, 0x06054b50, 4);
  put(out, 0, 4);
  put(out, 3, 2);
  put(out, 3, 2);
  put(out, directory.size(), 4);
  put(out, begin, 4);
  put(out, 0, 2);
  return out;
}

void check(std::vector<std::byte> bytes) {
  try {
    const auto size = bytes.size();
    const auto file = TorchArchive::parse(std::move(bytes), "fuzz", {.expanded_bytes = 1 << 20});
    std::vector<std::byte> scratch;
    for (std::size_t i = 0; i < file.tensors().size(); ++i) {
      const auto& tensor = file.tensors()[i];
      const auto expected = mgca::io::byte_count(tensor.dtype, tensor.shape);
      demand(expected && *expected <= std::max<std::size_t>(size, 1 << 20));
      const auto data = file.bytes(i, scratch);
      demand(data.size() == *expected);
      std::size_t sum = 0;
      for (const auto byte : data) sum += std::to_integer<std::size_t>(byte);  // every byte is there
      demand(sum <= 255 * data.size());
    }
  } catch (const mgca::Error& error) {
    demand(std::string_view(error.what()).starts_with("fuzz: "));
  }
}

}  // namespace

// A pickle is tried as such and within an archive; zip archives and older containers as they are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  check({bytes.begin(), bytes.end()});
  if (!mgca::io::detail::is_zip(bytes)) check(wrapped(bytes));
  return 0;
}
