#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/core/file.hpp>
#include <mgca/data/sources/drawn_masks.hpp>

namespace {

struct DrawnFolder {
  mgca::test::Scratch scratch;
  mgca::GreyImage mask{{.height = 4, .width = 5}};

  DrawnFolder() { mask.at(1, 2) = mask.at(1, 3) = 255; }
  void write(const std::string& table) const {
    const auto save = [&](const char* name, const mgca::GreyImage& picture) {
      mgca::atomic_write(mgca::posix_files(), scratch / name, std::span<const std::byte>(mgca::io::encode_png(picture.plane())));
    };
    save("a.png", mgca::GreyImage({.height = 4, .width = 5}, 90));
    save("m.png", mask);
    mgca::atomic_write(mgca::posix_files(), scratch / "masks.csv", std::string_view(table));
  }
  [[nodiscard]] mgca::DrawnMasks read(const std::string& classes = "") const {
    return mgca::DrawnMasks({.folder = scratch.path(), .class_column = classes});
  }
};

}  // namespace

TEST_CASE("drawn_masks: white is inside, grey undecided, and each row keeps split, group and class", "[data][fast]") {
  DrawnFolder folder;
  folder.write("image,mask,split,group,part\na.png,m.png,train,p1,child\na.png,m.png,test,p2,adult\n");
  const auto sure = folder.read("part");
  CHECK((sure.size() == 2 && sure.record(1).row == 2 && sure.record(1).split == "test" && sure.record(0).patient == "p1"));
  CHECK(sure.label_names() == std::vector<std::string>{"adult", "child"});
  CHECK(sure.record(0).labels == std::vector<float>{0, 1});
  CHECK(mgca::image::area(*sure.record(0).mask) == 2);
  CHECK(mgca::image::painted(*sure.record(0).mask).at(1, 3) == 255);
  CHECK_FALSE(sure.record(0).undecided);
  CHECK(sure.image(0).at(3, 4) == 90);
  folder.mask.at(3, 0) = 127;
  folder.mask.at(3, 4) = 128;
  folder.write("image,mask\na.png,m.png\n");
  const auto unsure = folder.read();
  CHECK((unsure.label_names().empty() && unsure.record(0).labels.empty() && unsure.record(0).split.empty()));
  CHECK((mgca::image::area(*unsure.record(0).mask) == 2 && mgca::image::area(*unsure.record(0).undecided) == 2));
}

TEST_CASE("drawn_masks: other grey levels, paths that leave the folder, missing columns and rows are refused", "[data][fast]") {
  DrawnFolder folder;
  folder.mask.at(0, 0) = 254;
  folder.write("image,mask\na.png,m.png\n");
  mgca::test::expect_error([&] { (void)folder.read(); }, {"masks.csv", "row 1", "254", "127"});
  folder.write("image,mask\na.png,../m.png\n");
  mgca::test::expect_error([&] { (void)folder.read(); }, {"masks.csv", "row 1", "path"});
  const mgca::test::Scratch outside;
  std::filesystem::copy(folder.scratch / "a.png", outside / "a.png");
  std::filesystem::create_symlink(outside / "a.png", folder.scratch / "out.png");
  folder.mask.at(0, 0) = 0;
  folder.write("image,mask\na.png,out.png\n");
  mgca::test::expect_error([&] { (void)folder.read(); }, {"masks.csv", "row 1", "out.png"});
  folder.write("image,mask\nout.png,m.png\nnone.png,m.png\n");
  const auto linked = folder.read();
  mgca::test::expect_error([&] { (void)linked.image(0); }, {"masks.csv", "row 1", "out.png"});
  mgca::test::expect_error([&] { (void)linked.image(1); }, {"masks.csv", "row 2", "none.png"});
  folder.write("image,other\na.png,m.png\n");
  mgca::test::expect_error([&] { (void)folder.read(); }, {"masks.csv", "mask"});
  folder.write("image,mask\n");
  mgca::test::expect_error([&] { (void)folder.read(); }, {"masks.csv", "no rows"});
}
