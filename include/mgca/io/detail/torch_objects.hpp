// What the few calls mean that describe tensors in a pickle by torch: they are read as records, not made.
// Reference: torch/_utils.py (_rebuild_*), torch/serialization.py (persistent_id).
#pragma once

#include <mgca/io/detail/pickle_value.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace mgca::io::detail {

class TorchObjects {
 public:
  TorchObjects(PickleValues& values, std::size_t limit) : values_(values), limit_(limit) {}

  // callable(*arguments). Throws ArchiveProblem.
  ValueId call(ValueId callable, ValueId arguments) {
    if (values_.at(callable).kind != ValueKind::global) refuse_archive("something that is not a name is called");
    if (values_.at(arguments).kind != ValueKind::tuple) refuse_archive("a call without a tuple of arguments");
    const std::span<const ValueId> arguments_of(values_.at(arguments).items);  // stays where it is when values are added
    const auto& meaning = values_.meaning(values_.at(callable));
    switch (meaning.kind) {
      case GlobalKind::dict: return dict(callable, arguments_of);
      case GlobalKind::tensor:
      case GlobalKind::untyped_tensor: return tensor(meaning.kind, callable, arguments);
      case GlobalKind::parameter:
      case GlobalKind::tensor_class:
        if (arguments_of.empty()) refuse_archive("'", values_.at(callable).text, "' without a tensor");
        return arguments_of.front();
      case GlobalKind::from_type: return from_type(callable, arguments_of);
      case GlobalKind::shape:
        if (arguments_of.size() != 1 || values_.at(arguments_of[0]).kind != ValueKind::tuple) {
          refuse_archive("a shape without a tuple of sides");
        }
        return arguments_of.front();
      case GlobalKind::reconstructor:
        if (!arguments_of.empty() && values_.at(arguments_of[0]).kind == ValueKind::global) return make(arguments_of[0], arguments);
        return object(callable, arguments);
      default: return object(callable, arguments);
    }
  }

  // class(*arguments), as NEWOBJ says it.
  ValueId make(ValueId type, ValueId arguments) {
    if (values_.at(type).kind != ValueKind::global) refuse_archive("an object whose class is not a name");
    if (values_.meaning(values_.at(type)).kind == GlobalKind::dict) return values_.add({.kind = ValueKind::dict});
    return object(type, arguments);
  }

  // ('storage', type, key, device, count) or, before 1.6, that with a view at the end.
  ValueId persistent(ValueId id) {
    const auto& tuple = values_.at(id);
    if (tuple.kind != ValueKind::tuple || tuple.items.empty() || values_.at(tuple.items[0]).kind != ValueKind::text) {
      refuse_archive("a reference that is not to a storage");
    }
    const auto& items = tuple.items;
    const auto what = values_.at(items[0]).text;
    if (what == "module" && items.size() == 4 && values_.at(items[1]).kind == ValueKind::global) return items[1];
    if (what != "storage" || items.size() < 5 || items.size() > 6) refuse_archive("a reference that is not to a storage");
    const auto& type = values_.at(items[1]);
    const auto& key = values_.at(items[2]);
    const auto& count = values_.at(items[4]);
    if (type.kind != ValueKind::global || key.kind != ValueKind::text || values_.at(items[3]).kind != ValueKind::text) {
      refuse_archive("a reference to a storage without type, key or device");
    }
    if (values_.meaning(type).kind != GlobalKind::storage) {
      refuse_archive("the storage '", key.text, "' has the type '", type.text, "', which is none of torch's");
    }
    if (count.kind != ValueKind::integer || count.integer < 0) refuse_archive("the storage '", key.text, "' has no number of elements");
    if (items.size() == 6 && values_.at(items[5]).kind != ValueKind::none) {
      refuse_archive("the storage '", key.text,
                     "' is a view of another, as PyTorch before 0.4 wrote; load it with Python and save it again");
    }
    values_.storages.push_back({.key = key.text, .dtype = values_.meaning(type).dtype, .count = static_cast<std::uint64_t>(count.integer)});
    return values_.add({.kind = ValueKind::storage, .integer = static_cast<std::int64_t>(values_.storages.size() - 1)});
  }

  // What BUILD does: a dict keeps the attributes beside its items, an object of an unknown class too.
  void build(ValueId target, ValueId state) {
    auto& value = values_.at(target);
    if (value.kind != ValueKind::dict && value.kind != ValueKind::object) {
      refuse_archive("a state for something that is neither dict nor object");
    }
    value.attached = state;
  }

 private:
  ValueId object(ValueId type, ValueId arguments) {
    Value made{.kind = ValueKind::object, .text = values_.at(type).text};
    if (!values_.at(arguments).items.empty()) made.items = {kNoValue, arguments};
    return values_.add(std::move(made));
  }

  ValueId dict(ValueId callable, std::span<const ValueId> arguments) {
    Value made{.kind = ValueKind::dict};
    if (arguments.size() == 1 && (values_.at(arguments[0]).kind == ValueKind::list || values_.at(arguments[0]).kind == ValueKind::tuple)) {
      for (const auto pair : values_.at(arguments[0]).items) {
        const auto& items = values_.at(pair).items;
        if (items.size() != 2 || values_.at(pair).kind == ValueKind::dict) {
          refuse_archive("'", values_.at(callable).text, "' of something that is not pairs");
        }
        made.items.insert(made.items.end(), items.begin(), items.end());
      }
    } else if (arguments.size() == 1 && values_.at(arguments[0]).kind == ValueKind::dict) {
      made.items = values_.at(arguments[0]).items;
    } else if (arguments.size() == 1 && values_.at(arguments[0]).kind != ValueKind::global &&
               values_.at(arguments[0]).kind != ValueKind::none) {
      refuse_archive("'", values_.at(callable).text, "' of something that is not pairs");
    } else if (arguments.size() > 1) {
      refuse_archive("'", values_.at(callable).text, "' with ", arguments.size(), " arguments");
    }
    values_.copied += made.items.size();
    if (values_.copied > limit_) refuse_archive("more than ", limit_, " items copied from one container to another");
    return values_.add(std::move(made));
  }

  // (storage, offset, shape, strides[, requires_grad, hooks[, dtype][, metadata]])
  ValueId tensor(GlobalKind kind, ValueId callable, ValueId arguments_id) {
    const std::span<const ValueId> arguments(values_.at(arguments_id).items);
    const bool untyped = kind == GlobalKind::untyped_tensor;
    if (arguments.size() < (untyped ? 7U : 4U) || arguments.size() > 8) {
      refuse_archive("'", values_.at(callable).text, "' with ", arguments.size(), " arguments");
    }
    const auto& storage = values_.at(arguments[0]);
    const auto& offset = values_.at(arguments[1]);
    if (storage.kind != ValueKind::storage) refuse_archive("a tensor whose storage is not one");
    if (offset.kind != ValueKind::integer || offset.integer < 0) refuse_archive("a tensor without an offset in its storage");
    const auto& in = values_.storages[static_cast<std::size_t>(storage.integer)];
    auto dtype = in.dtype;
    if (untyped) {
      const auto& type = values_.at(arguments[6]);
      if (type.kind != ValueKind::global || values_.meaning(type).kind != GlobalKind::element_type) {
        refuse_archive("a tensor of an unknown element type");
      }
      dtype = values_.meaning(type).dtype;
    }
    if (!dtype) refuse_archive("a tensor in the storage '", in.key, "' without an element type");
    const std::size_t plain = untyped ? 7 : 6;
    if (arguments.size() > plain && !values_.at(arguments[plain]).items.empty()) {  // conjugated or negated on reading
      return object(callable, arguments_id);
    }
    const auto& shape = values_.at(arguments[2]);
    const auto& strides = values_.at(arguments[3]);
    if (shape.kind != ValueKind::tuple || strides.kind != ValueKind::tuple) refuse_archive("a tensor whose shape or strides are no tuple");
    if (shape.items.size() != strides.items.size()) {
      refuse_archive("a tensor with ", shape.items.size(), " sides and ", strides.items.size(), " strides");
    }
    values_.tensors.push_back({.storage = static_cast<std::uint32_t>(storage.integer), .dtype = *dtype,
                               .offset = static_cast<std::uint64_t>(offset.integer), .shape = arguments[2], .strides = arguments[3]});
    return values_.add({.kind = ValueKind::tensor, .integer = static_cast<std::int64_t>(values_.tensors.size() - 1)});
  }

  // (function, class, arguments, attributes): a tensor if the class is torch's own.
  ValueId from_type(ValueId callable, std::span<const ValueId> arguments) {
    if (arguments.size() != 4 || values_.at(arguments[0]).kind != ValueKind::global || values_.at(arguments[1]).kind != ValueKind::global ||
        values_.at(arguments[2]).kind != ValueKind::tuple) {
      refuse_archive("'", values_.at(callable).text, "' without function, class and arguments");
    }
    const auto how = values_.meaning(values_.at(arguments[0])).kind;
    const auto type = values_.meaning(values_.at(arguments[1])).kind;
    const bool plain = how == GlobalKind::tensor || how == GlobalKind::untyped_tensor || how == GlobalKind::parameter;
    if (plain && type == GlobalKind::tensor_class) return call(arguments[0], arguments[2]);
    return object(arguments[1], arguments[2]);
  }

  PickleValues& values_;
  std::size_t limit_;
};

}  // namespace mgca::io::detail
