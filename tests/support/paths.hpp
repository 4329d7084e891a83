// Where tests read their data and write their scratch files.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace mgca::test {

inline std::filesystem::path golden_dir() { return std::filesystem::path(MGCA_TESTS_DIR) / "golden"; }
inline std::filesystem::path dicom_sample(const std::string& name) { return std::filesystem::path(MGCA_TESTS_DIR) / "io" / "dicom_samples" / name; }
inline std::filesystem::path picture_sample(const std::string& name) { return std::filesystem::path(MGCA_TESTS_DIR) / "data" / "images" / name; }
inline std::filesystem::path data_dir() { return std::filesystem::path(MGCA_TESTS_DIR) / "data"; }

// A fresh folder that disappears with the object.
class Scratch {
 public:
  Scratch() {
    static std::atomic<int> count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("mgca-test-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace mgca::test
