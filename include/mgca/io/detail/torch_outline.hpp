// The tensors of a pickle under the dotted paths of the containers they stand in, and the plain values beside them.
#pragma once

#include <mgca/io/detail/pickle_value.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::io {

// An object of a class that is unknown here: it was not made, its plain attributes are in the metadata.
struct SkippedObject {
  std::string path;
  std::string type;
  std::size_t tensors = 0;  // that stand in it and are not read
};

}  // namespace mgca::io

namespace mgca::io::detail {

struct OutlineLimits {
  std::size_t tensors;
  std::size_t visits;
  std::size_t text = std::size_t{128} << 20;  // bytes of all names and values
  std::size_t depth = 100;
};

class TorchOutline {
 public:
  struct Named {
    std::string name;
    std::uint32_t tensor = 0;
  };
  std::vector<Named> tensors;
  std::map<std::string, std::string> metadata;
  std::vector<SkippedObject> skipped;

  TorchOutline(const PickleValues& values, const OutlineLimits& limits) : values_(values), limits_(limits), open_(values.all.size()) {
    enter(values.root, {});
    while (!frames_.empty()) step();
    attached_metadata();
    std::erase_if(skipped, [](const auto& object) { return object.tensors == 0 && (object.type == kSet || object.type == kKey); });
  }

 private:
  static constexpr std::string_view kSet = "set", kKey = "a key that is neither text nor number";
  static constexpr std::size_t kVisible = static_cast<std::size_t>(-1);

  // How a value is met: inside which skipped object, and whether the path names it.
  struct Manner {
    std::size_t inside = kVisible;
    bool named = true;
  };
  struct Frame {
    ValueId id = kNoValue;
    Manner manner;
    std::size_t next = 0;         // the member or key that comes next
    std::size_t path_length = 0;  // of the container itself
    bool attached_done = false;
  };

  void spend(std::size_t bytes) {
    if (++visits_ > limits_.visits) {
      refuse_archive("more than ", limits_.visits, " values are reached from the root, some of them by many ways");
    }
    spent_ += bytes;
    if (spent_ > limits_.text) refuse_archive("the names and values below the root take more than ", limits_.text, " bytes");
  }

  void enter(ValueId id, Manner manner) {
    const auto& value = values_.at(id);
    spend(manner.named ? path_.size() : 0);
    switch (value.kind) {
      case ValueKind::tensor:
        if (manner.inside != kVisible) {
          ++skipped[manner.inside].tensors;
        } else {
          if (tensors.size() == limits_.tensors) refuse_archive("more than ", limits_.tensors, " tensors");
          tensors.push_back({path_.empty() ? "tensor" : path_, static_cast<std::uint32_t>(value.integer)});
        }
        return;
      case ValueKind::storage:  // of a quantised tensor, for one
        if (manner.inside != kVisible) ++skipped[manner.inside].tensors;
        return;
      case ValueKind::tuple:
      case ValueKind::list:
      case ValueKind::dict: return open(id, manner);
      case ValueKind::set:
      case ValueKind::object:
        if (manner.inside == kVisible) {
          manner.inside = skipped.size();
          skipped.push_back({path_, std::string(value.kind == ValueKind::set ? kSet : value.text)});
        }
        if (value.kind == ValueKind::set) manner.named = false;
        return open(id, manner);
      default:
        if (manner.named) scalar(value);
    }
  }

  void open(ValueId id, Manner manner) {
    if (open_[id]) {
      if (manner.inside != kVisible) return;
      refuse_archive("'", path_, "' holds itself");
    }
    if (frames_.size() == limits_.depth) refuse_archive("'", path_.substr(0, 200), "' is more than ", limits_.depth, " containers deep");
    open_[id] = true;
    frames_.push_back({.id = id, .manner = manner, .path_length = path_.size()});
  }

  void step() {
    auto& frame = frames_.back();
    path_.resize(frame.path_length);
    const auto& value = values_.at(frame.id);
    const bool keyed = value.kind == ValueKind::dict || value.kind == ValueKind::object;
    if (frame.next < value.items.size()) {
      auto manner = frame.manner;
      const auto at = frame.next;
      frame.next += keyed ? 2 : 1;
      if (!keyed) {
        extend(std::to_string(at));
        return enter(value.items[at], manner);
      }
      if (!extend_by_key(values_.at(value.items[at]), manner)) manner.named = false;
      return enter(value.items[at + 1], manner);
    }
    if (value.kind == ValueKind::object && !frame.attached_done) {
      frame.attached_done = true;
      const auto kind = values_.at(value.attached).kind;
      if (kind == ValueKind::none) return;
      auto manner = frame.manner;
      manner.named = manner.named && kind == ValueKind::dict;
      return enter(value.attached, manner);
    }
    open_[frame.id] = false;
    frames_.pop_back();
  }

  void extend(std::string_view part) {
    if (!path_.empty()) path_ += '.';
    path_ += part;
  }
  // False where the key cannot be part of a name; what stands there is then hidden.
  bool extend_by_key(const Value& key, Manner& manner) {
    switch (key.kind) {
      case ValueKind::text:
      case ValueKind::global:
      case ValueKind::large_integer: return extend(key.text), true;
      case ValueKind::integer: return extend(std::to_string(key.integer)), true;
      case ValueKind::boolean: return extend(key.integer != 0 ? "true" : "false"), true;
      default:
        if (manner.inside == kVisible) {
          manner.inside = skipped.size();
          skipped.push_back({path_, std::string(kKey)});
        }
        return false;
    }
  }

  void scalar(const Value& value) {
    std::string text;
    switch (value.kind) {
      case ValueKind::none: text = "null"; break;
      case ValueKind::boolean: text = value.integer != 0 ? "true" : "false"; break;
      case ValueKind::integer: text = std::to_string(value.integer); break;
      case ValueKind::real: {
        char digits[32];
        text.assign(digits, std::to_chars(digits, digits + sizeof(digits), value.real).ptr);
        break;
      }
      case ValueKind::text:
      case ValueKind::global:
      case ValueKind::large_integer: text = value.text; break;
      default: return;
    }
    spend(text.size());
    metadata.insert_or_assign(path_, std::move(text));
  }

  // Text that our writer hangs on the outer dict.
  void attached_metadata() {
    const auto& root = values_.at(values_.root);
    if (root.kind != ValueKind::dict) return;
    const auto& attributes = values_.at(root.attached).items;
    for (std::size_t i = 0; i + 1 < attributes.size(); i += 2) {
      const auto& held = values_.at(attributes[i + 1]);
      if (values_.at(attributes[i]).text != "metadata" || held.kind != ValueKind::dict) continue;
      for (std::size_t j = 0; j + 1 < held.items.size(); j += 2) {
        const auto &key = values_.at(held.items[j]), &text = values_.at(held.items[j + 1]);
        if (key.kind != ValueKind::text || text.kind != ValueKind::text) continue;
        spend(key.text.size() + text.text.size());
        metadata.insert_or_assign(std::string(key.text), std::string(text.text));
      }
    }
  }

  const PickleValues& values_;
  OutlineLimits limits_;
  std::string path_;
  std::vector<Frame> frames_;
  std::vector<bool> open_;
  std::size_t visits_ = 0, spent_ = 0;
};

}  // namespace mgca::io::detail
