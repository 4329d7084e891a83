#include "expect_error.hpp"
#include "raw_download.hpp"

#include <mgca/data/sources/siim.hpp>

#include <algorithm>
#include <set>

using mgca::test::expect_error;
using mgca::test::refusal;
using mgca::test::split_sizes;
namespace data = mgca::data;

namespace {

constexpr auto kSiimHeader = "ImageId, EncodedPixels\n";  // with the space it was published with

std::string uid(int i) { return "1.2.276.0.7230010.3.1.4.8323329." + std::to_string(1000 + i) + ".1517875188.959090"; }
std::string image_path(int i) {
  const auto n = std::to_string(i);
  return "dicom-images-train/1.2.276.1." + n + "/1.2.276.2." + n + "/" + uid(i) + ".dcm";
}

// As published: " -1" for images without a mask, several rows for some, files two folders down. Every fourth image has masks,
// every eighth two rows.
struct Siim : mgca::test::RawDownload {
  int images, rows = 0;
  explicit Siim(int images_ = 20) : images(images_) {
    std::string text = kSiimHeader;
    for (int i = 0; i < images; ++i) {
      write(image_path(i));
      if (i % 4 != 0) text += uid(i) + ", -1\n";
      else text += uid(i) + ", " + std::to_string(1024 * i + 5) + " 10 1014 20\n";
      if (i % 8 == 0) text += uid(i) + ", " + std::to_string(1024 * i + 10) + " 10\n";
      rows += i % 8 == 0 ? 2 : 1;
    }
    write("train-rle.csv", text);
  }
  [[nodiscard]] mgca::Prepared prepare(const mgca::PrepareOptions& options = {}) const {
    auto folder = raw();
    return data::prepare_siim(folder, options);
  }
  [[nodiscard]] std::string refuse(const std::string& rows_) const {
    write("train-rle.csv", kSiimHeader + rows_);
    return refusal([&] { (void)prepare(); });
  }
};

}  // namespace

TEST_CASE("siim: a study per image, its rows united, its file found two folders down", "[data][fast]") {
  const Siim raw;
  const auto set = raw.prepare();
  REQUIRE(set.studies.size() == 20);
  for (int i = 0; i < 20; ++i) {
    const auto& study = set.studies[static_cast<std::size_t>(i)];
    CHECK(study.image == image_path(i));
    CHECK(study.patient == uid(i));
    CHECK(study.labels == std::vector<float>{i % 4 == 0 ? 1.0F : 0.0F});
    REQUIRE(study.mask);
    CHECK((study.mask->height == 1024 && study.mask->width == 1024));
    const std::int64_t start = 1024 * i + 5;
    using Runs = std::vector<mgca::RunLengthMask::Run>;
    CHECK(study.mask->runs == (i % 4 != 0 ? Runs{} : Runs{{start, i % 8 == 0 ? 15 : 10}, {start + 1024, 20}}));
  }
  CHECK(set.label_names == std::vector<std::string>{"Pneumothorax"});
  CHECK(set.expected == std::vector<mgca::ExpectedCount>{{"rows", 12954, 23}});
}

TEST_CASE("siim: the header and the empty mask are understood with and without their spaces", "[data][fast]") {
  const Siim raw;
  const auto published = raw.prepare();
  std::string text = "ImageId,EncodedPixels\n";
  for (int i = 0; i < 20; ++i) text += uid(i) + (i % 4 != 0 ? ",-1\n" : "," + std::to_string(1024 * i + 5) + " 10 1014 20 \n");
  raw.write("train-rle.csv", text);
  const auto plain = raw.prepare();
  REQUIRE(plain.studies.size() == 20);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(plain.studies[i].labels == published.studies[i].labels);
    CHECK(plain.studies[i].image == published.studies[i].image);
  }
}

TEST_CASE("siim: repaired, no image is in two splits; as published, the draw is over rows", "[data][fast]") {
  const Siim raw(100);
  const auto repaired = raw.prepare(), published = raw.prepare({.leaks = mgca::Leaks::as_published});
  CHECK(split_sizes(repaired) == std::map<std::string, int>{{"train", 70}, {"valid", 15}, {"test", 15}});
  std::map<std::string, std::set<std::string>> sides;
  for (const auto& study : published.studies) sides[study.patient].insert(study.split);
  CHECK(sides.size() == 100);
  CHECK(std::ranges::any_of(sides, [](const auto& s) { return s.second.size() > 1; }));
  const auto draw = data::detail::halves_held_out(raw.rows, 0.3);
  std::size_t row = 0;
  for (int i = 0; i < 100; ++i) {
    std::set<std::string> expected{draw.split[row++]};
    if (i % 8 == 0) expected.insert(draw.split[row++]);
    CHECK(sides[uid(i)] == expected);
  }
}

TEST_CASE("siim: the public table divides as published", "[data][fast]") {
  const auto count = [](std::int64_t rows, const char* side) {
    return std::ranges::count(data::detail::halves_held_out(rows, 0.3).split, side);
  };
  CHECK((count(12954, "train") == 9067 && count(12954, "valid") == 1944 && count(12954, "test") == 1943));
  CHECK((count(12047, "train") == 8432 && count(12047, "valid") == 1808 && count(12047, "test") == 1807));
}

TEST_CASE("siim: training as published takes all positive images and as many negative ones", "[data][fast]") {
  const Siim raw(100);
  const auto all = raw.prepare(), balanced = raw.prepare({.subsets = mgca::Subsets::as_published});
  std::map<float, std::int64_t> before, after;
  std::map<int, int> percents;
  for (const auto& s : all.studies) before[s.labels[0]] += s.split == "train" ? 1 : 0;
  for (const auto& s : balanced.studies) {
    after[s.labels[0]] += s.split == "train" ? 1 : 0;
    ++percents[s.percent];
  }
  CHECK(before[0.0F] > before[1.0F]);
  CHECK(after[1.0F] == before[1.0F]);
  CHECK(after[0.0F] == before[1.0F]);
  CHECK(percents[10] + percents[1] == static_cast<int>(static_cast<double>(2 * before[1.0F]) * 0.1));
  REQUIRE(balanced.dropped.size() == 1);
  CHECK(balanced.dropped[0].rows == before[0.0F] - before[1.0F]);
  CHECK(split_sizes(balanced)["test"] == 15);
}

TEST_CASE("siim: the balancing draw is numpy's", "[data][fast]") {
  std::vector<data::detail::SiimImage> images;
  std::vector<std::size_t> training;
  for (std::size_t i = 0; i < 40; ++i) {
    images.push_back({.id = std::to_string(i), .place = "", .masks = {{.height = 2, .width = 2, .runs = {}}}});
    if (i % 4 == 0) images.back().masks[0].runs.push_back({0, 1});
    training.push_back(39 - i);
  }
  const auto percents = data::detail::balanced_percents(images, training);
  std::set<std::size_t> negative, tenth;
  for (std::size_t i = 0; i < 40; ++i) {
    if (percents[i] > 0 && i % 4 != 0) negative.insert(i);
    if (percents[i] == 10) tenth.insert(i);
  }
  CHECK(negative == std::set<std::size_t>{2, 3, 7, 9, 17, 19, 23, 27, 29, 39});
  CHECK(tenth == std::set<std::size_t>{3, 16});
}

TEST_CASE("siim: malformed masks are refused with file, row and image", "[data][fast]") {
  const Siim raw;
  const auto refuse = [&](const std::string& cell, std::string_view why) {
    const auto message = raw.refuse(uid(0) + ", -1\n" + uid(1) + "," + cell + "\n");
    INFO(message);
    CHECK(message.find("train-rle.csv: row 2 (line 3)") != std::string::npos);
    CHECK(message.find("image '" + uid(1) + ".dcm'") != std::string::npos);
    CHECK(message.find(why) != std::string::npos);
  };
  refuse("", "empty");
  refuse(" 5 3 7", "ends within pair 2");
  refuse(" 5 canary", "number 2 is not a whole number");
  refuse(" 5 3.0", "number 2 is not a whole number");
  refuse(" -5 3", "run 1 begins -5");
  refuse(" 5 3 -1 3", "run 2 begins -1");
  refuse(" 5 -3", "length -3");
  refuse(" 5 0", "length 0");
  refuse(" 1048570 10", "ends beyond the last of 1024 x 1024");
  refuse(" 1000000000000 1", "ends beyond");
  refuse(" 99999999999999999999 1", "64 bits");
}

TEST_CASE("siim: rows that repeat or contradict others are refused", "[data][fast]") {
  const Siim raw;
  CHECK(raw.refuse(uid(0) + ", 5 3\n" + uid(0) + ", 5 3\n").find("row 2 (line 3): a mask that was there before") != std::string::npos);
  CHECK(raw.refuse(uid(0) + ", -1\n" + uid(0) + ", -1\n").find("a row without a mask beside another") != std::string::npos);
  CHECK(raw.refuse(uid(0) + ", -1\n" + uid(0) + ", 5 3\n").find("a row without a mask beside another") != std::string::npos);
  CHECK(raw.refuse(uid(0) + ", 5 3\n" + uid(0) + ", -1\n").find("a row without a mask beside another") != std::string::npos);
  std::string many;
  for (int i = 0; i < 101; ++i) many += uid(0) + ", " + std::to_string(i) + " 3\n";
  CHECK(raw.refuse(many).find("row 101 (line 102): more than 100 masks") != std::string::npos);
  CHECK(raw.refuse("../canary, -1\n").find("column 'ImageId'") != std::string::npos);
}

TEST_CASE("siim: rows without image and images without row are counted", "[data][fast]") {
  const Siim raw;
  std::filesystem::remove(raw.scratch.path() / image_path(3));
  raw.write("dicom-images-train/1.2.3/4.5.6/7.8.9.dcm");
  CHECK(refusal([&] { (void)raw.prepare(); }).find("1 are not there") != std::string::npos);
  const auto set = raw.prepare({.missing_images = mgca::MissingImages::drop});
  CHECK(set.studies.size() == 19);
  CHECK(set.dropped == std::vector<mgca::DroppedRows>{{"an image in no row of train-rle.csv", 1, "dicom-images-train"},
                                                      {"the image is not there", 1, "study 4"}});
  raw.write("dicom-images-train/again/" + uid(5) + ".dcm");
  CHECK(refusal([&] { (void)raw.prepare(); }).find("is in two folders") != std::string::npos);
}
