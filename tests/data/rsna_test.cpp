#include "expect_error.hpp"
#include "raw_download.hpp"

#include <mgca/data/sources/rsna.hpp>
#include <mgca/image/mask.hpp>

#include <algorithm>
#include <numeric>

using mgca::Box;
using mgca::RsnaTask;
using mgca::test::expect_error;
using mgca::test::refusal;
using mgca::test::study_of;
namespace data = mgca::data;

namespace {

constexpr auto kRsnaHeader = "patientId,x,y,width,height,Target\n";

// As published: blank cells for images without boxes, several rows for some, not in order.
struct Rsna : mgca::test::RawDownload {
  explicit Rsna(int patients = 10) {
    std::string rows = kRsnaHeader;
    for (int i = patients; i-- > 0;) {
      const auto id = "0004cfab-14fd-4e49-80ba-63a80b6bdd" + std::to_string(10 + i);
      write("stage_2_train_images/" + id + ".dcm");
      rows += i % 3 != 0 ? id + ",,,,,0\n" : id + ",264.0,152.0,213.0,379.0,1\n";
      if (i % 6 == 0) rows += id + ",562.0,152.0,256.0,453.0,1\n";
    }
    write("stage_2_train_labels.csv", rows);
  }
  [[nodiscard]] mgca::Prepared prepare(const mgca::PrepareOptions& options = {}, RsnaTask task = RsnaTask::classification) const {
    auto folder = raw();
    return data::prepare_rsna(folder, options, task);
  }
  [[nodiscard]] std::string refuse(const std::string& rows) const {
    write("stage_2_train_labels.csv", kRsnaHeader + rows);
    return refusal([&] { (void)prepare(); });
  }
};

std::string image(int i) { return "stage_2_train_images/0004cfab-14fd-4e49-80ba-63a80b6bdd" + std::to_string(10 + i) + ".dcm"; }

std::int64_t sum_where(const std::vector<std::string>& split, const std::string& side) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < split.size(); ++i) sum += split[i] == side ? static_cast<std::int64_t>(i) : 0;
  return sum;
}

}  // namespace

TEST_CASE("rsna: a study per patient in ascending order, with the boxes of all its rows", "[data][fast]") {
  const auto set = Rsna().prepare();
  REQUIRE(set.studies.size() == 10);
  for (int i = 0; i < 10; ++i) {
    const auto& study = set.studies[static_cast<std::size_t>(i)];
    CHECK(study.image == image(i));
    CHECK(study.patient == study.image.stem());
    CHECK(study.labels == std::vector<float>{i % 3 == 0 ? 1.0F : 0.0F});
    CHECK(study.boxes.size() == (i % 6 == 0 ? 2U : i % 3 == 0 ? 1U : 0U));
    CHECK(study.row == i + 1);
  }
  CHECK(set.label_names == std::vector<std::string>{"Pneumonia"});
  const Box right{264, 152, 477, 531}, left{562, 152, 818, 605};
  CHECK(set.studies[6].boxes == std::vector<mgca::LabelledBox>{{"Pneumonia", right}, {"Pneumonia", left}});
  CHECK(set.expected == std::vector<mgca::ExpectedCount>{{"patients", 26684, 10}, {"boxes", 9555, 6}, {"patients with a box", 6012, 4}});
  const auto mask = mgca::image::mask_of_boxes(std::vector{right, left}, {.height = 1024, .width = 1024});
  CHECK(mgca::image::area(mask) == 213 * 379 + 256 * 453);
}

TEST_CASE("rsna: the two tasks have the two published splits", "[data][fast]") {
  const Rsna raw;
  const std::vector<std::string> classification{"train", "train", "test", "train", "valid", "train", "train", "train", "valid", "train"};
  const std::vector<std::string> detection{"train", "train", "test", "train", "valid", "train", "train", "train", "test", "valid"};
  const auto a = raw.prepare(), b = raw.prepare({}, RsnaTask::detection);
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(a.studies[i].split == classification[i]);
    CHECK(b.studies[i].split == detection[i]);
  }
}

TEST_CASE("rsna: the whole set divides as published", "[data][fast]") {
  const auto a = data::detail::halves_held_out(26684, 0.3), b = data::detail::halves_held_out(26684, 0.4);
  const auto count = [](const auto& s, const char* side) { return std::ranges::count(s.split, side); };
  CHECK((count(a, "train") == 18678 && count(a, "valid") == 4003 && count(a, "test") == 4003));
  CHECK((count(b, "train") == 16010 && count(b, "valid") == 5337 && count(b, "test") == 5337));
  // Sums of the row numbers, from numpy 2.4.6.
  CHECK((sum_where(a.split, "train") == 248844174 && sum_where(a.split, "valid") == 53546130 && sum_where(a.split, "test") == 53614282));
  CHECK((sum_where(b.split, "train") == 213500913 && sum_where(b.split, "valid") == 71052209 && sum_where(b.split, "test") == 71451464));
  CHECK((a.training.size() == 18678 && a.training[0] == 7729 && a.training[1] == 18294));
}

TEST_CASE("rsna: the published training subsets are those of numpy and pandas", "[data][fast]") {
  const auto numbers = [](const std::vector<int>& percents, int most) {
    std::int64_t sum = 0, count = 0;
    for (std::size_t i = 0; i < percents.size(); ++i) {
      if (percents[i] > most) continue;
      sum += static_cast<std::int64_t>(i);
      ++count;
    }
    return std::pair(count, sum);
  };
  const auto sampled = data::detail::sampled_percents(18678);
  CHECK(numbers(sampled, 1) == std::pair<std::int64_t, std::int64_t>(187, 1666958));
  CHECK(numbers(sampled, 10) == std::pair<std::int64_t, std::int64_t>(1868, 17536333));
  data::LegacyRandom random(42);
  const auto first = data::detail::chosen_percents(16010, random), second = data::detail::chosen_percents(16010, random);
  for (const std::size_t i : {13940U, 12071U, 101U}) CHECK(first[i] == 1);
  for (const std::size_t i : {12599U, 13243U, 7853U}) CHECK(second[i] == 1);
  CHECK(numbers(second, 1) == std::pair<std::int64_t, std::int64_t>(160, 1244752));
  CHECK(numbers(second, 10) == std::pair<std::int64_t, std::int64_t>(1601, 12951663));
}

TEST_CASE("rsna: subsets as published cover the training studies and no others", "[data][fast]") {
  const Rsna raw(60);
  for (const auto task : {RsnaTask::classification, RsnaTask::detection}) {
    const auto set = raw.prepare({.subsets = mgca::Subsets::as_published}, task);
    std::map<int, int> counts;
    for (const auto& study : set.studies) {
      CHECK((study.percent == 0) == (study.split != "train"));
      ++counts[study.percent];
    }
    if (task == RsnaTask::classification) CHECK(counts == std::map<int, int>{{0, 18}, {10, 4}, {100, 38}});  // 4.2 of 42, 0.42
    else CHECK(counts == std::map<int, int>{{0, 24}, {10, 3}, {100, 33}});                                   // 3.6 of 36, cut
  }
}

TEST_CASE("rsna: malformed boxes are refused with file, row and image, and nothing is changed silently", "[data][fast]") {
  const Rsna raw;
  const auto refuse = [&](const std::string& row, std::string_view why) {
    INFO(row);
    const auto message = raw.refuse("first,,,,,0\n" + row);
    CHECK(message.find("stage_2_train_labels.csv: row 2 (line 3)") != std::string::npos);
    CHECK(message.find("'p1.dcm'") != std::string::npos);
    INFO(message);
    CHECK(message.find(why) != std::string::npos);
  };
  refuse("p1,nan,2,3,4,1\n", "column 'x'");
  refuse("p1,inf,2,3,4,1\n", "column 'x'");
  refuse("p1,null,2,3,4,1\n", "column 'x'");
  refuse("p1,canary,2,3,4,1\n", "column 'x'");
  refuse("p1,1,,3,4,1\n", "not all given");
  refuse("p1,,,,,1\n", "not all given");
  refuse("p1,-1,2,3,4,1\n", "begins outside");
  refuse("p1,1,2,-3,4,1\n", "wrong way round");
  refuse("p1,1,2,0,4,1\n", "without area");
  refuse("p1,1,2,3,0,1\n", "without area");
  refuse("p1,1000,2,25,4,1\n", "ends outside");
  refuse("p1,1,1000000000,3,4,1\n", "ends outside");
  refuse("p1,1,2,3,1e9,1\n", "ends outside");
  refuse("p1,1e308,2,1e308,4,1\n", "ends outside");
  refuse("p1,1,2,3,4,0\n", "a box where Target is 0");
  refuse("p1,1,2,3,4,2\n", "neither 0 nor 1");
  refuse("p1,1,2,3,4,\n", "neither 0 nor 1");
  refuse("p1,1,2,3,4,canary\n", "column 'Target'");
}

TEST_CASE("rsna: rows that contradict or repeat others, and too many, are refused", "[data][fast]") {
  const Rsna raw;
  CHECK(raw.refuse("p1,1,2,3,4,1\np1,1,2,3,4,1\n").find("2 (line 3): a row that was there before (image 'p1.dcm')") != std::string::npos);
  CHECK(raw.refuse("p1,,,,,0\np1,,,,,0\n").find("has a row already") != std::string::npos);
  CHECK(raw.refuse("p1,1,2,3,4,1\np1,,,,,0\n").find("has a row already") != std::string::npos);
  CHECK(raw.refuse("p1,,,,,0\np1,1,2,3,4,1\n").find("a row without one") != std::string::npos);
  std::string many;
  for (int i = 0; i < 101; ++i) many += "p1," + std::to_string(i) + ",2,3,4,1\n";
  CHECK(raw.refuse(many).find("row 101 (line 102): more than 100 boxes") != std::string::npos);
}

TEST_CASE("rsna: a patientId that is no file name is refused unseen", "[data][fast]") {
  const Rsna raw;
  for (const std::string id : {"../canary", "/canary", "a/canary", "canary\\x", "canary\tx", "", "   "}) {
    CHECK(raw.refuse(id + ",,,,,0\n").find("column 'patientId'") != std::string::npos);
  }
}

TEST_CASE("rsna: images that are missing are refused, or dropped and counted", "[data][fast]") {
  const Rsna raw;
  std::filesystem::remove(raw.scratch.path() / image(4));
  CHECK(refusal([&] { (void)raw.prepare(); }).find("1 are not there") != std::string::npos);
  const auto set = raw.prepare({.missing_images = mgca::MissingImages::drop});
  CHECK(set.studies.size() == 9);
  REQUIRE(set.dropped.size() == 1);
  CHECK(set.dropped[0].rows == 1);
  CHECK(study_of(set, image(5)).row == 5);
}

TEST_CASE("rsna: tables that are none are refused", "[data][fast]") {
  const Rsna raw;
  raw.write("stage_2_train_labels.csv", "patientId,x,y,w,height,Target\n");
  CHECK(refusal([&] { (void)raw.prepare(); }).find("no column 'width'") != std::string::npos);
  CHECK(raw.refuse("").find("needs 4 rows") != std::string::npos);
  std::filesystem::remove(raw.scratch / "stage_2_train_labels.csv");
  expect_error([&] { (void)raw.prepare(); }, {"stage_2_train_labels.csv", "no such file"});
}
