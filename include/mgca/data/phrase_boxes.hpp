// Phrases of reports with the boxes of what they describe, as MS-CXR publishes them: a CSV table or a JSON file in COCO's form.
// Source: MS-CXR 0.1, https://physionet.org/content/ms-cxr/.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/config.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/data/detail/study_cells.hpp>
#include <mgca/io/csv.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

// A phrase may be marked by several boxes.
struct PhraseBoxes {
  std::filesystem::path image;  // relative to the data set's root
  std::string name;             // of the finding: "Pneumonia"
  std::string phrase;           // the report's words, never shown in messages
  std::vector<Box> boxes;       // pixels of the image file
};

namespace data {
namespace detail {

// Boxes of one image and phrase come together, in the order of their first box.
class PhraseCollector {
 public:
  void add(const std::filesystem::path& image, const std::string& name, const std::string& phrase, const Box& box) {
    const auto [it, fresh] = places_.try_emplace({image.generic_string(), phrase}, phrases_.size());
    if (fresh) phrases_.push_back({.image = image, .name = name, .phrase = phrase, .boxes = {}});
    phrases_[it->second].boxes.push_back(box);
  }
  [[nodiscard]] std::vector<PhraseBoxes> take() { return std::move(phrases_); }

 private:
  std::map<std::pair<std::string, std::string>, std::size_t> places_;
  std::vector<PhraseBoxes> phrases_;
};

inline std::vector<PhraseBoxes> phrases_of_csv(io::CsvTable table) {
  const auto image = table.find("image") ? *table.find("image") : table.column("path");
  const auto name = table.column("category_name"), phrase = table.column("label_text");
  const std::array<std::size_t, 4> sides{table.column("x"), table.column("y"), table.column("w"), table.column("h")};
  PhraseCollector out;
  table.for_each([&](const io::CsvRow& row) {
    if (row.at(phrase).empty()) row.wrong(phrase, "a phrase");
    out.add(image_path(row, image), row.at(name), row.at(phrase), box_at(row, sides));
  });
  return out.take();
}

inline std::vector<PhraseBoxes> phrases_of_json(const std::string& text, const std::filesystem::path& path) {
  const auto whole = mgca::detail::parse_json(text, path.string());
  // The list `key` of the whole, and of an entry the value under a key, as a string or number; errors count from 1.
  const auto list = [&](const char* key) -> const Json& {
    if (!whole.is_object() || !whole.contains(key) || !whole.at(key).is_array()) fail(ErrorKind::data, path.string(), ": expected a list '", key, "', as in COCO's form");
    return whole.at(key);
  };
  const auto wrong = [&](const char* of, std::size_t at, const char* key, const char* expected) {
    fail(ErrorKind::data, path.string(), ": ", of, "[", at + 1, "]: '", key, "' is missing or wrong; expected ", expected);
  };
  const auto number = [&](const Json& entry, const char* of, std::size_t at, const char* key) {
    if (!entry.is_object() || !entry.contains(key) || !entry.at(key).is_number_integer()) wrong(of, at, key, "an integer");
    return entry.at(key).get<std::int64_t>();
  };
  const auto words = [&](const Json& entry, const char* of, std::size_t at, const char* key) {
    if (!entry.is_object() || !entry.contains(key) || !entry.at(key).is_string() || entry.at(key).get<std::string>().empty()) wrong(of, at, key, "a text");
    return entry.at(key).get<std::string>();
  };
  std::map<std::int64_t, std::filesystem::path> images;
  for (std::size_t i = 0; const auto& one : list("images")) {
    const auto* key = one.is_object() && one.contains("path") ? "path" : "file_name";
    const auto file = words(one, "images", i, key);
    if (const auto why = DataRoot::objection(file)) wrong("images", i, key, "the path of a file below the data folder, with '/'");
    images[number(one, "images", i, "id")] = std::filesystem::path(file).lexically_normal();
    ++i;
  }
  std::map<std::int64_t, std::string> names;
  for (std::size_t i = 0; const auto& one : list("categories")) {
    names[number(one, "categories", i, "id")] = words(one, "categories", i, "name");
    ++i;
  }
  PhraseCollector out;
  for (std::size_t i = 0; const auto& one : list("annotations")) {
    const auto image = images.find(number(one, "annotations", i, "image_id"));
    if (image == images.end()) wrong("annotations", i, "image_id", "the id of one of the images");
    const auto name = names.find(number(one, "annotations", i, "category_id"));
    if (name == names.end()) wrong("annotations", i, "category_id", "the id of one of the categories");
    const auto phrase = words(one, "annotations", i, "label_text");
    const auto box = one.contains("bbox") ? one.at("bbox") : Json();
    std::array<double, 4> v{};
    bool good = box.is_array() && box.size() == 4;
    for (std::size_t k = 0; good && k < 4; ++k) {
      good = box[k].is_number();
      if (good) v[k] = box[k].get<double>();
      good = good && std::isfinite(v[k]) && (k < 2 ? v[k] >= 0 : v[k] > 0);
    }
    if (!good) wrong("annotations", i, "bbox", "[x, y, width, height] in pixels, corner 0 or more, sides positive");
    out.add(image->second, name->second, phrase, box_of(CornerSize{.x = v[0], .y = v[1], .width = v[2], .height = v[3]}));
    ++i;
  }
  return out.take();
}

}  // namespace detail

// By content: a file that begins with '{' is JSON, any other a CSV table with the columns image (or path), category_name, label_text, x, y, w, h.
// Throws Error(system), or Error(data) naming row or entry.
[[nodiscard]] inline std::vector<PhraseBoxes> read_phrase_boxes(const std::filesystem::path& path) {
  auto text = read_text_file(path);
  const auto first = text.find_first_not_of(" \t\r\n");
  auto out = first != std::string::npos && text[first] == '{' ? detail::phrases_of_json(text, path)
                                                              : detail::phrases_of_csv(io::CsvTable(std::move(text), path.string()));
  if (out.empty()) fail(ErrorKind::data, path.string(), ": holds no phrase");
  return out;
}

}  // namespace data
}  // namespace mgca
