// What a pickle holds, as records in one list that refer to each other by index: nothing is built by recursion, and a
// container that holds itself is no danger.
#pragma once

#include <mgca/io/detail/pickle_globals.hpp>
#include <mgca/io/detail/zip_directory.hpp>  // ArchiveProblem

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::io::detail {

using ValueId = std::uint32_t;
inline constexpr ValueId kNoValue = 0;  // the first record is None

enum class ValueKind : std::uint8_t {
  none, boolean, integer, large_integer, real, text, bytes, tuple, list, dict, set, global, storage, tensor,
  object,  // of a class unknown here; items as in a dict, key None for what has no name
};

struct Value {
  ValueKind kind = ValueKind::none;
  ValueId attached = kNoValue;  // dict, object: what BUILD attached
  union {
    std::int64_t integer = 0;  // boolean, integer; global: its GlobalMeaning; storage, tensor: index into PickleValues
    double real;
  };
  std::string_view text{};       // text, bytes; large_integer: its digits; global and object: the full name
  std::vector<ValueId> items{};  // tuple, list, set: members; dict, object: key, value, key, value
};

struct StorageName {
  std::string_view key;
  std::optional<Dtype> dtype;  // nothing: counted in bytes
  std::uint64_t count = 0;  // elements
};

struct StridedTensor {
  std::uint32_t storage = 0;
  Dtype dtype = Dtype::f32;
  std::uint64_t offset = 0;                        // elements
  ValueId shape = kNoValue, strides = kNoValue;  // tuples of one length
};

struct PickleValues {
  std::vector<Value> all{Value{}};
  std::vector<GlobalMeaning> meanings;
  std::vector<StorageName> storages;
  std::vector<StridedTensor> tensors;
  std::deque<std::string> texts;  // full names and large integers, referred to by views
  std::size_t copied = 0;         // items of containers made from other containers
  ValueId root = kNoValue;

  ValueId add(Value value) {
    all.push_back(std::move(value));
    return static_cast<ValueId>(all.size() - 1);
  }
  [[nodiscard]] const Value& at(ValueId id) const { return all[id]; }
  [[nodiscard]] Value& at(ValueId id) { return all[id]; }
  [[nodiscard]] const GlobalMeaning& meaning(const Value& global) const { return meanings[static_cast<std::size_t>(global.integer)]; }
  [[nodiscard]] std::string_view hold(std::string text) { return texts.emplace_back(std::move(text)); }
};

}  // namespace mgca::io::detail
