// Every field of a configuration is listed: the language does not notice one that is forgotten.
#pragma once

#include "catch.hpp"

#include <mgca/core/config.hpp>

#include <cstddef>

namespace mgca::test {

namespace detail {

template <class T>
void alter(T& value) {
  if constexpr (std::is_same_v<T, bool>) value = !value;
  else if constexpr (NamedEnum<T>) value = parse_enum<T>(names_of(T{})[value == T{} ? 1 : 0]);
  else if constexpr (std::is_integral_v<T>) value += 1;
  else if constexpr (std::is_floating_point_v<T>) value += T(0.5);
  else if constexpr (mgca::detail::is_optional<T>) value ? value.reset() : void(value.emplace());
  else if constexpr (mgca::detail::is_vector<T>) value.emplace_back();
  else value += "x";
}

// Alters the n-th field, nested records flattened; what is left of n tells whether there was one.
template <Described T>
void alter_nth(T& record, int& n) {
  T::describe(record, [&](const char*, auto& member, const char*) {
    if constexpr (Described<std::remove_cvref_t<decltype(member)>>) alter_nth(member, n);
    else if (n-- == 0) alter(member);
  });
}

}  // namespace detail

// Changing any one described field changes exactly that entry of the dump; the record survives JSON. `size` is the
// record's sizeof: a new member changes it, so that somebody looks whether `describe` lists it.
template <Described T>
void expect_described(std::size_t size, const T& record = {}) {
  CHECK(sizeof(T) == size);
  const auto rows = option_table(record);
  for (int i = 0; i < static_cast<int>(rows.size()); ++i) {
    INFO(rows[static_cast<std::size_t>(i)].path);
    auto changed = record;
    int n = i;
    detail::alter_nth(changed, n);
    const auto found = differences(record, changed);
    REQUIRE(found.size() == 1);
    CHECK(found[0].path == rows[static_cast<std::size_t>(i)].path);
    CHECK(to_json_text(record) != to_json_text(changed));
    CHECK_FALSE(rows[static_cast<std::size_t>(i)].help.empty());
  }
  CHECK(to_json_text(from_json_text<T>(to_json_text(record), "config")) == to_json_text(record));
}

}  // namespace mgca::test
