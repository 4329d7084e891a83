// Configuration records: one list of fields drives reading, writing, overrides, help tables, diffs and hashes.
//
//   struct VitConfig {
//     int64_t depth = 12;  // transformer blocks
//     static void describe(auto& self, auto&& field) { field("depth", self.depth, "transformer blocks"); }
//     void validate() const;  // optional; called after reading
//   };
//
// Reading is strict: unknown keys, wrong types and out-of-range integers are errors, all reported at once, each with
// its path. A key that is absent keeps its default. This is the one header that includes the full JSON library.
#pragma once

#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/nearest.hpp>
#include <mgca/core/utf8.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mgca {

using Json = nlohmann::ordered_json;

namespace detail {
struct AnyField {
  void operator()(const char* /*name*/, auto& /*member*/, const char* /*help*/) {}
};
}  // namespace detail

template <class T>
concept Described = requires(T& record, detail::AnyField field) { T::describe(record, field); };

namespace detail {

template <class T> inline constexpr bool is_vector = false;
template <class T> inline constexpr bool is_vector<std::vector<T>> = true;
template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;
template <class T> inline constexpr bool is_string_map = false;
template <class T> inline constexpr bool is_string_map<std::map<std::string, T>> = true;

template <class T>
std::string type_name() {
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  else if constexpr (NamedEnum<T>) {
    std::string names;
    for (const auto name : names_of(T{})) names += (names.empty() ? "" : " | ") + std::string(name);
    return names;
  } else if constexpr (std::is_integral_v<T>) return "integer";
  else if constexpr (std::is_floating_point_v<T>) return "number";
  else if constexpr (is_vector<T>) return "list of " + type_name<typename T::value_type>();
  else if constexpr (is_optional<T>) return type_name<typename T::value_type>() + " or null";
  else if constexpr (std::is_same_v<T, Json>) return "any value";
  else if constexpr (Described<T> || is_string_map<T>) return "object";
  else return "string";
}

template <class T>
Json to_json(const T& value) {
  if constexpr (Described<T>) {
    Json object = Json::object();
    T::describe(value, [&](const char* name, const auto& member, const char*) { object[name] = to_json(member); });
    return object;
  } else if constexpr (NamedEnum<T>) {
    return std::string(to_string(value));
  } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
    return value.string();
  } else if constexpr (is_optional<T>) {
    return value ? to_json(*value) : Json(nullptr);
  } else if constexpr (is_vector<T>) {
    Json list = Json::array();
    for (const auto& item : value) list.push_back(to_json(static_cast<const typename T::value_type&>(item)));
    return list;
  } else if constexpr (is_string_map<T>) {
    Json object = Json::object();
    for (const auto& [name, item] : value) object[name] = to_json(item);
    return object;
  } else {
    return value;
  }
}

inline std::string dump(const Json& json, int indent = -1) {
  try {
    return json.dump(indent);
  } catch (const Json::type_error&) {
    fail(ErrorKind::config, "config: a text or path holds bytes that are not UTF-8, which JSON cannot hold; rename it");
  }
}

template <class T>
std::vector<std::string> keys_of() {
  std::vector<std::string> keys;
  T probe{};
  T::describe(probe, [&](const char* name, auto&, const char*) { keys.emplace_back(name); });
  return keys;
}

// Reads JSON into records and collects what is wrong instead of stopping at the first problem.
class JsonReader {
 public:
  std::vector<std::string> problems;

  template <class T>
  void read(const Json& json, T& value, const std::string& path) {
    if constexpr (std::is_same_v<T, Json>) {
      value = json;  // for records of which a part is not known
    } else if constexpr (Described<T>) {
      read_record(json, value, path);
    } else if constexpr (is_optional<T>) {
      if (json.is_null()) return value.reset();
      read(json, value.emplace(), path);
    } else if constexpr (is_vector<T>) {
      if (!json.is_array()) return mismatch<T>(json, path);
      value.clear();
      for (std::size_t i = 0; i < json.size(); ++i) {
        typename T::value_type item{};
        read(json[i], item, path + "/" + std::to_string(i));
        value.push_back(std::move(item));
      }
    } else if constexpr (is_string_map<T>) {
      if (!json.is_object()) return mismatch<T>(json, path);
      value.clear();
      for (const auto& [name, item] : json.items()) read(item, value[name], path + "/" + name);
    } else {
      read_scalar(json, value, path);
    }
  }

 private:
  template <class T>
  void read_record(const Json& json, T& value, const std::string& path) {
    if (!json.is_object()) return mismatch<T>(json, path);
    const auto known = keys_of<T>();
    for (const auto& [name, item] : json.items()) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        problems.push_back(path + "/" + name + ": unknown key" + nearest_hint(name, known));
      }
    }
    T::describe(value, [&](const char* name, auto& member, const char*) {
      if (const auto it = json.find(name); it != json.end()) read(*it, member, path + "/" + name);
    });
  }

  template <class T>
  void read_scalar(const Json& json, T& value, const std::string& path) {
    if constexpr (std::is_same_v<T, bool>) {
      if (!json.is_boolean()) return mismatch<T>(json, path);
      value = json.get<bool>();
    } else if constexpr (NamedEnum<T>) {
      if (!json.is_string()) return mismatch<T>(json, path);
      try {
        value = parse_enum<T>(json.get_ref<const std::string&>());
      } catch (const Error& error) {
        problems.push_back(path + ": " + error.what());
      }
    } else if constexpr (std::is_integral_v<T>) {
      if (!json.is_number_integer()) return mismatch<T>(json, path);
      const bool fits = json.is_number_unsigned() ? std::in_range<T>(json.get<std::uint64_t>())
                                                  : std::in_range<T>(json.get<std::int64_t>());
      if (!fits) return problems.push_back(path + ": " + json.dump() + " is out of range");
      value = json.get<T>();
    } else if constexpr (std::is_floating_point_v<T>) {
      if (!json.is_number()) return mismatch<T>(json, path);
      value = json.get<T>();
    } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
      if (!json.is_string()) return mismatch<T>(json, path);
      value = json.get<std::string>();
    } else {
      static_assert(std::is_same_v<T, std::string>, "config: this member type cannot be read");
      if (!json.is_string()) return mismatch<T>(json, path);
      value = json.get<std::string>();
    }
  }

  template <class T>
  void mismatch(const Json& json, const std::string& path) {
    problems.push_back((path.empty() ? "/" : path) + ": expected " + type_name<T>() + ", got " + json.type_name());
  }
};

inline void throw_problems(std::string_view source, const std::vector<std::string>& problems) {
  if (problems.empty()) return;
  std::string text(source);
  if (problems.size() > 1) text += ": " + std::to_string(problems.size()) + " problems";
  for (const auto& problem : problems) text += (problems.size() > 1 ? "\n  " : ": ") + problem;
  throw Error(ErrorKind::config, text);
}

template <class T>
void validate_if_possible(const T& value, std::string_view source) {
  if constexpr (requires { value.validate(); }) {
    try {
      value.validate();
    } catch (const Error& error) {
      fail(ErrorKind::config, source, ": ", error.what());
    }
  }
}

inline Json parse_json(std::string_view text, std::string_view source) {
  std::vector<std::map<std::string, bool>> open;  // keys seen in each object being read
  std::string repeated;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().try_emplace(parsed.get<std::string>(), true).second &&
        repeated.empty()) {
      repeated = parsed.get<std::string>();
    }
    return true;
  };
  try {
    auto json = Json::parse(text, watch);
    if (!repeated.empty()) fail(ErrorKind::config, source, ": key '", repeated, "' appears twice in one object");
    return json;
  } catch (const Json::parse_error& error) {
    const auto until = text.substr(0, std::min(text.size(), error.byte));
    const auto line = 1 + std::count(until.begin(), until.end(), '\n');
    fail(ErrorKind::config, source, ": not valid JSON at line ", line, ", byte ", error.byte,
         "; expected one JSON value in UTF-8");
  } catch (const Json::out_of_range&) {
    fail(ErrorKind::config, source, ": a number is too large for 64 bits; expected one that a double can hold");
  }
}

}  // namespace detail

// The record as JSON text, fields in the order of `describe`. Throws Error(config) for text that is not UTF-8, which JSON
// cannot hold.
template <Described T>
[[nodiscard]] std::string to_json_text(const T& record, int indent = 2) {
  return detail::dump(detail::to_json(record), indent);
}

// Reads a record over `defaults`. `source` names the text in errors, a file name for example.
// Throws Error(config) listing every unknown key, wrong type and failed validation with its path.
template <Described T>
[[nodiscard]] T from_json_text(std::string_view text, std::string_view source, T defaults = {}) {
  detail::JsonReader reader;
  reader.read(detail::parse_json(text, source), defaults, "");
  detail::throw_problems(source, reader.problems);
  detail::validate_if_possible(defaults, source);
  return defaults;
}

// Applies overrides such as "image.depth=6". The value is read as JSON where it parses, else as a string.
// Validation runs once, after the last one. Throws Error(config).
template <Described T>
void apply_overrides(T& record, const std::vector<std::string>& overrides) {
  Json whole = detail::to_json(record);
  for (const auto& text : overrides) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      fail(ErrorKind::config, "override '", text, "': expected key=value, as in image.depth=6");
    }
    if (const auto bad = first_invalid_utf8(text); bad < text.size()) {
      fail(ErrorKind::config, "override '", text.substr(0, std::min(bad, equals)), "...': byte ", bad, " is not UTF-8");
    }
    Json* place = &whole;
    for (std::size_t from = 0; from <= equals;) {
      const auto dot = std::min(text.find('.', from), equals);
      const auto key = text.substr(from, dot - from);
      if (!place->is_object()) place = &(*place = Json::object());
      place = &(*place)[key];
      from = dot + 1;
    }
    const auto value = text.substr(equals + 1);
    *place = Json::accept(value) ? Json::parse(value) : Json(value);
  }
  detail::JsonReader reader;
  T changed = record;
  reader.read(whole, changed, "");
  detail::throw_problems("overrides", reader.problems);
  detail::validate_if_possible(changed, "overrides");
  record = std::move(changed);
}

struct OptionRow {
  std::string path;     // "image.depth"
  std::string type;     // "integer", "official | fixed", ...
  std::string value;    // as JSON
  std::string help;
};

// One row per scalar field, nested records flattened: the source of help texts and documentation tables.
template <Described T>
[[nodiscard]] std::vector<OptionRow> option_table(const T& record, const std::string& prefix = "") {
  std::vector<OptionRow> rows;
  T::describe(record, [&](const char* name, const auto& member, const char* help) {
    using Member = std::remove_cvref_t<decltype(member)>;
    if constexpr (Described<Member>) {
      for (auto& row : option_table(member, prefix + name + ".")) rows.push_back(std::move(row));
    } else {
      rows.push_back({prefix + name, detail::type_name<Member>(), detail::dump(detail::to_json(member)), help});
    }
  });
  return rows;
}

struct Difference {
  std::string path;
  std::string left;   // as JSON
  std::string right;
};

// The fields in which two records differ.
template <Described T>
[[nodiscard]] std::vector<Difference> differences(const T& left, const T& right) {
  const auto a = option_table(left);
  const auto b = option_table(right);
  std::vector<Difference> found;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].value != b[i].value) found.push_back({a[i].path, a[i].value, b[i].value});
  }
  return found;
}

// FNV-1a of the compact JSON: equal for equal records on every machine.
template <Described T>
[[nodiscard]] std::uint64_t config_hash(const T& record) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const unsigned char c : to_json_text(record, -1)) hash = (hash ^ c) * 0x100000001B3ULL;
  return hash;
}

}  // namespace mgca
