// A file that is accepted covers its bytes exactly and is read again, equal, from what it says.
#include "fuzz.hpp"

#include <mgca/io/safetensors.hpp>

#include <algorithm>

using mgca::io::Safetensors;
using mgca::test::demand;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

// The header's length mostly fits what follows: the first '}' that ends as many braces as were opened.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 8 == 0 || size < 10) return size;
  int open = 0;
  std::size_t end = 8;
  do {
    open += data[end] == '{' ? 1 : data[end] == '}' ? -1 : 0;
  } while (++end < size && open > 0);
  for (std::size_t i = 0; i < 8; ++i) data[i] = static_cast<std::uint8_t>((end - 8) >> (8 * i));
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const auto file = Safetensors::parse({bytes.begin(), bytes.end()}, "fuzz");
    std::size_t covered = 0;
    for (const auto& tensor : file.tensors()) {
      covered += tensor.bytes.size();
      demand(file.find(tensor.name) == &tensor);
    }
    std::uint64_t header = 0;
    for (std::size_t i = 0; i < 8; ++i) header |= std::uint64_t{data[i]} << (8 * i);
    demand(8 + header + covered == size);
    const auto again = Safetensors::parse(mgca::io::serialize_safetensors(file.tensors(), file.metadata()), "again");
    demand(again.metadata() == file.metadata());
    demand(std::equal(file.tensors().begin(), file.tensors().end(), again.tensors().begin(), again.tensors().end(), [](const auto& a, const auto& b) {
      return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape && std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
    }));
  } catch (const mgca::Error& error) {
    demand(std::string_view(error.what()).starts_with("fuzz: "));
  }
  return 0;
}
