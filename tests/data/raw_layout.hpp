// A raw download built by a test: files in a scratch folder, and what preparing it says.
#pragma once

#include "catch.hpp"
#include "paths.hpp"

#include <mgca/core/error.hpp>
#include <mgca/data/prepared.hpp>

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace mgca::test {

struct RawLayout {
  Scratch scratch;
  void file(const std::string& name, const std::string& text = "image") const {
    std::filesystem::create_directories((scratch / name).parent_path());
    std::ofstream(scratch / name, std::ios::binary) << text;
  }
  [[nodiscard]] RawFolder raw() const { return RawFolder(scratch.path()); }
};

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

inline const Study& study_of(const Prepared& set, const std::string& image) {
  for (const auto& study : set.studies) {
    if (study.image == image) return study;
  }
  FAIL("no study of " << image);
  return set.studies.front();
}

inline std::map<std::string, int> split_sizes(const Prepared& set) {
  std::map<std::string, int> sizes;
  for (const auto& study : set.studies) ++sizes[study.split];
  return sizes;
}

}  // namespace mgca::test
