// Raw folders as the public sets are unpacked, made small by the test itself.
#pragma once

#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/data/raw_folder.hpp>
#include <mgca/data/record.hpp>
#include <mgca/io/image_file.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::test {

class RawDownload {
 public:
  [[nodiscard]] const std::filesystem::path& path() const { return scratch_.path(); }
  [[nodiscard]] RawFolder raw() const { return RawFolder(path()); }
  void text(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((path() / name).parent_path());
    std::ofstream(path() / name, std::ios::binary) << content;
  }
  // A grey PNG of 8 x 8 pixels, whatever the name ends in: content decides.
  void picture(const std::string& name) const {
    static const auto png = io::encode_png(GreyImage({.height = 8, .width = 8}, 100).plane());
    text(name, std::string(reinterpret_cast<const char*>(png.data()), png.size()));  // NOLINT: bytes as characters
  }

 private:
  Scratch scratch_;
};

// Checks that a call is refused with every given piece, and without the words that stand for what must not be shown.
inline void expect_refused(const std::function<void()>& call, std::initializer_list<std::string_view> pieces) {
  CHECK(expect_error(call, pieces).find("canary") == std::string::npos);
}

// Text with its first occurrence of one piece replaced; fails the test where there is none.
inline std::string with(std::string text, const std::string& piece, const std::string& other) {
  const auto at = text.find(piece);
  REQUIRE(at != std::string::npos);
  return text.replace(at, piece.size(), other);
}

inline std::int64_t count_of(const std::vector<Study>& studies, const std::string& split, int percent = -1) {
  return std::count_if(studies.begin(), studies.end(),
                       [&](const Study& study) { return study.split == split && (percent < 0 || study.percent == percent); });
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
