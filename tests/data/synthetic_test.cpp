#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/config.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/data/synthetic.hpp>

#include <cmath>
#include <numbers>
#include <set>

using mgca::SyntheticStudies;
using mgca::test::expect_error;

TEST_CASE("synthetic: the labels are the findings, the boxes their circles, the report names them", "[data][fast]") {
  const SyntheticStudies studies({.count = 200, .seed = 1});
  const auto& names = studies.label_names();
  std::set<std::string> reports;
  for (int64_t i = 0; i < studies.size(); ++i) {
    const auto found = studies.findings(i);
    const auto& study = studies.record(i);
    REQUIRE(found.size() >= 1);
    REQUIRE(study.boxes.size() == found.size());
    std::vector<float> labels(names.size(), 0.0F);
    for (std::size_t k = 0; k < found.size(); ++k) {
      const auto& f = found[k];
      labels[f.kind] = 1;
      CHECK(study.boxes[k].label == names[f.kind]);
      CHECK(study.boxes[k].box == mgca::Box{f.x - f.radius, f.y - f.radius, f.x + f.radius, f.y + f.radius});
      CHECK((study.boxes[k].box.x1 >= 0 && study.boxes[k].box.y1 >= 0 && study.boxes[k].box.x2 <= 64 && study.boxes[k].box.y2 <= 64));
      CHECK((f.x > 32) == f.left);  // the patient's left is on the right of the picture
      CHECK(study.report.find(f.large ? "large " : "small ") != std::string::npos);
      CHECK(study.report.find(f.left ? "left" : "right") != std::string::npos);
    }
    CHECK(study.labels == labels);
    for (std::size_t kind = 0; kind < names.size(); ++kind) CHECK((study.report.find(names[kind]) != std::string::npos) == (labels[kind] == 1));
    CHECK(study.row == i + 1);
    reports.insert(study.report);
  }
  CHECK(reports.size() == 195);
}

TEST_CASE("synthetic: a mask covers its findings and nothing else", "[data][fast]") {
  const SyntheticStudies studies({.count = 30, .seed = 2});
  for (int64_t i = 0; i < studies.size(); ++i) {
    const auto mask = studies.mask(i);
    const auto found = studies.findings(i);
    double area = 0, discs = 0, largest = 0;
    for (int64_t y = 0; y < mask.height(); ++y) {
      for (int64_t x = 0; x < mask.width(); ++x) {
        const bool inside = std::any_of(found.begin(), found.end(), [&](const auto& f) { return std::hypot(static_cast<double>(x) - f.x, static_cast<double>(y) - f.y) <= f.radius; });
        REQUIRE(mask.at(y, x) == (inside ? 255 : 0));
        area += inside ? 1 : 0;
      }
    }
    for (const auto& f : found) {
      const double disc = std::numbers::pi * f.radius * f.radius;
      discs += disc;
      largest = std::max(largest, disc);
    }
    CHECK(area <= 1.1 * discs);    // of a disc's 72 pixels or more, the rim may count a tenth
    CHECK(area >= 0.9 * largest);  // discs may overlap
  }
}

TEST_CASE("synthetic: a study depends on seed and number alone", "[data][fast]") {
  const SyntheticStudies many({.count = 60, .seed = 1}), few({.count = 10, .seed = 1}), other({.count = 10, .seed = 2});
  for (int64_t i = 0; i < few.size(); ++i) {
    CHECK(few.record(i).report == many.record(i).report);
    CHECK(few.record(i).labels == many.record(i).labels);
    const auto a = few.image(i), b = many.image(i), c = other.image(i);
    CHECK(std::equal(a.pixels().begin(), a.pixels().end(), b.pixels().begin()));
    CHECK_FALSE(std::equal(a.pixels().begin(), a.pixels().end(), c.pixels().begin()));
  }
}

// Every figure measured on these data rests on this. If it fails, the generator changed: undo that, or measure all of them again.
TEST_CASE("synthetic: picture, report and labels of seed 1 are what they were when the figures were measured", "[data][fast]") {
  const SyntheticStudies studies({.count = 50, .seed = 1});
  CHECK(mgca::sha256(std::as_bytes(studies.image(0).pixels())) == "a8ee5e4800298a90803842e34346dcc24063c111e8dee7ccc6cdc1e3aaa812cb");
  CHECK(studies.record(0).report == "The right middle zone shows a small consolidation. There is a small nodule in the right upper zone. The bones are intact.");
  mgca::Sha256 pictures, words;
  for (int64_t i = 0; i < studies.size(); ++i) {
    pictures.update(std::as_bytes(studies.image(i).pixels()));
    words.update(studies.record(i).report).update("\n");
    for (const float label : studies.record(i).labels) words.update(label == 1 ? "1" : "0");
  }
  CHECK(pictures.hex_digest() == "25e33f8c3289000aa5246f43212e83aab6b3b491a66310e474466b236c4ac98b");
  CHECK(words.hex_digest() == "9c26e0387c59e8189199744fad7c6e6303060cb3c6d916e319fdd20fbeddd54e");
}

TEST_CASE("synthetic: without contrast a finding leaves no trace, with it some", "[data][fast]") {
  const SyntheticStudies with({.count = 5, .seed = 4, .noise = 0}), without({.count = 5, .seed = 4, .contrast = 0, .noise = 0});
  for (int64_t i = 0; i < with.size(); ++i) {
    const auto mask = with.mask(i);
    const auto a = with.image(i), b = without.image(i);
    int64_t changed = 0;
    for (std::size_t p = 0; p < a.pixels().size(); ++p) {
      if (mask.pixels()[p] == 0) REQUIRE(a.pixels()[p] == b.pixels()[p]);
      else changed += a.pixels()[p] != b.pixels()[p] ? 1 : 0;
    }
    CHECK(changed > 20);
  }
}

TEST_CASE("synthetic: a configuration that cannot be drawn is refused", "[data][fast]") {
  expect_error([] { SyntheticStudies({.count = 0}); }, {"count", "0"});
  expect_error([] { SyntheticStudies({.image_size = 16}); }, {"image_size", "16"});
  expect_error([] { SyntheticStudies({.contrast = -1}); }, {"contrast"});
  CHECK(mgca::option_table(mgca::SyntheticConfig()).size() == 5);
}
