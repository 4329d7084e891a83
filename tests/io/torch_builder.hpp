// Files as torch.save writes them, and as it never would: pickles from a short notation, zip archives whose headers lie, the
// older container.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::test {

std::string le(std::uint64_t value, int bytes);
std::vector<std::byte> to_bytes(const std::string& text);
std::uint32_t crc_of(const std::string& text);

// The instructions of a pickle, between spaces:
//   'text'  a text              7, -3  integers          torch.nn:Module  a name
//   #88ff   bytes as they are   else   instructions by their letter: }( u tR
//   $4:LongStorage:1  storage '1' of 4 elements; FloatStorage and '0' if left out
//   @4:LongStorage:1@0@2,2@2,1  a tensor: storage, offset, shape, strides
//   four    @4@0@2,2@2,1        odict  an empty OrderedDict
std::string assemble(std::string_view notation);
// With a header of protocol 2 and a STOP.
std::string pickle(std::string_view notation);

// What a header says instead of the truth.
struct ZipLie {
  std::optional<std::uint64_t> signature, flags, method, crc, stored, plain, offset, name_length, extra_length;
  std::optional<std::string> name, extra;
};
struct ZipPart {
  std::string name, data;
  ZipLie local{}, central{};
  std::string behind{};  // after the data
  bool listed = true;
};
struct ZipEnd {
  std::optional<std::uint64_t> disk, here, total, size, offset, comment_length;
  std::string comment{}, before_directory{}, after_directory{};
  std::string directory_tail{};  // counted as part of the directory
};
std::string zip(const std::vector<ZipPart>& parts, const ZipEnd& lie = {});
// 'a/data.pkl' and 'a/data/0', 'a/data/1', ...
std::vector<ZipPart> parts(const std::string& pickle, const std::vector<std::string>& storages);
std::string archive(const std::string& pickle, const std::vector<std::string>& storages = {std::string(16, '\1')});

struct LegacyParts {
  std::string magic, protocol, machine, keys, storages;
  LegacyParts();  // of one storage of four floats
};
std::string legacy(const std::string& object, const LegacyParts& parts = {});

// Floats 0, 1, ..., n - 1.
std::string counting(int n);

}  // namespace mgca::test
