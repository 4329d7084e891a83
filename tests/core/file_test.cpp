#include "catch.hpp"
#include "expect_error.hpp"
#include "faulty_files.hpp"
#include "memory_files.hpp"
#include "paths.hpp"

#include <mgca/core/file.hpp>

#include <sys/stat.h>

using mgca::test::FaultyFiles;
using mgca::test::MemoryFiles;
using mgca::test::Scratch;

TEST_CASE("file: whatever operation fails, the file is the old or the new one, never torn", "[core][fast]") {
  const std::string before(350, 'a'), after(470, 'b');
  for (const auto mode : {FaultyFiles::Mode::once, FaultyFiles::Mode::for_ever}) {
    for (const int code : {ENOSPC, EIO, EACCES, EROFS}) {
      for (int64_t k = 1;; ++k) {
        const Scratch scratch;
        const auto path = scratch / "file.txt";
        mgca::atomic_write(mgca::posix_files(), path, before);
        FaultyFiles faulty({.fail_at = k, .code = code, .mode = mode});
        bool failed = false;
        try {
          mgca::atomic_write(faulty, path, after);
        } catch (const mgca::Error& error) {
          failed = true;
          CHECK(error.kind() == mgca::ErrorKind::system);
          CHECK(std::string(error.what()).find(scratch.path().string()) != std::string::npos);
          CHECK(std::string(error.what()).find(std::strerror(code)) != std::string::npos);
        }
        INFO("operation " << k);
        const auto now = mgca::read_text_file(path);
        CHECK((now == after || (failed && now == before)));
        if (mode == FaultyFiles::Mode::once) CHECK(mgca::posix_files().list(scratch.path()).size() == 1);  // no temporary left
        if (!faulty.reached()) break;
        REQUIRE(k < 50);
      }
    }
  }
}

TEST_CASE("file: after a power failure at any operation the file is the old or the new one, and the new one once written", "[core][fast]") {
  const std::string before(3500, 'a'), after(4700, 'b');
  const std::filesystem::path path = "/disk/file.txt";
  const auto text = [&](const std::vector<std::byte>& bytes) { return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()); };
  int64_t old_states = 0, new_states = 0;
  for (int64_t operations = 0;; ++operations) {
    MemoryFiles first;
    mgca::atomic_write(first, path, before);
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      MemoryFiles disk = first.after_power_failure(0).with_power_for(operations);
      bool returned = true;
      try {
        mgca::atomic_write(disk, path, after);
      } catch (const mgca::Error&) {
        returned = false;
      }
      INFO("operations " << operations << " seed " << seed);
      const auto now = text(disk.after_power_failure(seed).read(path));
      REQUIRE((now == after || (!returned && now == before)));
      ++(now == after ? new_states : old_states);
    }
    MemoryFiles disk = first.after_power_failure(0).with_power_for(operations);
    try {
      mgca::atomic_write(disk, path, after);
      break;
    } catch (const mgca::Error&) {
      REQUIRE(operations < 50);
    }
  }
  CHECK(old_states > 100);
  CHECK(new_states > 40);
}

TEST_CASE("file: the simulated disk does forget what was not synced", "[core][fast]") {
  const std::filesystem::path path = "/disk/file.txt";
  const std::string text(2000, 'x');
  int64_t absent = 0, torn = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    MemoryFiles disk;
    const int file = disk.create(path);
    (void)disk.write(file, std::as_bytes(std::span(text)), path);
    auto later = disk.after_power_failure(seed);
    try {
      torn += later.read(path) != disk.read(path) ? 1 : 0;
    } catch (const mgca::Error&) {
      ++absent;
    }
  }
  CHECK(absent > 5);
  CHECK(torn > 5);
}

TEST_CASE("file: a first write that fails leaves nothing under the name", "[core][fast]") {
  const Scratch scratch;
  FaultyFiles faulty({.fail_at = 2});
  CHECK_THROWS_AS(mgca::atomic_write(faulty, scratch / "new.txt", std::string_view("text")), mgca::Error);
  CHECK_FALSE(std::filesystem::exists(scratch / "new.txt"));
}

TEST_CASE("file: missing files, folders and unwritable places are named with the reason", "[core][fast]") {
  const Scratch scratch;
  mgca::test::expect_error([&] { (void)mgca::read_file(scratch / "absent"); }, {"absent", "No such file"});
  mgca::test::expect_error([&] { (void)mgca::read_file(scratch.path()); }, {"directory"});
  mgca::test::expect_error([] { mgca::atomic_write(mgca::posix_files(), "/no/such/folder/x", std::string_view("y")); }, {"/no/such/folder", "create"});
}

TEST_CASE("file: a pipe or device is refused at once", "[core][fast]") {
  const Scratch scratch;
  REQUIRE(::mkfifo((scratch / "pipe").c_str(), 0600) == 0);
  for (const auto& path : {scratch / "pipe", std::filesystem::path("/dev/zero")}) {
    mgca::test::expect_error([&] { (void)mgca::read_file(path); }, {path.string(), "Invalid argument"});
  }
}

TEST_CASE("file: appending goes on behind what is kept, and refuses a shorter file, a missing one and one that is being written", "[core][fast]") {
  const Scratch scratch;
  auto& files = mgca::posix_files();
  const auto add = [&](std::size_t size, std::string_view text) {
    const int file = files.append(scratch / "a", size);
    CHECK(files.write(file, std::as_bytes(std::span(text)), scratch / "a") == text.size());
    mgca::test::expect_error([&] { (void)files.append(scratch / "a", 0); }, {"another process"});
    files.close(file, scratch / "a");
  };
  mgca::test::expect_error([&] { (void)files.append(scratch / "a", 1); }, {"No such file"});
  add(0, "begun");
  add(2, "tter");
  CHECK(mgca::read_text_file(scratch / "a") == "better");
  mgca::test::expect_error([&] { (void)files.append(scratch / "a", 7); }, {"a: cannot continue", "Invalid argument"});
  CHECK(mgca::read_text_file(scratch / "a") == "better");
}
