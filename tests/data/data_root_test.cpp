#include "catch.hpp"
#include "expect_error.hpp"
#include "pair_folder.hpp"

#include <mgca/data/data_root.hpp>

#include <sys/stat.h>

using mgca::DataRoot;
using mgca::test::expect_error;
using mgca::test::Scratch;
using mgca::test::write_text;

TEST_CASE("data root: names that leave the root or are none are refused by their text", "[data][fast]") {
  const std::string longest(255, 'a');
  const std::vector<std::pair<std::string, std::string>> refused{
      {"", "empty"},
      {"/etc/passwd", "absolute"},
      {"//etc/passwd", "absolute"},
      {"/", "absolute"},
      {"/proc/self/mem", "absolute"},
      {"/dev/stdin", "absolute"},
      {"..", "'..'"},
      {"../a.png", "'..'"},
      {"../../etc/passwd", "'..'"},
      {"x/../a.png", "'..'"},
      {"x/../../a.png", "'..'"},
      {"./../a.png", "'..'"},
      {"x/..", "'..'"},
      {"x//..//..//a.png", "'..'"},
      {"images/../../../root/.ssh/id_rsa", "'..'"},
      {".", "folder"},
      {"./", "folder"},
      {"images/", "folder"},
      {"images/.", "folder"},
      {"images//", "folder"},
      {std::string("a\0.png", 6), "control"},
      {std::string("\0", 1), "control"},
      {"a\n.png", "control"},
      {"a\t.png", "control"},
      {"\x1b[31ma.png", "control"},
      {"a\x7f.png", "control"},
      {"..\\a.png", "backslash"},
      {"C:\\images\\a.png", "backslash"},
      {"images\\a.png", "backslash"},
      {std::string(5000, 'a'), "1,024"},
      {std::string(600, 'a') + "/" + std::string(600, 'b'), "1,024"},
      {longest + "a.png", "255"},
      {"x/" + longest + "a/y.png", "255"},
  };
  REQUIRE(refused.size() >= 30);
  for (const auto& [name, why] : refused) {
    INFO("a name of " << name.size() << " bytes, expected: " << why);
    const auto objection = DataRoot::objection(name);
    REQUIRE(objection.has_value());
    CHECK(objection->find(why) != std::string_view::npos);
  }
  for (const std::string name : {"a.png", "images/a.png", "./a.png", "images//a.png", "images/./a.png", ".hidden.png", "...", "..a.png", "a..png", "a.png.", "~", "~/a.png", "..%2fa.png",
                                 "%2e%2e/a.png", " a.png", "a b.png", "C:a.png", "-rf", "$(id).png", "\xc3\xa9.png"}) {
    INFO(name);
    CHECK_FALSE(DataRoot::objection(name).has_value());
  }
  CHECK_FALSE(DataRoot::objection(longest).has_value());
}

TEST_CASE("data root: a symbolic link may lead about below the root, and nowhere else", "[data][fast]") {
  const Scratch scratch;
  const auto root = scratch / "root", outside = scratch / "outside";
  std::filesystem::create_directories(root / "images");
  std::filesystem::create_directories(outside);
  std::filesystem::create_directories(scratch / "root-twin");  // its name begins like the root's
  write_text(root / "images" / "a.png", "inside");
  write_text(outside / "secret.png", "secret");
  write_text(scratch / "root-twin" / "a.png", "secret");
  std::filesystem::create_symlink("images/a.png", root / "alias.png");
  std::filesystem::create_symlink("images", root / "folder");
  std::filesystem::create_symlink(outside / "secret.png", root / "file.png");
  std::filesystem::create_symlink("../outside/secret.png", root / "relative.png");
  std::filesystem::create_symlink(outside, root / "way-out");
  std::filesystem::create_symlink("../root-twin", root / "twin");
  std::filesystem::create_symlink("way-out/secret.png", root / "two-steps.png");
  std::filesystem::create_symlink("/proc/self/mem", root / "memory.png");
  std::filesystem::create_symlink("/dev/zero", root / "zero.png");
  std::filesystem::create_symlink("/", root / "everything");
  std::filesystem::create_symlink("loop.png", root / "loop.png");
  std::filesystem::create_symlink(scratch / "nothing", root / "dangling.png");

  const DataRoot data(root);
  CHECK(data.read("images/a.png").size() == 6);
  CHECK(data.read("alias.png").size() == 6);
  CHECK(data.read("folder/a.png").size() == 6);
  for (const std::string name : {"file.png", "relative.png", "way-out/secret.png", "two-steps.png", "twin/a.png", "memory.png", "zero.png", "everything/etc/passwd"}) {
    expect_error([&] { (void)data.read(name); }, {name, "leads out of the data folder"});
  }
  expect_error([&] { (void)data.read("loop.png"); }, {"loop.png", "cannot resolve"});
  expect_error([&] { (void)data.read("dangling.png"); }, {"dangling.png", "No such file"});

  std::filesystem::create_symlink(root, scratch / "door");  // the root itself may be reached by a link
  CHECK(DataRoot(scratch / "door").read("images/a.png").size() == 6);
}

TEST_CASE("data root: folders, pipes and missing files are refused without waiting for them", "[data][fast]") {
  const Scratch scratch;
  std::filesystem::create_directories(scratch / "folder.png");
  REQUIRE(::mkfifo((scratch / "pipe.png").c_str(), 0600) == 0);
  const DataRoot data(scratch.path());
  for (const std::string name : {"folder.png", "pipe.png"}) {
    try {
      (void)data.read(name);
      FAIL("read " << name);
    } catch (const mgca::Error& error) {
      CHECK(error.kind() == mgca::ErrorKind::data);
      CHECK(std::string(error.what()).find(name + " is a folder, a pipe or a device") != std::string::npos);
    }
  }
  for (const std::string name : {"none.png", "~/none.png", "..%2fnone.png", "none/none.png"}) {
    try {
      (void)data.read(name);
      FAIL("read " << name);
    } catch (const mgca::Error& error) {
      CHECK(error.kind() == mgca::ErrorKind::system);
      CHECK(std::string(error.what()).find("No such file") != std::string::npos);
    }
  }
  expect_error([&] { DataRoot(scratch / "nowhere"); }, {"nowhere", "data folder"});
}
