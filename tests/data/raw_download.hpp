// Raw folders as the public sets are unpacked, made small by the test itself, and what preparing them says.
#pragma once

#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/data/prepared.hpp>
#include <mgca/data/raw_folder.hpp>
#include <mgca/data/record.hpp>
#include <mgca/io/image_file.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::test {

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// A grey PNG, whatever the name ends in: content decides.
inline std::string grey_png(std::uint8_t grey, ImageSize size = {.height = 8, .width = 8}) {
  const auto png = io::encode_png(GreyImage(size, grey).plane());
  return {reinterpret_cast<const char*>(png.data()), png.size()};  // NOLINT: bytes as characters
}
inline void write_picture(const std::filesystem::path& path, std::uint8_t grey,
                          ImageSize size = {.height = 8, .width = 8}) {
  write_text(path, grey_png(grey, size));
}

struct RawDownload {
  Scratch scratch;

  [[nodiscard]] const std::filesystem::path& path() const { return scratch.path(); }
  [[nodiscard]] RawFolder raw() const { return RawFolder(path()); }
  [[nodiscard]] std::filesystem::path place(const std::string& name) const {
    std::filesystem::create_directories((path() / name).parent_path());
    return path() / name;
  }
  void write(const std::string& name, const std::string& text = "image") const { write_text(place(name), text); }
  void picture(const std::string& name) const {
    static const auto png = grey_png(100);
    write(name, png);
  }
};

// Checks that a call is refused with every given piece, and without the words that stand for what must not be shown.
inline void expect_refused(const std::function<void()>& call, std::initializer_list<std::string_view> pieces) {
  CHECK(expect_error(call, pieces).find("canary") == std::string::npos);
}

// The message of the Error(data) a call throws; fails the test if it throws none, or if it names the canary.
template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    const std::string message = error.what();
    INFO("message: " << message);
    CHECK(error.kind() == ErrorKind::data);
    CHECK(message.find("canary") == std::string::npos);
    return message;
  }
  FAIL("no mgca::Error was thrown");
  return {};
}

// Text with its first occurrence of one piece replaced; fails the test where there is none.
inline std::string with(std::string text, const std::string& piece, const std::string& other) {
  const auto at = text.find(piece);
  REQUIRE(at != std::string::npos);
  return text.replace(at, piece.size(), other);
}

// By path or name of the image.
inline const Study& study_of(const Prepared& set, const std::string& image) {
  for (const auto& study : set.studies) {
    if (study.image == image || study.image.filename() == image) return study;
  }
  FAIL("no study of " << image);
  return set.studies.front();
}

inline std::int64_t dropped(const Prepared& set, const std::string& reason) {
  const auto it = std::find_if(set.dropped.begin(), set.dropped.end(), [&](const DroppedRows& one) { return one.reason == reason; });
  return it == set.dropped.end() ? 0 : it->rows;
}

// The count found of what was expected, by its whole name or a part of it.
inline std::int64_t found(const Prepared& set, std::string_view what) {
  for (const bool whole : {true, false}) {
    for (const auto& one : set.expected) {
      if (whole ? one.what == what : one.what.find(what) != std::string::npos) return one.found;
    }
  }
  FAIL("nothing was expected of " << what);
  return -1;
}

inline std::map<std::string, int> split_sizes(const Prepared& set) {
  std::map<std::string, int> sizes;
  for (const auto& study : set.studies) ++sizes[study.split];
  return sizes;
}

inline std::int64_t count_of(const std::vector<Study>& studies, const std::string& split, int percent = -1) {
  return std::count_if(studies.begin(), studies.end(), [&](const Study& study) {
    return study.split == split && (percent < 0 || study.percent == percent);
  });
}

inline const std::vector<std::string>& bad_paths() {
  static const std::vector<std::string> paths{"../../etc/passwd",
                                              "/etc/passwd",
                                              "",
                                              "x/../../y.png",
                                              "images/",
                                              "..",
                                              "./..",
                                              "//etc/passwd",
                                              "a\\b.png",
                                              std::string(5000, 'a'),
                                              "x/" + std::string(300, 'a') + ".png",
                                              "a\tb.png"};
  return paths;
}

}  // namespace mgca::test
