#include "raw_download.hpp"

#include <mgca/data/sources/covidx.hpp>

#include <set>

using mgca::DataProtocol;
using mgca::PrepareOptions;
using mgca::Study;
using mgca::Subsets;
using mgca::data::prepare_covidx;
using mgca::test::count_of;
using mgca::test::expect_refused;
using mgca::test::RawDownload;
using mgca::test::with;

namespace {

// Lines as in the published lists: patient, file, class, source; most patients have one picture, each tenth has two.
struct Covidx {
  RawDownload layout;
  std::string train, test;

  Covidx() {
    const std::vector<std::string> classes{"normal", "pneumonia", "COVID-19"}, sources{"rsna", "cohen", "ricord"};
    for (std::size_t i = 0; i < 50; ++i) {
      const auto file = (i % 3 == 2 ? "MIDRC-RICORD-1C-" : "SARS-10.1148rg.") + std::to_string(i) + (i % 2 == 0 ? ".png" : ".jpeg");
      train += std::to_string(i % 10 == 9 ? i - 1 : i) + " " + file + " " + classes[i % 3] + " " + sources[i % 3] + "\n";
      layout.picture("train/" + file);
    }
    for (std::size_t i = 0; i < 9; ++i) {
      const auto file = "t" + std::to_string(i) + ".png";
      test += "t" + std::to_string(i) + " " + file + " " + classes[i % 3] + " " + sources[i % 3] + "\n";
      layout.picture("test/" + file);
    }
    write();
  }
  void write() const {
    layout.write("train_COVIDx9A.txt", train);
    layout.write("test_COVIDx9A.txt", test);
  }
  [[nodiscard]] mgca::Prepared prepared(const PrepareOptions& options = {}) const {
    auto raw = layout.raw();
    return prepare_covidx(raw, options);
  }
};

}  // namespace

TEST_CASE("covidx: four fifths of the training list are trained on, in scikit-learn's order, and the test list is the test split",
          "[data][fast]") {
  const Covidx covidx;
  const auto set = covidx.prepared();
  CHECK(set.label_names == std::vector<std::string>{"normal", "pneumonia", "COVID-19"});
  CHECK(count_of(set.studies, "train") == 40);
  CHECK(count_of(set.studies, "valid") == 10);
  CHECK(count_of(set.studies, "test") == 9);
  const auto split = mgca::data::legacy_train_test_split(50, {.test = {}, .train = 0.8, .seed = 0});
  for (std::size_t i = 0; i < 40; ++i) {
    const auto row = static_cast<std::size_t>(split.train[i]);
    const auto& study = set.studies[i];
    CHECK(study.image.generic_string().find((row % 3 == 2 ? "RICORD-1C-" : "rg.") + std::to_string(row) + ".") != std::string::npos);
    CHECK(study.patient == std::to_string(row % 10 == 9 ? row - 1 : row));
    CHECK(study.labels == std::vector<float>{row % 3 == 0 ? 1.0F : 0.0F, row % 3 == 1 ? 1.0F : 0.0F, row % 3 == 2 ? 1.0F : 0.0F});
  }
  CHECK(set.expected[0] == mgca::ExpectedCount{"lines of the training list V9A", 30'130, 50});
  CHECK(set.expected[1].found == 17);
  CHECK(set.expected[3].found == 16);
  CHECK(set.expected[4].found == 9);
  CHECK_FALSE(mgca::data::shared_patients(set.studies).empty());
}

TEST_CASE("covidx: published subsets are drawn by row, others by patient", "[data][fast]") {
  const Covidx covidx;
  const auto published = covidx.prepared({.subsets = Subsets::as_published});
  CHECK(count_of(published.studies, "train", 1) == 0);
  CHECK(count_of(published.studies, "train", 10) == 4);
  CHECK(count_of(published.studies, "train", 100) == 36);
  CHECK(count_of(covidx.prepared().studies, "train", 0) == 0);
}

TEST_CASE("covidx: lists of the oldest form, with spaces in names and other line ends are read", "[data][fast]") {
  Covidx covidx;
  covidx.train = "1 COVID-19 (30).png COVID-19 sirm\r\n2 b.JPG Normal\r\n\r\n3  c.png  pneumonia\tcohen";
  covidx.write();
  for (const char* name : {"COVID-19 (30).png", "b.JPG", "c.png"}) covidx.layout.picture(std::string("train/") + name);
  const auto set = covidx.prepared();
  std::set<std::string> images;
  for (const auto& study : set.studies) images.insert(study.image.generic_string());
  for (const char* name : {"train/COVID-19 (30).png", "train/b.JPG", "train/c.png"}) CHECK(images.contains(name));
  CHECK(set.expected[0].found == 3);
}

TEST_CASE("covidx: of several lists the protocol's is taken, and a choice that it does not make is refused", "[data][fast]") {
  const Covidx covidx;
  covidx.layout.write("train_COVIDx_CXR-3A.txt", "a x.png normal rsna\nb y.png normal rsna\n");
  covidx.layout.write("test_COVIDx_CXR-3A.txt", covidx.test);
  covidx.layout.picture("train/x.png");
  covidx.layout.picture("train/y.png");
  CHECK(covidx.prepared().expected[0].found == 50);
  const auto paper = covidx.prepared({.protocol = DataProtocol::paper});
  CHECK(paper.expected[0] == mgca::ExpectedCount{"lines of the training list CXR-3A", 29'634, 2});
  std::filesystem::rename(covidx.layout.path() / "train_COVIDx9A.txt", covidx.layout.path() / "train_COVIDx8A.txt");
  expect_refused([&] { (void)covidx.prepared(); }, {"train_COVIDx9A.txt", "found train_COVIDx8A.txt, train_COVIDx_CXR-3A.txt"});
  std::filesystem::remove(covidx.layout.path() / "train_COVIDx_CXR-3A.txt");
  CHECK(covidx.prepared().expected[0].found == 50);  // the only one
  std::filesystem::remove(covidx.layout.path() / "train_COVIDx8A.txt");
  expect_refused([&] { (void)covidx.prepared(); }, {"train_COVIDx9A.txt", "no such file"});
}

TEST_CASE("covidx: broken lines are refused with their number and without their content", "[data][fast]") {
  Covidx covidx;
  const auto good = covidx.train;
  const auto refused = [&](const std::string& third, std::initializer_list<std::string_view> pieces) {
    covidx.train = "1 SARS-10.1148rg.0.png normal rsna\n2 SARS-10.1148rg.1.jpeg normal rsna\n" + third + "\n";
    covidx.write();
    expect_refused([&] { (void)covidx.prepared(); }, pieces);
  };
  refused("canary", {"train_COVIDx9A.txt: line 3", "patient, file"});
  refused("canary canary.png", {"line 3"});
  refused("canary canary.png canary canary", {"line 3", "normal, pneumonia and COVID-19"});
  refused("canary normal", {"line 3"});
  refused("canary canary.png positive ricord", {"line 3", "list of kind A"});
  refused("canary canary.png negative", {"line 3", "list of kind A"});
  for (const auto& path : mgca::test::bad_paths()) {
    if (path.find_first_of("\t") == std::string::npos && !path.empty()) {
      refused("canary " + path + " normal rsna", {"line 3", "the name of the file"});
    }
  }
  covidx.train = "\n";
  covidx.write();
  expect_refused([&] { (void)covidx.prepared(); }, {"train_COVIDx9A.txt", "empty"});
  covidx.train = good + "canary canary.png normal rsna\n";
  covidx.write();
  expect_refused([&] { (void)covidx.prepared(); }, {"of 60 images", "1 are not there", "--missing-images drop"});
  CHECK(covidx.prepared({.missing_images = mgca::MissingImages::drop}).studies.size() == 59);
}
