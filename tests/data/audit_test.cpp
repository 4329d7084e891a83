#include "catch.hpp"
#include "expect_error.hpp"
#include "pair_folder.hpp"

#include <mgca/data/audit.hpp>
#include <mgca/data/synthetic.hpp>

#include <set>

using mgca::PairStudies;
using mgca::data::AuditOptions;
using mgca::data::ProblemKind;
using mgca::test::expect_error;
using mgca::test::PairFolder;
namespace data = mgca::data;

namespace {

using Found = std::multiset<std::pair<int64_t, ProblemKind>>;

Found found_in(const std::vector<data::Problem>& problems) {
  Found found;
  for (const auto& problem : problems) found.insert({problem.row, problem.kind});
  return found;
}

}  // namespace

TEST_CASE("audit: one pass lists every problem with its row", "[data][fast]") {
  const PairFolder folder(
      "image,report,patient,split\na.png,fine,p1,train\nno.png,fine,p2,train\nb.png,  ,p3,train\na.png,fine,p4,train\nc.png,fine,p1,test\n"
      "a.png,fine,p5,test\nd.png,fine,,train\nbroken.png,fine,p6,train\n");
  mgca::test::write_picture(folder.scratch / "d.png", 40);
  mgca::test::write_text(folder.scratch / "broken.png", "\x89PNG\r\n\x1a\n");
  const PairStudies pairs(folder.config());
  const auto problems = data::audit(pairs).problems;
  CHECK(found_in(problems) == Found{{2, ProblemKind::unreadable_image},
                                    {3, ProblemKind::empty_report},
                                    {4, ProblemKind::repeated_picture},
                                    {5, ProblemKind::patient_in_two_splits},
                                    {6, ProblemKind::picture_in_two_splits},
                                    {7, ProblemKind::missing_patient},
                                    {8, ProblemKind::unreadable_image}});
  CHECK(std::is_sorted(problems.begin(), problems.end(), [](const auto& a, const auto& b) { return a.row < b.row; }));
  expect_error([&] { data::require_none(problems, "pairs.csv"); },
               {"pairs.csv: 7 problems", "row 2", "no.png", "row 3: the report is empty", "row 4: the same image as row 1", "row 5: the patient of row 1",
                "row 6: the same image as row 1, which is in another split", "row 7: no patient", "row 8", "broken.png"});
  CHECK(found_in(data::grave(problems)) == Found{{2, ProblemKind::unreadable_image},
                                                 {3, ProblemKind::empty_report},
                                                 {5, ProblemKind::patient_in_two_splits},
                                                 {6, ProblemKind::picture_in_two_splits},
                                                 {8, ProblemKind::unreadable_image}});
}

TEST_CASE("audit: missing, cut off and unreadable pictures among many in five folders are all told by row, and no other", "[data][fast]") {
  const mgca::test::RawDownload folder;
  std::string table = "image,report\n";
  Found expected;
  for (int i = 0; i < 300; ++i) {
    const auto name = "f" + std::to_string(i % 5) + "/" + std::to_string(i) + ".png";
    table += name + ",clear\n";
    if (i % 31 == 30) expected.insert({i + 1, ProblemKind::unreadable_image});
    if (i % 93 == 30) continue;  // missing
    if (i % 93 == 61) {
      std::filesystem::create_symlink("nowhere", folder.place(name));
      continue;
    }
    mgca::test::write_picture(folder.place(name), static_cast<std::uint8_t>(i % 250), {.height = 4 + i / 250, .width = 4});
    if (i % 93 == 92) std::filesystem::resize_file(folder.path() / name, 50);
  }
  folder.write("pairs.csv", table);
  const auto audit = data::audit(PairStudies({.table = folder.path() / "pairs.csv"}));
  CHECK(expected.size() == 9);
  CHECK(found_in(audit.problems) == expected);
}

TEST_CASE("audit: the same picture under another name is found, also compressed otherwise, and whether it crosses splits", "[data][fast]") {
  const PairFolder folder("image,report,split\na.png,r,train\nb.png,r,train\ncopy.png,r,train\nrepacked.png,r,test\nwide.png,r,test\n");
  std::filesystem::copy_file(folder.scratch / "a.png", folder.scratch / "copy.png");
  auto bytes = mgca::read_file(folder.scratch / "b.png");
  // A text chunk more after the header of 33 bytes: other bytes, the same pixels.
  const std::string chunk("\0\0\0\x03tEXta\0" "b" "\xdc\x49\xa2\x3b", 15);
  const auto* first = reinterpret_cast<const std::byte*>(chunk.data());
  bytes.insert(bytes.begin() + 33, first, first + chunk.size());
  mgca::atomic_write(mgca::posix_files(), folder.scratch / "repacked.png", std::span<const std::byte>(bytes));
  mgca::test::write_picture(folder.scratch / "wide.png", 10, {.height = 4, .width = 16});  // the pixels of a.png in another shape
  const PairStudies pairs(folder.config());
  const auto audit = data::audit(pairs);
  CHECK(found_in(audit.problems) == Found{{3, ProblemKind::repeated_picture}, {4, ProblemKind::picture_in_two_splits}});
  expect_error([&] { data::require_none(audit.problems, "t"); }, {"row 3: the same picture under another name as row 1", "row 4: the same picture under another name as row 2, which is in another split"});
  CHECK(std::set<uint64_t>(audit.pictures.begin(), audit.pictures.end()).size() == 3);

  const auto tables = data::audit(pairs, {.pictures = false});  // nothing is decoded: nothing is seen, nothing is kept
  CHECK(tables.problems.empty());
  CHECK(tables.pictures.empty());
}

TEST_CASE("audit: boxes outside their picture and boxes given twice are found", "[data][fast]") {
  const PairFolder folder;
  const PairStudies pairs(folder.with_boxes("image,label,x,y,w,h\na.png,nodule,0,0,8,8\na.png,nodule,1,1,9,2\nb.png,mass,7,7,1,1\nb.png,nodule,7,7,1,1\nb.png,mass,7,7,1,1\nc.png,mass,0,0,8.9,8.9\n"));
  const auto problems = data::audit(pairs).problems;
  CHECK(found_in(problems) == Found{{1, ProblemKind::box_outside}, {2, ProblemKind::repeated_box}});
  expect_error([&] { data::require_none(problems, "t"); }, {"row 1: box 2 reaches outside the picture of 8 x 8", "row 2: box 3 is there twice"});
}

TEST_CASE("audit: sound data have no problem, whatever the number of threads", "[data][fast]") {
  const mgca::SyntheticStudies studies({.count = 40, .seed = 3, .image_size = 32});
  const auto alone = data::audit(studies);
  CHECK(alone.problems.empty());
  CHECK_NOTHROW(data::require_none(alone.problems, "t"));
  CHECK(std::set<uint64_t>(alone.pictures.begin(), alone.pictures.end()).size() == 40);
  for (const int64_t threads : {2, 5}) CHECK(data::audit(studies, {.threads = threads}).pictures == alone.pictures);
}

TEST_CASE("audit: neither reports nor patients are in what it says", "[data][fast]") {
  const PairFolder folder("image,report,patient,split\na.png,canary words,canary-patient,train\na.png,canary words,canary-patient,test\nnone.png,\" \",canary-patient,train\n");
  const auto problems = data::audit(PairStudies(folder.config())).problems;
  REQUIRE(problems.size() >= 4);
  for (const auto& problem : problems) CHECK(problem.what.find("canary") == std::string::npos);
}

TEST_CASE("audit: a long list is cut, its length is not", "[data][fast]") {
  std::string table = "image,report\n";
  for (int i = 0; i < 30; ++i) table += "none" + std::to_string(i) + ".png,r\n";
  const PairFolder folder(table);
  const auto problems = data::audit(PairStudies(folder.config())).problems;
  REQUIRE(problems.size() == 30);
  try {
    data::require_none(problems, "t");
    FAIL("30 problems passed");
  } catch (const mgca::Error& error) {
    const std::string text = error.what();
    CHECK(text.find("30 problems") != std::string::npos);
    CHECK(text.find("none9.png") != std::string::npos);
    CHECK(text.find("none10.png") == std::string::npos);
  }
}

TEST_CASE("audit: pictures that look alike are told on request, across splits too, and the same ones only as the same", "[data][fast]") {
  const PairFolder folder("image,report,patient,split\na.png,fine,p1,train\nb.png,fine,p2,test\nc.png,clear,p3,train\nd.png,clear,p4,train\n");
  mgca::GreyImage picture({.height = 32, .width = 34});
  for (int64_t y = 0; y < 32; ++y) {
    for (int64_t x = 0; x < 34; ++x) picture.at(y, x) = static_cast<uint8_t>((x * x * 7 + y * 13) % 200);
  }
  const auto write = [&](const char* name) { mgca::atomic_write(mgca::posix_files(), folder.scratch / name, std::span<const std::byte>(mgca::io::encode_png(picture.plane()))); };
  write("a.png");
  write("d.png");
  for (auto& pixel : picture.pixels()) pixel = static_cast<uint8_t>(pixel + 20);  // brighter, alike
  write("b.png");
  for (int64_t y = 0; y < 32; ++y) {
    for (int64_t x = 0; x < 34; ++x) picture.at(y, x) = static_cast<uint8_t>((y * x + 31 * (x % 5)) % 250);
  }
  write("c.png");
  const PairStudies pairs(folder.config());
  const auto audit = data::audit(pairs, {.similar = 4});
  CHECK(found_in(audit.problems) == Found{{2, ProblemKind::similar_picture}, {4, ProblemKind::repeated_picture}, {4, ProblemKind::similar_picture}});
  CHECK(audit.problems.at(1).what == "the picture looks like that of row 1, which is in another split");
  CHECK(audit.repeated_reports == 2);
  CHECK(data::audit(pairs).problems.size() == 1);
}

TEST_CASE("audit: a data set without reports has no empty ones", "[data][fast]") {
  const PairFolder folder("image,patient\na.png,p1\nb.png,p2\n");
  auto config = folder.config();
  config.report_column.clear();
  CHECK(data::audit(PairStudies(config)).problems.empty());
}
