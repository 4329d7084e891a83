#include "catch.hpp"
#include "expect_error.hpp"
#include "faulty_files.hpp"
#include "memory_files.hpp"
#include "paths.hpp"

#include <mgca/core/random.hpp>
#include <mgca/train/checkpoint.hpp>

#include <array>
#include <fstream>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>

using mgca::test::FaultyFiles;
using mgca::test::MemoryFiles;
using mgca::test::Scratch;

namespace {

mgca::Checkpoint example(int64_t step) {
  mgca::Checkpoint checkpoint{.record = {.epoch = 1, .batch = 2, .step = step, .identity = {{"config", "abc"}}}};
  checkpoint.parts["model"] = {{"weight", torch::full({3, 2}, static_cast<float>(step))}, {"empty", torch::zeros({0})}};
  checkpoint.parts["random"] = {{"cpu", torch::arange(16).to(torch::kUInt8)}};
  return checkpoint;
}

int64_t newest_step(const std::filesystem::path& folder) {
  const auto found = mgca::CheckpointFolder(folder, 2).newest({});
  return found ? found->record.step : -1;
}

}  // namespace

TEST_CASE("checkpoint: the record and every tensor survive the round trip", "[train][fast]") {
  const Scratch scratch;
  mgca::write_checkpoint(mgca::posix_files(), scratch / "a.safetensors", example(7));
  const auto back = mgca::read_checkpoint(scratch / "a.safetensors");
  CHECK(mgca::to_json_text(back.record) == mgca::to_json_text(example(7).record));
  CHECK(back.parts.at("model").size() == 2);
  CHECK(torch::equal(back.parts.at("random")[0].value, torch::arange(16).to(torch::kUInt8)));
}

TEST_CASE("checkpoint: every truncation and every flipped bit is found", "[train][slow]") {
  const Scratch scratch;
  const auto path = scratch / "a.safetensors";
  mgca::write_checkpoint(mgca::posix_files(), path, example(7));
  const auto good = mgca::read_file(path);
  const auto refused = [&](const std::vector<std::byte>& bytes) {
    std::ofstream(scratch / "b.safetensors", std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    try {
      (void)mgca::read_checkpoint(scratch / "b.safetensors");
      return false;
    } catch (const mgca::Error& error) {
      return std::string(error.what()).find("b.safetensors") != std::string::npos;
    }
  };
  CHECK_FALSE(refused(good));
  for (std::size_t length = 0; length < good.size(); length += 7) {
    INFO("cut at " << length);
    REQUIRE(refused({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)}));
  }
  for (std::size_t bit = 0; bit < good.size() * 8; bit += 3) {
    auto flipped = good;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    INFO("bit " << bit);
    REQUIRE(refused(flipped));
  }
}

TEST_CASE("checkpoint: whatever operation of a save fails, a whole generation is left", "[train][fast]") {
  for (const auto mode : {FaultyFiles::Mode::once, FaultyFiles::Mode::for_ever}) {
    for (int64_t k = 1;; ++k) {
      const Scratch scratch;
      mgca::CheckpointFolder(scratch.path(), 2).save(example(10));
      mgca::CheckpointFolder(scratch.path(), 2).save(example(20));
      FaultyFiles faulty({.fail_at = k, .code = ENOSPC, .mode = mode});
      INFO("operation " << k);
      bool failed = false;
      try {
        mgca::CheckpointFolder(scratch.path(), 2, faulty).save(example(30));
      } catch (const mgca::Error& error) {
        failed = true;
        CHECK(error.kind() == mgca::ErrorKind::system);
        CHECK(std::string(error.what()).find("No space left") != std::string::npos);
      }
      const auto newest = newest_step(scratch.path());
      CHECK((newest == 30 || (failed && newest == 20)));
      mgca::CheckpointFolder(scratch.path(), 2).save(example(40));  // the next save works again
      CHECK(newest_step(scratch.path()) == 40);
      if (!faulty.reached()) break;
      REQUIRE(k < 100);
    }
  }
}

TEST_CASE("checkpoint: a process that ends at any operation of its saves leaves the newest announced generation or a newer one", "[train][slow]") {
  for (int64_t k = 1;; ++k) {
    const Scratch scratch;
    std::array<int, 2> announced{};
    REQUIRE(::pipe(announced.data()) == 0);
    const pid_t child = ::fork();
    if (child == 0) {  // first save, second, then two with rotation
      FaultyFiles faulty({.fail_at = k, .die = true});
      mgca::CheckpointFolder folder(scratch.path(), 2, faulty);
      for (char step = 1; step <= 4; ++step) {
        folder.save(example(step));
        if (::write(announced[1], &step, 1) != 1) ::_exit(4);
      }
      ::_exit(0);
    }
    ::close(announced[1]);
    char last = 0;
    while (::read(announced[0], &last, 1) == 1) {}
    ::close(announced[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    INFO("operation " << k);
    REQUIRE(WIFEXITED(status));
    const auto newest = newest_step(scratch.path());
    CHECK((newest == last || newest == last + 1 || (last == 0 && newest == -1)));
    if (WEXITSTATUS(status) == 0) break;
    REQUIRE(WEXITSTATUS(status) == 3);
    REQUIRE(k < 200);
  }
}

TEST_CASE("checkpoint: after a power failure at any operation a generation at least as new as the announced one is whole", "[train][slow]") {
  const Scratch scratch;  // only its name is used
  for (int64_t operations = 0;; ++operations) {
    bool finished = false;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      MemoryFiles disk = MemoryFiles().with_power_for(operations);
      int64_t announced = -1;
      try {
        mgca::CheckpointFolder folder(scratch.path(), 2, disk);
        for (const int64_t step : {1, 2, 3, 4}) {
          folder.save(example(step));
          announced = step;
        }
        finished = true;
      } catch (const mgca::Error&) {
      }
      auto later = disk.after_power_failure(seed);
      INFO("operations " << operations << " seed " << seed << " announced " << announced);
      std::optional<mgca::Checkpoint> found;
      CHECK_NOTHROW(found = mgca::CheckpointFolder(scratch.path(), 2, later).newest({}));
      const int64_t newest = found ? found->record.step : -1;
      REQUIRE(newest >= announced);
      if (found) REQUIRE(torch::equal(found->parts.at("model")[0].value, torch::full({3, 2}, static_cast<float>(newest))));
    }
    if (finished) break;
    REQUIRE(operations < 300);
  }
}

TEST_CASE("checkpoint: a damaged generation is reported and the one before it is taken", "[train][fast]") {
  const Scratch scratch;
  mgca::CheckpointFolder folder(scratch.path(), 2);
  folder.save(example(10));
  folder.save(example(20));
  std::filesystem::resize_file(scratch.path() / folder.generations().front(), 100);
  std::string reported;
  const auto found = folder.newest([&](std::string_view event, std::span<const mgca::Field> fields) {
    reported = std::string(event) + " " + std::get<std::string>(fields[0].value);
  });
  REQUIRE(found);
  CHECK(found->record.step == 10);
  CHECK(reported.find("checkpoint_unreadable") == 0);
  CHECK(reported.find("step-0000000020") != std::string::npos);
  std::filesystem::resize_file(scratch.path() / folder.generations().back(), 100);
  mgca::test::expect_error([&] { (void)folder.newest({}); }, {"no checkpoint is whole", "step-0000000020", "step-0000000010"});
}

TEST_CASE("checkpoint: old generations go only beyond those kept, and fewer than two are refused", "[train][fast]") {
  const Scratch scratch;
  mgca::CheckpointFolder folder(scratch.path(), 3);
  for (int64_t step = 1; step <= 6; ++step) folder.save(example(step));
  CHECK(folder.generations().size() == 3);
  CHECK(newest_step(scratch.path()) == 6);
  mgca::test::expect_error([&] { mgca::CheckpointFolder(scratch.path(), 1); }, {"keep", "1"});
}

TEST_CASE("checkpoint: another format is refused by its number before its keys are read", "[train][fast]") {
  const Scratch scratch;
  const auto path = scratch / "a.safetensors";
  for (const auto& [record, said] : std::vector<std::pair<std::string, std::string>>{
           {R"({"format":3,"library":"9.1.0","later":[]})", "format 3, this version reads 2"}, {R"({"format":1,"library":"0.0.1"})", "format 1"}, {"{}", "format (absent)"}}) {
    const mgca::WeightRecords none(mgca::StateDict{});
    mgca::io::write_safetensors(path, none.records(), {{"record", record}, {"checksums", ""}, {"seal", mgca::detail::seal_of(record, "", none.records())}});
    mgca::test::expect_error([&] { (void)mgca::read_checkpoint(path); }, {"a.safetensors", said, "use the version that wrote it"});
  }
}

TEST_CASE("checkpoint: a part that is missing is named", "[train][fast]") {
  mgca::test::expect_error([] { (void)example(7).part("optimizer"); }, {"step 7", "optimizer"});
}

TEST_CASE("checkpoint: a later generation that cannot be read neither counts as kept nor is touched", "[train][fast]") {
  const Scratch scratch;
  mgca::CheckpointFolder folder(scratch.path(), 2);
  folder.save(example(10));
  folder.save(example(90));
  std::filesystem::resize_file(scratch.path() / folder.generations().front(), 100);
  for (const int64_t step : {11, 12, 13}) {
    REQUIRE(newest_step(scratch.path()) > 0);
    folder.save(example(step));
    CHECK(newest_step(scratch.path()) == step);
  }
  REQUIRE(folder.generations().size() == 3);
  CHECK(folder.generations()[0] == "step-0000000090.safetensors");
  CHECK(folder.generations()[2] == "step-0000000012.safetensors");
  CHECK(std::filesystem::file_size(scratch.path() / folder.generations()[0]) == 100);
}

TEST_CASE("checkpoint: 500 saves leave no descriptor, no temporary and no memory behind", "[train][slow]") {
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const auto pages = [] {
    std::ifstream status("/proc/self/statm");
    int64_t all = 0, resident = 0;
    status >> all >> resident;
    return resident;
  };
  const Scratch scratch;
  mgca::CheckpointFolder folder(scratch.path(), 3);
  int64_t step = 0;
  const auto save = [&](int64_t count) {
    for (int64_t i = 0; i < count; ++i) folder.save(example(++step));
  };
  save(100);
  const auto descriptors_before = descriptors();
  const auto pages_before = pages();
  save(400);
  CHECK(descriptors() == descriptors_before);
  CHECK((pages() - pages_before) * ::sysconf(_SC_PAGESIZE) < 400 * 1024);  // less than 1 KB a save
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(scratch.path())) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  CHECK((names == std::vector<std::string>{"step-0000000498.safetensors", "step-0000000499.safetensors", "step-0000000500.safetensors"}));
}
