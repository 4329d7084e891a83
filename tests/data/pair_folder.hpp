// A folder with three pictures and a table of pairs, for tests of what is read from tables.
#pragma once

#include "raw_download.hpp"

#include <mgca/data/sources/pairs.hpp>

#include <string>
#include <utility>
#include <vector>

namespace mgca::test {

struct PairFolder {
  Scratch scratch;
  explicit PairFolder(const std::string& table = "image,report,patient,split\na.png,clear lungs,p1,train\nb.png,effusion,p2,test\nc.png,nodule,p1,train\n") {
    write_picture(scratch / "a.png", 10);
    write_picture(scratch / "b.png", 20);
    write_picture(scratch / "c.png", 30);
    write_text(scratch / "pairs.csv", table);
  }
  void table(const std::string& text) const { write_text(scratch / "pairs.csv", text); }
  [[nodiscard]] PairsConfig config() const { return {.table = scratch / "pairs.csv"}; }
  [[nodiscard]] PairsConfig with_labels(const std::string& text, std::vector<std::string> columns) const {
    write_text(scratch / "labels.csv", text);
    auto with = config();
    with.labels = scratch / "labels.csv";
    with.label_columns = std::move(columns);
    return with;
  }
  [[nodiscard]] PairsConfig with_boxes(const std::string& text) const {
    write_text(scratch / "boxes.csv", text);
    auto with = config();
    with.boxes = scratch / "boxes.csv";
    return with;
  }
};

inline std::filesystem::path sample_data() { return std::filesystem::path(MGCA_TESTS_DIR) / ".." / "examples" / "data"; }

}  // namespace mgca::test
