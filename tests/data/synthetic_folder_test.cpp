#include "raw_download.hpp"

#include <mgca/data/sources/synthetic_folder.hpp>

using mgca::SyntheticConfig;
using mgca::data::prepare_synthetic;
using mgca::test::expect_refused;
using mgca::test::RawDownload;

TEST_CASE("synthetic folder: pictures are written once and read back as drawn, with reports, boxes and masks", "[data][fast]") {
  const RawDownload layout;
  const SyntheticConfig config{.count = 5, .seed = 3, .image_size = 32};
  auto raw = layout.raw();
  const auto set = prepare_synthetic(raw, config, {});
  const mgca::SyntheticStudies drawn(config);
  REQUIRE(set.studies.size() == 5);
  CHECK(set.has_reports);
  CHECK(set.label_names == drawn.label_names());
  for (std::int64_t i = 0; i < 5; ++i) {
    const auto& study = set.studies[static_cast<std::size_t>(i)];
    CHECK(study.image == "images/00000" + std::to_string(i + 1) + ".png");
    const auto picture = mgca::io::read_image(layout.path() / study.image), expected = drawn.image(i), mask = drawn.mask(i);
    CHECK(std::equal(picture.plane().pixels.begin(), picture.plane().pixels.end(), expected.plane().pixels.begin(),
                     expected.plane().pixels.end()));
    CHECK(study.report == drawn.record(i).report);
    CHECK(study.boxes == drawn.record(i).boxes);
    CHECK(study.split == mgca::data::split_of_patient(study.patient, {.train = 0.7, .valid = 0.1, .seed = 0}));
    REQUIRE(study.mask.has_value());
    mgca::GreyImage filled({.height = 32, .width = 32});
    for (const auto& run : study.mask->runs) {
      for (auto place = run.start; place < run.start + run.length; ++place) filled.at(place % 32, place / 32) = 255;
    }
    for (std::int64_t y = 0; y < 32; ++y) {
      for (std::int64_t x = 0; x < 32; ++x) REQUIRE(filled.at(y, x) == mask.at(y, x));
    }
  }
  layout.write("images/000002.png", "kept");  // what is there is not written again
  std::filesystem::remove(layout.path() / "images/000003.png");
  auto again = layout.raw();
  CHECK(prepare_synthetic(again, config, {}).studies.size() == 5);
  CHECK(std::filesystem::file_size(layout.path() / "images/000002.png") == 4);
  CHECK(std::filesystem::exists(layout.path() / "images/000003.png"));
  expect_refused([&] { (void)prepare_synthetic(again, {.count = 5, .seed = 4, .image_size = 32}, {}); },
                 {"synthetic.txt", "other parameters"});
}

TEST_CASE("synthetic folder: pictures that cannot be drawn and draws that were never published are refused", "[data][fast]") {
  const RawDownload layout;
  auto raw = layout.raw();
  expect_refused([&] { (void)prepare_synthetic(raw, {.count = 0}, {}); }, {"synthetic", "positive count"});
  expect_refused([&] { (void)prepare_synthetic(raw, {.count = 1}, {.subsets = mgca::Subsets::as_published}); },
                 {"synthetic", "by_patient"});
  CHECK(std::filesystem::is_empty(layout.path()));
}
