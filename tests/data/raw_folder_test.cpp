#include "raw_download.hpp"

#include <sys/stat.h>

using mgca::RawFolder;
using mgca::test::expect_refused;
using mgca::test::RawDownload;

TEST_CASE("raw folder: what is read is remembered once, with its size and hash", "[data][fast]") {
  const RawDownload layout;
  layout.write("b.csv", "x,y\n1,2\n");
  layout.write("a.txt", "abc");
  auto raw = layout.raw();
  CHECK(raw.text("a.txt") == "abc");
  CHECK(raw.table("b.csv").column("y") == 1);
  CHECK(raw.text("a.txt") == "abc");
  REQUIRE(raw.read().size() == 2);
  CHECK(raw.read()[0] ==
        mgca::SourceFile{
            .name = "a.txt", .files = 1, .bytes = 3, .sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"});
  CHECK(raw.read()[1].name == "b.csv");
  raw.note({.name = "a.txt", .files = 2, .bytes = 9, .sha256 = "new"});
  CHECK(raw.read().size() == 2);
  CHECK(raw.read()[0].sha256 == "new");
}

TEST_CASE("raw folder: a missing file is named with the nearest of its kind beside it, never with pictures", "[data][fast]") {
  const RawDownload layout;
  layout.write("train-rle.csv", "x\n");
  layout.picture("train_rlf.png");
  auto raw = layout.raw();
  CHECK_FALSE(raw.has("train_rle.csv"));
  expect_refused([&] { (void)raw.text("train_rle.csv"); }, {"train_rle.csv", "no such file", "'train-rle.csv'"});
  expect_refused([&] { (void)raw.text("list.txt"); }, {"list.txt", "no such file", "--raw"});
  expect_refused([&] { (void)raw.text("none/list.txt"); }, {"list.txt", "no such file"});
  CHECK(raw.read().empty());
  expect_refused([&] { RawFolder(layout.path() / "none"); }, {"none"});
  expect_refused([&] { RawFolder(layout.path() / "train-rle.csv"); }, {"train-rle.csv", "not a folder"});
}

TEST_CASE("raw folder: files are listed below a folder by their ending, sorted", "[data][fast]") {
  const RawDownload layout;
  for (const char* name : {"b/2.dcm", "b/c/1.dcm", "a.dcm", "b/2.txt"}) layout.write(name, "x");
  const auto raw = layout.raw();
  using Names = std::vector<std::string>;
  CHECK(raw.files("", ".dcm") == Names{"a.dcm", "b/2.dcm", "b/c/1.dcm"});
  CHECK(raw.files("b", ".dcm") == Names{"b/2.dcm", "b/c/1.dcm"});
  CHECK(raw.files("b", ".png").empty());
  expect_refused([&] { (void)raw.files("d", ".dcm"); }, {"d", "list"});
}

TEST_CASE("raw folder: links that lead out, pipes and folders are not read", "[data][fast]") {
  const RawDownload layout, elsewhere;
  elsewhere.write("secret.txt", "canary");
  std::filesystem::create_symlink(elsewhere.path() / "secret.txt", layout.path() / "out.txt");
  std::filesystem::create_symlink("/proc/self/mem", layout.path() / "mem.txt");
  std::filesystem::create_directories(layout.path() / "folder.txt");
  REQUIRE(::mkfifo((layout.path() / "pipe.txt").c_str(), 0600) == 0);
  auto raw = layout.raw();
  expect_refused([&] { (void)raw.text("out.txt"); }, {"out.txt", "leads out"});
  expect_refused([&] { (void)raw.text("mem.txt"); }, {"mem.txt", "leads out"});
  expect_refused([&] { (void)raw.text("folder.txt"); }, {"folder.txt", "regular file"});
  expect_refused([&] { (void)raw.text("pipe.txt"); }, {"pipe.txt", "regular file"});
}
