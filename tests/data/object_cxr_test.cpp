#include "expect_error.hpp"
#include "raw_download.hpp"

#include <mgca/data/sources/object_cxr.hpp>

#include <algorithm>

using mgca::Box;
using mgca::test::expect_error;
using mgca::test::refusal;
using mgca::test::split_sizes;
using mgca::test::study_of;
namespace data = mgca::data;

namespace {

constexpr auto kObjectCxrHeader = "image_name,annotation\n";

std::string name(int i) { return std::to_string(10000 + i).substr(1) + ".jpg"; }

struct ObjectCxr : mgca::test::RawDownload {
  explicit ObjectCxr(int training = 20, int dev = 4) {
    std::string rows = kObjectCxrHeader;
    for (int i = 0; i < training; ++i) {
      write("train/" + name(i));
      rows += name(i) + (i == 0   ? ",0 100 200 400 500;1 600 700 650 760;2 10 20 30 5 40 60 12 44\n"
                         : i == 1 ? ",1 5 6 7 8\n"
                                  : ",\n");
    }
    write("train.csv", rows);
    rows = kObjectCxrHeader;
    for (int i = 0; i < dev; ++i) {
      write("dev/" + name(i));
      rows += name(i) + ",\n";
    }
    write("dev.csv", rows);
  }
  [[nodiscard]] mgca::Prepared prepare(const mgca::PrepareOptions& options = {}) const {
    auto folder = raw();
    return data::prepare_object_cxr(folder, options);
  }
  [[nodiscard]] std::string refuse(const std::string& annotation) const {
    write("train.csv", kObjectCxrHeader + name(0) + ",\n" + name(1) + "," + annotation + "\n");
    return refusal([&] { (void)prepare(); });
  }
};

}  // namespace

TEST_CASE("object_cxr: rectangles, ellipses and polygons become their bounds", "[data][fast]") {
  const auto set = ObjectCxr().prepare();
  const auto& study = study_of(set, "train/0000.jpg");
  CHECK(study.boxes == std::vector<mgca::LabelledBox>{{"Foreign object", Box{100, 200, 400, 500}},
                                                      {"Foreign object", Box{600, 700, 650, 760}},
                                                      {"Foreign object", Box{10, 5, 40, 60}}});
  CHECK(study.labels == std::vector<float>{1});
  CHECK(study.patient == "train/0000.jpg");
  CHECK(study_of(set, "train/0002.jpg").labels == std::vector<float>{0});
  CHECK(study_of(set, "train/0002.jpg").boxes.empty());
  CHECK(set.expected == std::vector<mgca::ExpectedCount>{{"images in train.csv", 8000, 20}, {"images in dev.csv", 1000, 4}});
}

TEST_CASE("object_cxr: the code holds a tenth out, the paper a fifth, and dev.csv is test", "[data][fast]") {
  const ObjectCxr raw;
  const auto code = raw.prepare(), paper = raw.prepare({.protocol = mgca::DataProtocol::paper});
  CHECK(split_sizes(code) == std::map<std::string, int>{{"train", 18}, {"valid", 2}, {"test", 4}});
  CHECK(split_sizes(paper) == std::map<std::string, int>{{"train", 16}, {"valid", 4}, {"test", 4}});
  for (const int i : {18, 1}) CHECK(study_of(code, "train/" + name(i)).split == "valid");  // RandomState(0).permutation(20): 18 1 19 8 ...
  for (const int i : {18, 1, 19, 8}) CHECK(study_of(paper, "train/" + name(i)).split == "valid");
  CHECK(study_of(code, "dev/0000.jpg").split == "test");
}

TEST_CASE("object_cxr: the whole table divides as published", "[data][fast]") {
  const auto split = data::legacy_train_test_split(8000, {.test = 0.1, .seed = 0});
  CHECK((split.train.size() == 7200 && split.test.size() == 800));
  CHECK((split.test[0] == 3069 && split.test[1] == 1675 && split.test[2] == 6385 && split.train[0] == 5059));
}

TEST_CASE("object_cxr: subsets as published are the second draw", "[data][fast]") {
  const auto set = ObjectCxr(120).prepare({.subsets = mgca::Subsets::as_published});
  std::map<int, int> counts;
  for (const auto& study : set.studies) ++counts[study.percent];
  CHECK(counts == std::map<int, int>{{0, 16}, {1, 1}, {10, 9}, {100, 98}});  // 108 for training
  const auto split = data::legacy_train_test_split(120, {.test = 0.1, .seed = 0});
  data::LegacyRandom random(42);
  (void)random.permutation(108);
  const auto one = split.train[static_cast<std::size_t>(random.permutation(108)[0])];
  CHECK(study_of(set, "train/" + name(static_cast<int>(one))).percent == 1);
}

TEST_CASE("object_cxr: malformed objects are refused with file, row and image", "[data][fast]") {
  const ObjectCxr raw;
  const auto refuse = [&](const std::string& annotation, std::string_view why) {
    const auto message = raw.refuse(annotation);
    INFO(annotation << "\n" << message);
    CHECK(message.find("train.csv: row 2 (line 3)") != std::string::npos);
    CHECK(message.find("(image '0001.jpg')") != std::string::npos);
    CHECK(message.find(why) != std::string::npos);
  };
  refuse("0 1 2 3 canary", "a word that is no number");
  refuse("0 1 2 3 4x", "a word that is no number");
  refuse("0 1 2 3 nan", "not finite");
  refuse("0 1 2 3 inf", "not finite");
  refuse("0 1 2 3 1e999", "no number");
  refuse("3 1 2 3 4", "a type other than");
  refuse("0.5 1 2 3 4", "a type other than");
  refuse("0 1 2 3", "an x without a y");
  refuse("0 1 2", "not 2 corners");
  refuse("1 1 2 3 4 5 6", "not 2 corners");
  refuse("2 1 2 3 4", "fewer than 3 points");
  refuse("0 1 2 3 4;", "an object is empty");
  refuse("0 1 2 3 4;;0 1 2 3 4", "an object is empty");
  refuse("0 -1 2 3 4", "begins outside");
  refuse("2 5 5 9 9 -3 4", "begins outside");
  refuse("0 3 2 1 4", "wrong way round");
  refuse("1 1 4 3 2", "wrong way round");
  refuse("0 1 2 1 4", "without area");
  refuse("2 1 2 1 4 1 9", "without area");
  refuse("0 1 2 3 1000000000", "ends outside");
  std::string many = "0 1 2 3 4";
  for (int i = 0; i < 100; ++i) many += ";0 1 2 3 4";
  refuse(many, "more than 100 boxes");
}

TEST_CASE("object_cxr: the image column has two names; an image has one row, and its name is a file's", "[data][fast]") {
  const ObjectCxr raw;
  raw.write("train.csv", "image_path,annotation\n" + name(0) + ",0 1 2 3 4\n" + name(1) + ",\n");
  CHECK(study_of(raw.prepare(), "train/0000.jpg").boxes.size() == 1);
  raw.write("train.csv", kObjectCxrHeader + name(0) + ",\n" + name(1) + ",\n" + name(0) + ",0 1 2 3 4\n");
  CHECK(refusal([&] { (void)raw.prepare(); }).find("two rows for image '0000.jpg'") != std::string::npos);
  raw.write("train.csv", std::string(kObjectCxrHeader) + "../canary.jpg,\n");
  CHECK(refusal([&] { (void)raw.prepare(); }).find("column 'image_name'") != std::string::npos);
  raw.write("train.csv", kObjectCxrHeader + name(0) + ",\n");
  CHECK(refusal([&] { (void)raw.prepare(); }).find("needs 2 rows") != std::string::npos);
}

TEST_CASE("object_cxr: images that are missing are refused, or dropped and counted", "[data][fast]") {
  const ObjectCxr raw;
  std::filesystem::remove(raw.scratch / "dev/0003.jpg");
  CHECK(refusal([&] { (void)raw.prepare(); }).find("1 are not there") != std::string::npos);
  CHECK(split_sizes(raw.prepare({.missing_images = mgca::MissingImages::drop}))["test"] == 3);
  std::filesystem::remove(raw.scratch / "dev.csv");
  expect_error([&] { (void)raw.prepare(); }, {"dev.csv", "no such file"});
}
