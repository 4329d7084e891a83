#include "catch.hpp"
#include "expect_error.hpp"
#include "faulty_files.hpp"
#include "pair_folder.hpp"
#include "paths.hpp"
#include "vocabulary.hpp"

#include <mgca/data/pack_build.hpp>
#include <mgca/data/synthetic.hpp>

#include <mutex>
#include <set>

using mgca::BadSamples;
using mgca::ImagePack;
using mgca::test::expect_error;
using mgca::test::FaultyFiles;

namespace {

// Dark pictures that cost nothing to draw, except those that cannot be read; which ones were asked for is remembered.
struct Pictures {
  std::vector<mgca::Study> studies;
  std::vector<std::string> names;
  std::set<std::int64_t> damaged;
  mutable std::mutex mutex;
  mutable std::multiset<std::int64_t> asked;

  explicit Pictures(std::int64_t count, std::set<std::int64_t> bad = {}) : damaged(std::move(bad)) {
    for (std::int64_t i = 0; i < count; ++i)
      studies.push_back({.row = i + 1, .image = std::to_string(i) + ".png", .report = "heart normal"});
  }
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(studies.size()); }
  [[nodiscard]] const mgca::Study& record(std::int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
  [[nodiscard]] mgca::GreyImage image(std::int64_t i) const {
    {
      const std::lock_guard lock(mutex);
      asked.insert(i);
    }
    if (damaged.contains(i)) mgca::fail(mgca::ErrorKind::data, "t.csv: row ", i + 1, ": ", i, ".png: truncated");
    return mgca::GreyImage({.height = 4, .width = 4}, static_cast<std::uint8_t>(i + 1));
  }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
};

const mgca::PackOptions kSmall{.side = 4, .threads = 1};

void require_pictures(const std::filesystem::path& path, const Pictures& data) {
  const ImagePack pack(path, mgca::PackCheck::at_open);
  REQUIRE(pack.size() == data.size());
  for (std::int64_t i = 0; i < pack.size(); ++i) {
    REQUIRE(pack.entry(i).bad == data.damaged.contains(i));
    if (!pack.entry(i).bad) REQUIRE(pack.picture(i).at(3, 3) == i + 1);
  }
}

}  // namespace

TEST_CASE("pack_build: the file is the same for any number of threads, and a second call does nothing", "[data][fast]") {
  const mgca::test::Scratch scratch;
  const Pictures data(150);
  REQUIRE(mgca::data::pack(data, scratch / "one", kSmall).finished);
  auto three = kSmall;
  three.threads = 3;
  REQUIRE(mgca::data::pack(data, scratch / "three", three).finished);
  CHECK(mgca::read_file(scratch / "one") == mgca::read_file(scratch / "three"));
  require_pictures(scratch / "one", data);
  data.asked.clear();
  const auto again = mgca::data::pack(data, scratch / "one", kSmall);
  CHECK(again.finished);
  CHECK(again.kept == 150);
  CHECK(data.asked.empty());
  CHECK(mgca::posix_files().list(scratch.path()).size() == 2);
}

TEST_CASE("pack_build: whichever operation fails, the next call keeps what is whole and finishes the same file", "[data]") {
  const Pictures data(70);
  const mgca::test::Scratch scratch;
  REQUIRE(mgca::data::pack(data, scratch / "whole", kSmall).finished);
  const auto whole = mgca::read_file(scratch / "whole");
  bool reached = true;
  int resumed = 0;
  for (std::int64_t k = 1; reached; k = k < 12 ? k + 1 : k + 397) {  // a block of records is some 1,300 short writes
    const mgca::test::Scratch folder;
    FaultyFiles faulty({.fail_at = k, .mode = FaultyFiles::Mode::for_ever});
    try {
      (void)mgca::data::pack(data, folder / "a", kSmall, {}, faulty);
    } catch (const mgca::Error& error) {
      CHECK(error.kind() == mgca::ErrorKind::system);
    }
    reached = faulty.reached();
    data.asked.clear();
    const auto outcome = mgca::data::pack(data, folder / "a", kSmall);
    CHECK(outcome.finished);
    CHECK(static_cast<std::int64_t>(data.asked.size()) == data.size() - outcome.kept);
    resumed += outcome.kept > 0 ? 1 : 0;
    CHECK(mgca::read_file(folder / "a") == whole);
  }
  CHECK(resumed > 3);
}

TEST_CASE("pack_build: a stop leaves an unfinished pack that nobody takes for a finished one", "[data][fast]") {
  const mgca::test::Scratch scratch;
  const Pictures data(150);
  std::atomic<bool> stop = false;
  auto options = kSmall;
  options.stop = &stop;
  std::vector<std::int64_t> done;
  const auto watch = [&](std::string_view event, std::span<const mgca::Field> fields) {
    CHECK(event == "pack_progress");
    REQUIRE(fields.size() == 4);
    CHECK(std::get<std::int64_t>(fields[1].value) == 150);
    CHECK(std::get<double>(fields[2].value) > 0);
    CHECK(std::get<double>(fields[3].value) >= 0);
    done.push_back(std::get<std::int64_t>(fields[0].value));
    stop = done.size() == 2;
  };
  const auto first = mgca::data::pack(data, scratch / "a", options, watch);
  CHECK_FALSE(first.finished);
  CHECK(first.records == 64);
  CHECK(done == std::vector<std::int64_t>{32, 64});
  CHECK_FALSE(std::filesystem::exists(scratch / "a"));
  expect_error([&] { ImagePack pack(scratch / "a.part"); }, {"a.part", "not finished"});
  stop = false;
  const auto second = mgca::data::pack(data, scratch / "a", options, watch);
  CHECK(second.kept == 64);
  CHECK(data.asked.size() == 150);
  require_pictures(scratch / "a", data);
}

TEST_CASE("pack_build: damaged records of an unfinished pack are made anew; other data or options are refused", "[data][fast]") {
  const mgca::test::Scratch scratch;
  const Pictures data(150);
  std::atomic<bool> stop = false;
  auto options = kSmall;
  options.stop = &stop;
  (void)mgca::data::pack(data, scratch / "a", options, [&](std::string_view, std::span<const mgca::Field>) { stop = true; });
  stop = false;
  auto bytes = mgca::read_file(scratch / "a.part");
  bytes[4096 * 21 + 5] ^= std::byte{1};
  mgca::atomic_write(mgca::posix_files(), scratch / "a.part", bytes);
  auto larger = options;
  larger.side = 5;
  expect_error([&] { (void)mgca::data::pack(data, scratch / "a", larger); }, {"a.part", "unfinished", "side: begun with 4, now 5"});
  expect_error([&] { (void)mgca::data::pack(Pictures(149), scratch / "a", options); }, {"a.part", "list: begun with"});
  const auto outcome = mgca::data::pack(data, scratch / "a", options);
  CHECK(outcome.kept == 20);
  require_pictures(scratch / "a", data);
  expect_error([&] { (void)mgca::data::pack(data, scratch / "a", larger); }, {"the pack has 4, you ask for 5"});
  const mgca::WordPiece words(mgca::test::bert_vocabulary(), {.length = 8});
  options.tokenizer = &words;
  expect_error([&] { (void)mgca::data::pack(data, scratch / "a", options); }, {"tokens"});
}

TEST_CASE("pack_build: a picture whose file changed before an unfinished pack goes on is packed anew", "[data][fast]") {
  const mgca::test::PairFolder folder;
  std::string table = "image,report\n";
  for (int i = 0; i < 40; ++i) table += std::string(1, static_cast<char>("abc"[i % 3])) + ".png,clear\n";
  folder.table(table);
  const mgca::PairStudies pairs(folder.config());
  std::atomic<bool> stop = false;
  auto options = kSmall;
  options.stop = &stop;
  const auto path = folder.scratch / "a.pack";
  const auto begin = [&] {
    stop = false;
    return mgca::data::pack(pairs, path, options, [&](std::string_view, std::span<const mgca::Field>) { stop = true; });
  };
  REQUIRE(begin().records == 32);
  mgca::test::write_picture(folder.scratch / "c.png", 77, {.height = 9, .width = 9});
  const auto again = begin();
  CHECK(again.kept == 2);
  CHECK(again.records == 34);
  stop = false;
  CHECK(mgca::data::pack(pairs, path, options).kept == 34);
  const ImagePack pack(path, mgca::PackCheck::at_open);
  for (std::int64_t i = 0; i < 40; ++i) {
    CHECK(pack.picture(i).at(0, 0) == (i % 3 == 0 ? 10 : i % 3 == 1 ? 20 : 77));
    CHECK(pack.entry(i).source == mgca::checksum(pairs.image_bytes(i)));
  }
}

TEST_CASE("pack_build: two processes do not write one pack", "[data][fast]") {
  const mgca::test::Scratch scratch;
  const int other = mgca::posix_files().append(scratch / "a.part", 0);
  expect_error([&] { (void)mgca::data::pack(Pictures(3), scratch / "a", kSmall); }, {"a.part", "another process"});
  mgca::posix_files().close(other, scratch / "a.part");
  CHECK(mgca::data::pack(Pictures(3), scratch / "a", kSmall).finished);
}

TEST_CASE("pack_build: the first bad picture stops; otherwise bad ones leave their place empty, up to the limit", "[data][fast]") {
  const mgca::test::Scratch scratch;
  const Pictures data(250, {40, 199});
  expect_error([&] { (void)mgca::data::pack(data, scratch / "a", kSmall); }, {"t.csv: row 41", "40.png: truncated"});
  for (const auto policy : {BadSamples::skip, BadSamples::replace}) {
    auto options = kSmall;
    options.bad = {.policy = policy};
    const auto path = scratch / std::string(to_string(policy));
    const auto outcome = mgca::data::pack(data, path, options);
    CHECK(outcome.finished);
    CHECK(outcome.bad.size() == 2);
    CHECK(outcome.bad.at(41) == "t.csv: row 41: 40.png: truncated");
    require_pictures(path, data);
    const ImagePack pack(path);
    CHECK(pack.bad() == 2);
    expect_error([&] { (void)pack.picture(199); }, {"record 199", "row 200", "could not be read"});
    CHECK(mgca::data::pack(data, path, options).bad.size() == 2);
    expect_error(
        [&] {
          (void)mgca::data::pack(Pictures(250, {3, 5, 7}), scratch / "b", options);
        },
        {"3 of 250", "1 %", "row 4", "row 6", "row 8"});
  }
  auto options = kSmall;
  options.bad = {.policy = BadSamples::skip};
  const auto mended = mgca::data::pack(Pictures(250), scratch / "a", kSmall);  // keeps what came before the bad one
  CHECK(mended.finished);
  CHECK(mended.kept == 32);
}

TEST_CASE("pack_build: image files are kept as a hash; neither reports nor names are in the pack", "[data][fast]") {
  const mgca::test::PairFolder folder("image,report,patient,split\na.png,CANARYclear lungs,CANARYp1,train\nb.png,effusion,p2,test\n");
  const mgca::PairStudies pairs(folder.config());
  const mgca::WordPiece words(mgca::test::bert_vocabulary(), {.length = 8});
  const auto train = mgca::split_of(pairs, "train");
  auto options = kSmall;
  options.tokenizer = &words;
  REQUIRE(mgca::data::pack(pairs, folder.scratch / "all.pack", options).finished);
  REQUIRE(mgca::data::pack(train, folder.scratch / "train.pack", options).finished);
  const ImagePack pack(folder.scratch / "all.pack");
  CHECK(pack.entry(1).source == mgca::checksum(mgca::read_file(folder.scratch / "b.png")));
  CHECK(ImagePack(folder.scratch / "train.pack").entry(0).source == pack.entry(0).source);
  const auto text = mgca::read_text_file(folder.scratch / "all.pack");
  CHECK(text.find("CANARY") == std::string::npos);
  CHECK(text.find("b.png") == std::string::npos);
  std::filesystem::remove(folder.scratch / "a.png");
  expect_error([&] { (void)pairs.image_bytes(0); }, {"pairs.csv: row 1", "a.png", "No such file"});
}

TEST_CASE("pack_build: what cannot be packed is told before any picture is read", "[data][fast]") {
  const mgca::test::Scratch scratch;
  Pictures data(3);
  data.studies[1].report = "\xFF";
  const mgca::WordPiece words(mgca::test::bert_vocabulary(), {.length = 8});
  auto options = kSmall;
  options.tokenizer = &words;
  expect_error([&] { (void)mgca::data::pack(data, scratch / "a", options); }, {"the report of row 2", "UTF-8"});
  options.tokenizer = nullptr;
  options.side = 0;
  expect_error([&] { (void)mgca::data::pack(data, scratch / "a", options); }, {"side 0"});
  expect_error([&] { (void)mgca::data::pack(Pictures(0), scratch / "a", kSmall); }, {"no record"});
  expect_error([&] { (void)mgca::data::pack(data, scratch / "absent" / "a", kSmall); }, {"absent", "No such file"});
  CHECK(data.asked.empty());
  CHECK(mgca::posix_files().list(scratch.path()).empty());
}
