#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/data/fingerprint.hpp>

#include <functional>
#include <set>

using mgca::data::fingerprint;
using mgca::test::expect_error;

namespace {

struct Studies {
  std::vector<mgca::Study> studies;
  std::vector<std::string> names{"nodule", "effusion"};
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(studies.size()); }
  [[nodiscard]] const mgca::Study& record(int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
  [[nodiscard]] mgca::GreyImage image(int64_t) const { return {}; }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
};

Studies two() {
  Studies data;
  for (int i = 0; i < 2; ++i) {
    data.studies.push_back({.row = i + 1, .image = "a.png", .report = "clear", .patient = "p1", .split = "train", .view = mgca::View::pa, .age = 50,
                            .sex = mgca::Sex::male, .labels = {0, 1}, .boxes = {{"nodule", {1, 2, 3, 4}}}});
  }
  return data;
}

}  // namespace

TEST_CASE("fingerprint: every field of every record counts", "[data][fast]") {
  using Change = std::function<void(Studies&)>;
  const std::vector<Change> changes{
      [](Studies&) {},
      [](Studies& d) { d.studies[1].image = "b.png"; },
      [](Studies& d) { d.studies[1].report = "clear "; },
      [](Studies& d) { d.studies[1].patient = "p2"; },
      [](Studies& d) { d.studies[1].split = "test"; },
      [](Studies& d) { d.studies[1].view = mgca::View::ap; },
      [](Studies& d) { d.studies[1].age = 51; },
      [](Studies& d) { d.studies[1].age.reset(); },
      [](Studies& d) { d.studies[1].age = 0; },
      [](Studies& d) { d.studies[1].sex = mgca::Sex::female; },
      [](Studies& d) { d.studies[1].labels[0] = 1; },
      [](Studies& d) { d.studies[1].labels[0] = mgca::kUnknownLabel; },
      [](Studies& d) { d.studies[1].labels[1] = mgca::kUnknownLabel; },
      [](Studies& d) { d.studies[1].labels[1] = 0; },
      [](Studies& d) { d.studies[1].labels.pop_back(); },
      [](Studies& d) { d.studies[1].boxes[0].label = "mass"; },
      [](Studies& d) { d.studies[1].boxes[0].box.x1 = 0; },
      [](Studies& d) { d.studies[1].boxes[0].box.y1 = 0; },
      [](Studies& d) { d.studies[1].boxes[0].box.x2 = 9; },
      [](Studies& d) { d.studies[1].boxes[0].box.y2 = 9; },
      [](Studies& d) { d.studies[1].boxes.clear(); },
      [](Studies& d) { d.studies[1].boxes.push_back(d.studies[1].boxes[0]); },
      [](Studies& d) { d.names[1] = "mass"; },
      [](Studies& d) { std::swap(d.names[0], d.names[1]); },
      [](Studies& d) { d.studies.pop_back(); },
      [](Studies& d) { d.studies.push_back(d.studies[0]); },
      [](Studies& d) { d.studies[0].split = "test"; },
  };
  std::set<std::string> seen;
  for (const auto& change : changes) {
    auto data = two();
    change(data);
    seen.insert(fingerprint(data));
  }
  CHECK(seen.size() == changes.size());
}

TEST_CASE("fingerprint: what moves from one field into the next is noticed", "[data][fast]") {
  std::set<std::string> seen;
  for (const auto& [report, patient] : {std::pair("ab", "c"), std::pair("a", "bc"), std::pair("abc", ""), std::pair("", "abc"), std::pair("a\n", "bc"), std::pair("a", "\nbc")}) {
    auto data = two();
    data.studies[0].report = report;
    data.studies[0].patient = patient;
    seen.insert(fingerprint(data));
  }
  CHECK(seen.size() == 6);
}

TEST_CASE("fingerprint: pictures count where they were seen", "[data][fast]") {
  const auto data = two();
  const std::vector<uint64_t> pictures{1, 2}, others{1, 3}, swapped{2, 1};
  CHECK(std::set<std::string>{fingerprint(data), fingerprint(data, pictures), fingerprint(data, others), fingerprint(data, swapped)}.size() == 4);
  CHECK(fingerprint(data, pictures) == fingerprint(two(), pictures));
  const std::vector<uint64_t> few{1};
  expect_error([&] { (void)fingerprint(data, few); }, {"2 records", "got 1"});
}

TEST_CASE("fingerprint: it is the same on every machine; every NaN is one unknown; row numbers do not count", "[data][fast]") {
  auto data = two();
  data.studies[0].labels[0] = mgca::kUnknownLabel;
  const auto recorded = fingerprint(data);
  CHECK(recorded == "aba8bcbce8f0f960830adbceaef07a0b7d3ce6ee745bdda2adbec91663f2a3df");
  data.studies[0].labels[0] = -mgca::kUnknownLabel;
  CHECK(fingerprint(data) == recorded);
  data.studies[1].row = 17;
  CHECK(fingerprint(data) == recorded);
}

TEST_CASE("fingerprint: masks and their undecided pixels count, an empty mask is not a missing one", "[data][fast]") {
  auto data = two();
  std::set<std::string> seen{fingerprint(data)};
  for (const auto& mask : {mgca::RunLengthMask{.height = 2, .width = 3, .runs = {}}, mgca::RunLengthMask{.height = 2, .width = 3, .runs = {{0, 2}}}}) {
    data.studies[1].mask = mask;
    seen.insert(fingerprint(data));
    data.studies[1].undecided = mask;
    seen.insert(fingerprint(data));
    std::swap(data.studies[0].mask, data.studies[1].mask);
    seen.insert(fingerprint(data));
    data.studies[0].mask.reset();
    data.studies[1].undecided.reset();
  }
  CHECK(seen.size() == 1 + 2 * 3);
}
