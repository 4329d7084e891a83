#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"
#include "toy_run.hpp"

#include <fstream>

using mgca::test::Scratch;
using mgca::test::ToyData;

namespace {

std::vector<std::string> event_files(const std::filesystem::path& folder) {
  std::vector<std::string> contents;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) contents.push_back(mgca::read_text_file(entry.path()));
  return contents;
}

int64_t times(const std::string& text, const std::string& piece) {
  int64_t count = 0;
  for (auto at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("tensorboard: every report and every epoch is in the file, each value under its name", "[train][fast]") {
  const Scratch scratch;
  const ToyData data{.count = 24};
  const mgca::Loader<ToyData> batches(data, {.batch_size = 4, .threads = 0});
  mgca::test::ToyTask task;
  mgca::FitOptions options;
  options.epochs = 2;
  options.report_every = 3;
  for (int run = 1; run <= 2; ++run) {
    (void)mgca::fit(task, batches, options, mgca::Validate(task, batches), mgca::TensorBoard(scratch.path()));
    const auto files = event_files(scratch.path());
    REQUIRE(files.size() == static_cast<std::size_t>(run));  // a run taken up again adds a file
    CHECK(times(files[0], "train/loss") == 4);
    CHECK(times(files[0], "train/learning_rate") == 4);
    CHECK(times(files[0], "epoch/val_error") == 2);
  }
}

TEST_CASE("tensorboard: a folder that cannot be made is named", "[train][fast]") {
  const Scratch scratch;
  std::ofstream(scratch / "file") << "x";
  const ToyData data{.count = 24};
  const mgca::Loader<ToyData> batches(data, {.batch_size = 4, .threads = 0});
  mgca::test::Trap trap;
  mgca::test::ToyTask task{.trap = &trap};
  mgca::test::expect_error([&] { (void)mgca::fit(task, batches, mgca::FitOptions{}, mgca::TensorBoard(scratch / "file" / "folder")); }, {"file/folder"});
  CHECK(trap.passed == 0);  // before anything is trained
}
