// The part of Python's pickle language that torch writes, protocols 2 to 5, read into records. A program of that language
// can call anything it names; this reader calls nothing: see pickle_globals.hpp for what a name may be.
// Reference: Python 3.11, Lib/pickletools.py; torch/_weights_only_unpickler.py.
#pragma once

#include <mgca/core/utf8.hpp>
#include <mgca/io/detail/pickle_stack.hpp>
#include <mgca/io/detail/torch_objects.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace mgca::io::detail {

class PickleReader : PickleStack {
 public:
  // The bytes must outlive the values.
  PickleReader(std::span<const std::byte> bytes, const PickleLimits& limits)
      : PickleStack(limits), bytes_(bytes), objects_(values_, limits.values) {}

  // Reads to the STOP of the first pickle; `length` is then how long it was. Throws ArchiveProblem with the byte.
  PickleValues read(std::size_t& length) {
    try {
      while (step()) {
      }
    } catch (const ArchiveProblem& problem) {
      refuse_archive("pickle byte ", began_, ": ", problem.what());
    }
    length = at_;
    return std::move(values_);
  }

 private:
  [[nodiscard]] std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) refuse_archive("the pickle ends inside an instruction that wants ", count, " bytes more");
    const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + at_;
    at_ += count;
    return {begin, count};
  }
  [[nodiscard]] std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    std::memcpy(&value, take(bytes).data(), bytes);
    return value;
  }
  [[nodiscard]] std::string_view line() {
    const auto rest = std::string_view(reinterpret_cast<const char*>(bytes_.data()) + at_, bytes_.size() - at_);
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) refuse_archive("a name does not end");
    at_ += end + 1;
    return rest.substr(0, end);
  }

  void text(std::string_view bytes) {
    if (first_invalid_utf8(bytes) != bytes.size()) refuse_archive("text that is not UTF-8");
    push(Value{.kind = ValueKind::text, .text = bytes});
  }
  // A str of Python 2: text if it can be.
  void old_text(std::string_view bytes) {
    push(Value{.kind = first_invalid_utf8(bytes) == bytes.size() ? ValueKind::text : ValueKind::bytes, .text = bytes});
  }
  void integer(std::int64_t value) { push(Value{.kind = ValueKind::integer, .integer = value}); }
  void long_integer(std::string_view bytes) {
    if (bytes.size() > 8) return push(Value{.kind = ValueKind::large_integer, .text = values_.hold(decimal(bytes))});
    std::uint64_t value = !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
    std::memcpy(&value, bytes.data(), bytes.size());
    integer(static_cast<std::int64_t>(value));
  }
  // Digits of a two's complement number up to 128 bits; of a longer one only its length.
  [[nodiscard]] static std::string decimal(std::string_view bytes) {
    if (bytes.size() > 16) return "an integer of " + std::to_string(bytes.size()) + " bytes";
    const bool negative = (static_cast<unsigned char>(bytes.back()) & 0x80U) != 0;
    unsigned __int128 value = negative ? ~static_cast<unsigned __int128>(0) : 0;
    std::memcpy(&value, bytes.data(), bytes.size());
    if (negative) value = -value;
    std::string digits;
    for (; value != 0; value /= 10) digits += static_cast<char>('0' + static_cast<int>(value % 10));
    return (negative ? "-" : "") + std::string(digits.rbegin(), digits.rend());
  }

  void global(std::string_view module, std::string_view name) {
    if (module.size() + name.size() > 1000) refuse_archive("a name of ", module.size() + name.size(), " bytes");
    const auto full = values_.hold(std::string(module) + "." + std::string(name));
    if (first_invalid_utf8(full) != full.size()) refuse_archive("a name that is not UTF-8");
    const auto meaning = meaning_of(module, name, full);
    if (meaning.kind == GlobalKind::forbidden) {
      refuse_archive("the file names '", full,
                     "', which is not data but can run code or touch the system; nothing was run. Do not load it with "
                     "anything else either, ask its source for safetensors");
    }
    values_.meanings.push_back(meaning);
    push(Value{.kind = ValueKind::global, .integer = static_cast<std::int64_t>(values_.meanings.size() - 1), .text = full});
  }

  // One instruction; false at the end.
  bool step() {
    began_ = at_;
    if (at_ >= bytes_.size()) refuse_archive("the pickle has no end; the file was cut off");
    const auto code = static_cast<unsigned char>(take(1)[0]);
    check_size();
    switch (code) {
      case 0x80: return protocol();
      case 0x95: return frame(number(8)), true;
      case '.': return stop();
      case '(': return mark(), true;
      case '0': return marks_.empty() || stack_.size() > floor() ? (void)pop() : (void)pop_mark(), true;
      case '1': return (void)pop_mark(), true;
      case '2': return push(top()), true;
      case 'N': return push(kNoValue), true;
      case 0x88: return push(Value{.kind = ValueKind::boolean, .integer = 1}), true;
      case 0x89: return push(Value{.kind = ValueKind::boolean}), true;
      case 'J': return integer(static_cast<std::int32_t>(number(4))), true;
      case 'K': return integer(static_cast<std::int64_t>(number(1))), true;
      case 'M': return integer(static_cast<std::int64_t>(number(2))), true;
      case 0x8a: return long_integer(take(number(1))), true;
      case 0x8b: return long_integer(take(number(4))), true;
      case 'G': return push(Value{.kind = ValueKind::real, .real = std::bit_cast<double>(__builtin_bswap64(number(8)))}), true;
      case 'X': return text(take(number(4))), true;
      case 0x8c: return text(take(number(1))), true;
      case 0x8d: return text(take(number(8))), true;
      case 'T': return old_text(take(number(4))), true;
      case 'U': return old_text(take(number(1))), true;
      case 'B': return push(Value{.kind = ValueKind::bytes, .text = take(number(4))}), true;
      case 'C': return push(Value{.kind = ValueKind::bytes, .text = take(number(1))}), true;
      case 0x8e:
      case 0x96: return push(Value{.kind = ValueKind::bytes, .text = take(number(8))}), true;
      default: return container(code);
    }
  }

  bool container(unsigned char code) {
    switch (code) {
      case ')': return tuple(0), true;
      case 0x85: return tuple(1), true;
      case 0x86: return tuple(2), true;
      case 0x87: return tuple(3), true;
      case 't': return push(Value{.kind = ValueKind::tuple, .items = pop_mark()}), true;
      case ']': return push(Value{.kind = ValueKind::list}), true;
      case 'l': return push(Value{.kind = ValueKind::list, .items = pop_mark()}), true;
      case 0x8f: return push(Value{.kind = ValueKind::set}), true;
      case 0x91: return push(Value{.kind = ValueKind::set, .items = pop_mark()}), true;
      case '}': return push(Value{.kind = ValueKind::dict}), true;
      case 'd': {
        auto items = pop_mark();
        push(Value{.kind = ValueKind::dict});
        return set_items(items), true;
      }
      case 'a': {
        const auto item = pop();
        return append({item}, ValueKind::list), true;
      }
      case 'e': {
        const auto items = pop_mark();
        return append(items, ValueKind::list), true;
      }
      case 0x90: {
        const auto items = pop_mark();
        return append(items, ValueKind::set), true;
      }
      case 's': {
        const auto value = pop(), key = pop();
        return set_items({key, value}), true;
      }
      case 'u': {
        const auto items = pop_mark();
        return set_items(items), true;
      }
      case 'q': return remember(number(1)), true;
      case 'r': return remember(number(4)), true;
      case 0x94: return remember_next(), true;
      case 'h': return recall(number(1)), true;
      case 'j': return recall(number(4)), true;
      default: return name(code);
    }
  }

  bool name(unsigned char code) {
    switch (code) {
      case 'c':
      case 'i': {
        const auto module = line();
        const auto called = line();
        global(module, called);
        if (code == 'i') {
          refuse_archive("the instruction INST for '", values_.at(stack_.back()).text, "' is of protocol 0, which torch does not write");
        }
        return true;
      }
      case 0x93: {
        const auto called = pop(), module = pop();
        if (values_.at(called).kind != ValueKind::text || values_.at(module).kind != ValueKind::text) {
          refuse_archive("a name that is not text");
        }
        return global(values_.at(module).text, values_.at(called).text), true;
      }
      case 'R': {
        const auto arguments = pop(), callable = pop();
        return push(objects_.call(callable, arguments)), true;
      }
      case 0x81:
      case 0x92: {
        if (code == 0x92) (void)pop();  // keyword arguments of a class unknown here
        const auto arguments = pop(), type = pop();
        if (values_.at(arguments).kind != ValueKind::tuple) refuse_archive("a class without a tuple of arguments");
        return push(objects_.make(type, arguments)), true;
      }
      case 'b': {
        const auto state = pop();
        return objects_.build(top(), state), true;
      }
      case 'Q': return push(objects_.persistent(pop())), true;
      default: refuse_archive("the instruction ", static_cast<int>(code), " is not one that torch.save writes (protocols 2 to 5)");
    }
  }

  void frame(std::uint64_t length) const {
    if (length > bytes_.size() - at_) refuse_archive("a frame is longer than the pickle");
  }
  bool protocol() {
    const auto version = number(1);
    if (version < 2 || version > 5) refuse_archive("pickle protocol ", version, "; torch writes 2 to 5");
    if (began_ != 0) refuse_archive("a second protocol header");
    return true;
  }
  bool stop() {
    if (!marks_.empty()) refuse_archive("the pickle ends with an open mark");
    values_.root = pop();
    if (!stack_.empty()) refuse_archive("the pickle ends with ", stack_.size() + 1, " values, expected one");
    return false;
  }

  std::span<const std::byte> bytes_;
  TorchObjects objects_;
  std::size_t at_ = 0, began_ = 0;
};

}  // namespace mgca::io::detail
