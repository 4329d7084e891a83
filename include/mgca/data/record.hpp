// What a study is: a radiograph, its report, whose it is, and what is known about it.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/image/rle.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgca {

// A label nobody decided: neither present nor absent.
inline constexpr float kUnknownLabel = std::numeric_limits<float>::quiet_NaN();

// How the rays went through the patient, in the words of DICOM's View Position; ll is a lateral from the left.
enum class View : std::uint8_t { unknown, pa, ap, lateral, ll };
constexpr auto names_of(View) { return std::to_array<std::string_view>({"unknown", "pa", "ap", "lateral", "ll"}); }

enum class Sex : std::uint8_t { unknown, female, male, other };
constexpr auto names_of(Sex) { return std::to_array<std::string_view>({"unknown", "female", "male", "other"}); }

struct LabelledBox {
  std::string label;
  Box box;  // pixels of the image file
  friend bool operator==(const LabelledBox&, const LabelledBox&) = default;
};

struct Study {
  std::int64_t row = 0;         // where it stands in its table, counted from 1: how messages name it
  std::filesystem::path image;  // empty for studies that are made, not read
  std::string report;           // never shown in messages
  std::string patient;          // never shown in messages
  std::string split;            // "train", "valid", "test", or empty
  View view = View::unknown;
  std::optional<double> age;    // years
  Sex sex = Sex::unknown;
  std::vector<float> labels;    // in the data set's order: 1 present, 0 absent, NaN unknown
  std::vector<LabelledBox> boxes;
  std::optional<RunLengthMask> mask;  // nothing: not known; no runs: known to be empty
  std::optional<RunLengthMask> undecided;  // pixels of the mask nobody decided, whatever the mask says there; nothing: none
  int percent = 0;              // the smallest of the training subsets of 1, 10 and 100 % it belongs to; 0: none is known
};

namespace detail {
inline std::string lower_trimmed(std::string_view text) {
  std::string word;
  for (const char c : text) word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto first = word.find_first_not_of(" \t");
  return first == std::string::npos ? std::string() : word.substr(first, word.find_last_not_of(" \t") - first + 1);
}
}  // namespace detail

// A table's cell: PA, AP, LATERAL or LL in any case; blank is unknown. Nothing for anything else.
[[nodiscard]] inline std::optional<View> view_of(std::string_view cell) {
  const auto word = detail::lower_trimmed(cell);
  if (word.empty()) return View::unknown;
  for (std::size_t i = 0; i < names_of(View{}).size(); ++i) {
    if (word == names_of(View{})[i]) return static_cast<View>(i);
  }
  return std::nullopt;
}

// A table's cell: F, M, O or the whole word in any case; blank is unknown. Nothing for anything else.
[[nodiscard]] inline std::optional<Sex> sex_of(std::string_view cell) {
  const auto word = detail::lower_trimmed(cell);
  if (word.empty()) return Sex::unknown;
  for (std::size_t i = 0; i < names_of(Sex{}).size(); ++i) {
    const auto name = names_of(Sex{})[i];
    if (word == name || (word.size() == 1 && word[0] == name[0])) return static_cast<Sex>(i);
  }
  return std::nullopt;
}

}  // namespace mgca
