// How the library reports progress without printing: named events with a few typed fields.
// The application decides what to show; an empty sink costs one branch.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace mgca {

struct Field {
  std::string_view name;
  std::variant<std::int64_t, double, std::string> value;
};

// Called from the thread that does the work; must not throw.
using EventSink = std::function<void(std::string_view event, std::span<const Field> fields)>;

inline void emit(const EventSink& sink, std::string_view event, std::initializer_list<Field> fields = {}) {
  if (sink) sink(event, std::span<const Field>(fields.begin(), fields.size()));
}

}  // namespace mgca
