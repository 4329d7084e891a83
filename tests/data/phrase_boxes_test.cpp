#include "raw_download.hpp"

#include <mgca/data/phrase_boxes.hpp>

using mgca::data::read_phrase_boxes;
using mgca::test::expect_refused;
using mgca::test::RawDownload;

namespace {

const std::string kPhraseHeader = "category_name,label_text,path,image_width,image_height,x,y,w,h\n";
const std::string kPhraseJson = R"({"images": [{"id": 7, "file_name": "a.jpg", "path": "files/a.jpg", "width": 100, "height": 80}],
  "categories": [{"id": 1, "name": "Edema"}],
  "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 2, 30, 40], "label_text": "canary edema"},
                  {"id": 2, "image_id": 7, "category_id": 1, "bbox": [50, 2, 30.5, 40], "label_text": "canary edema"}]})";

}  // namespace

TEST_CASE("phrase_boxes: rows of one image and phrase are one phrase with several boxes", "[data][fast]") {
  RawDownload raw;
  raw.write("ms.csv", kPhraseHeader + "Edema,mild edema,files/a.jpg,100,80,1,2,30,40\nPneumonia,opacity,files/a.jpg,100,80,5,5,5,5\nEdema,mild edema,files/a.jpg,100,80,50,2,30,40\n");
  const auto found = read_phrase_boxes(raw.path() / "ms.csv");
  REQUIRE(found.size() == 2);
  CHECK(found[0].image == "files/a.jpg");
  CHECK(found[0].name == "Edema");
  CHECK(found[0].phrase == "mild edema");
  CHECK((found[0].boxes == std::vector<mgca::Box>{{1, 2, 31, 42}, {50, 2, 80, 42}}));
  CHECK(found[1].phrase == "opacity");
}

TEST_CASE("phrase_boxes: COCO's form says the same", "[data][fast]") {
  RawDownload raw;
  raw.write("ms.json", kPhraseJson);
  const auto found = read_phrase_boxes(raw.path() / "ms.json");
  REQUIRE(found.size() == 1);
  CHECK(found[0].image == "files/a.jpg");
  CHECK((found[0].boxes == std::vector<mgca::Box>{{1, 2, 31, 42}, {50, 2, 80.5, 42}}));
}

TEST_CASE("phrase_boxes: what is wrong is refused by row or entry, the phrase never shown", "[data][fast]") {
  RawDownload raw;
  const auto csv = [&](const std::string& rows) {
    raw.write("ms.csv", kPhraseHeader + rows);
    (void)read_phrase_boxes(raw.path() / "ms.csv");
  };
  expect_refused([&] { csv("Edema,canary,files/a.jpg,1,1,1,2,0,4\n"); }, {"ms.csv", "row 1", "'w'"});
  expect_refused([&] { csv("Edema,,files/a.jpg,1,1,1,2,3,4\n"); }, {"row 1", "'label_text'"});
  expect_refused([&] { csv("Edema,canary,../a.jpg,1,1,1,2,3,4\n"); }, {"row 1", "image path"});
  expect_refused([&] { csv(""); }, {"ms.csv", "no phrase"});
  const auto json = [&](const std::string& piece, const std::string& other) {
    raw.write("ms.json", mgca::test::with(kPhraseJson, piece, other));
    (void)read_phrase_boxes(raw.path() / "ms.json");
  };
  expect_refused([&] { json("\"image_id\": 7", "\"image_id\": 8"); }, {"ms.json", "annotations[1]", "'image_id'"});
  expect_refused([&] { json("\"category_id\": 1", "\"category_id\": 2"); }, {"annotations[1]", "'category_id'"});
  expect_refused([&] { json("[50, 2, 30.5, 40]", "[50, 2, 30.5]"); }, {"annotations[2]", "'bbox'", "width"});
  expect_refused([&] { json("[50, 2, 30.5, 40]", "[50, 2, -1, 40]"); }, {"annotations[2]", "'bbox'"});
  expect_refused([&] { json("\"files/a.jpg\"", "\"/etc/passwd\""); }, {"images[1]", "'path'"});
  expect_refused([&] { json("\"annotations\"", "\"others\""); }, {"a list 'annotations'"});
  expect_refused([&] { json("\"label_text\": \"canary edema\"}]", "\"label\": 1}]"); }, {"annotations[2]", "'label_text'"});
}
