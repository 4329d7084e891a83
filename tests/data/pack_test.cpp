#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"
#include "vocabulary.hpp"

#include <mgca/data/pack_build.hpp>
#include <mgca/data/synthetic.hpp>

#include <fstream>
#include <set>

using mgca::ImagePack;
using mgca::PackCheck;
using mgca::test::expect_error;

namespace {

const mgca::SyntheticConfig kStudies{.count = 7, .seed = 3, .image_size = 50};

mgca::WordPiece tokenizer(int64_t length = 24) { return mgca::WordPiece(mgca::test::bert_vocabulary(), {.length = length}); }

// A finished pack of seven pictures of side 40 with their tokens.
struct Packed {
  mgca::test::Scratch scratch;
  mgca::SyntheticStudies studies{kStudies};
  mgca::WordPiece words = tokenizer();
  std::filesystem::path path = scratch / "studies.pack";
  Packed() { REQUIRE(mgca::data::pack(studies, path, {.side = 40, .tokenizer = &words}).finished); }

  [[nodiscard]] std::vector<std::byte> bytes() const { return mgca::read_file(path); }
  [[nodiscard]] std::filesystem::path with(const std::vector<std::byte>& changed) const {
    mgca::atomic_write(mgca::posix_files(), scratch / "changed.pack", changed);
    return scratch / "changed.pack";
  }
};

bool equal(const mgca::Plane<const std::uint8_t>& a, const mgca::GreyImage& b) {
  return a.height == b.height() && a.width == b.width() && std::ranges::equal(a.pixels, b.pixels());
}

}  // namespace

TEST_CASE("pack: pictures, sizes, rows and tokens are those of the data, found by row and path", "[data][fast]") {
  const Packed packed;
  const ImagePack pack(packed.path);
  REQUIRE(pack.size() == 7);
  CHECK(pack.bad() == 0);
  CHECK(packed.bytes().size() == 4096 + 7 * 4096 + 7 * 64 + 7 * (12 + 24 * 3) + 32);  // records begin at multiples of 4,096
  for (std::int64_t i = 0; i < pack.size(); ++i) {
    const auto decoded = packed.studies.image(i);
    CHECK(equal(pack.picture(i), mgca::image::fit_to_square(decoded.plane(), 40)));
    CHECK(pack.entry(i).height == 50);
    CHECK(pack.entry(i).row == i + 1);
    CHECK(pack.entry(i).picture == mgca::data::detail::seen(decoded, false).content);
    CHECK(pack.find(packed.studies.record(i)) == i);
    const auto tokens = pack.tokens(i, packed.studies.record(i).report);
    const auto expected = mgca::detail::tokens_of_report(packed.studies.record(i).report, packed.words, mgca::Profile::fixed);
    REQUIRE(tokens.has_value());
    CHECK(tokens->pieces.ids == expected.pieces.ids);
    CHECK(tokens->pieces.used == expected.pieces.used);
    CHECK(tokens->words.slot_of_token == expected.words.slot_of_token);
    CHECK(tokens->words.words == expected.words.words);
    CHECK_FALSE(pack.tokens(i, packed.studies.record(i).report + ".").has_value());
  }
  mgca::Study other = packed.studies.record(0);
  other.row = 8;
  CHECK_FALSE(pack.find(other).has_value());
  CHECK(pack.content().tokens->vocabulary == packed.words.vocabulary().content_hash());
  expect_error([&] { (void)pack.picture(7); }, {"record 7 of 7"});
}

TEST_CASE("pack: local contrast is applied as for pictures in memory; long reports and large vocabularies keep their tokens",
          "[data][fast]") {
  const mgca::test::Scratch scratch;
  const mgca::SyntheticStudies studies({.count = 2, .image_size = 50});
  const auto long_rows = tokenizer(300);  // slots of two bytes
  REQUIRE(mgca::data::pack(studies, scratch / "a",
                           {.side = 32, .local_contrast = {.radius = 2}, .tokenizer = &long_rows, .profile = mgca::Profile::official})
              .finished);
  const ImagePack pack(scratch / "a");
  const auto decoded = studies.image(1);
  CHECK(equal(pack.picture(1), mgca::image::local_contrast(mgca::image::fit_to_square(decoded.plane(), 32).plane(), {.radius = 2})));
  const auto expected = mgca::detail::tokens_of_report(studies.record(1).report, long_rows, mgca::Profile::official);
  CHECK(pack.tokens(1, studies.record(1).report)->words.slot_of_token == expected.words.slot_of_token);

  mgca::PackTokens large{.entries = 70'000, .options = {.length = 4}};
  const mgca::TokenizedText text{{.ids = {5, 69'999, 1, 0}, .used = 3}, {.slot_of_token = {-1, 0, -1, -1}, .words = 1}};
  const mgca::detail::TokenRows rows(large);
  const auto row = rows.encode("x", text);
  CHECK(row.size() == rows.bytes());
  CHECK(rows.decode(row, "x")->pieces.ids == text.pieces.ids);
  large.entries = 69'999;
  CHECK_FALSE(mgca::detail::TokenRows(large).decode(row, "x").has_value());  // an id the vocabulary does not have
}

TEST_CASE("pack: every bit that flips is found before it is used, with pack, record and row", "[data][fast]") {
  const Packed packed;
  const auto whole = packed.bytes();
  mgca::RandomStream random({.seed = 5}, mgca::Use::test);
  std::vector<mgca::GreyImage> pictures;
  for (std::int64_t i = 0; i < 7; ++i) pictures.push_back(mgca::image::fit_to_square(packed.studies.image(i).plane(), 40));
  const auto read_all = [&](const std::vector<std::byte>& bytes) {
    const ImagePack pack(packed.with(bytes));
    for (std::int64_t i = 0; i < pack.size(); ++i) {
      if (!equal(pack.picture(i), pictures[static_cast<std::size_t>(i)]) || !pack.tokens(i, packed.studies.record(i).report)) return false;
    }
    return true;
  };
  CHECK(read_all(whole));
  for (int k = 0; k < 120; ++k) {
    auto bytes = whole;
    const auto at = k % 3 == 0   ? random.below(4096)
                    : k % 3 == 1 ? 4096 * 8 + random.below(bytes.size() - 4096 * 8)
                                 : random.below(bytes.size());
    bytes[at] ^= static_cast<std::byte>(1U << random.below(8));
    INFO("bit of byte " << at);
    expect_error([&] { (void)read_all(bytes); }, {"changed.pack"});
  }
  auto bytes = whole;
  bytes[4096 * 3 + 17] ^= std::byte{1};
  const auto changed = packed.with(bytes);
  expect_error([&] { (void)ImagePack(changed).picture(2); }, {"changed.pack", "record 2", "row 3", "checksum"});
  CHECK_NOTHROW((void)ImagePack(changed).picture(1));
  expect_error([&] { ImagePack pack(changed, PackCheck::at_open); }, {"record 2", "row 3"});
  CHECK_NOTHROW((void)ImagePack(changed, PackCheck::never).picture(2));
}

TEST_CASE("pack: damage that comes while it is open is seen by a check at each read alone", "[data][fast]") {
  const Packed packed;
  const ImagePack once(packed.path), each(packed.path, PackCheck::each_read);
  CHECK(equal(once.picture(4), mgca::image::fit_to_square(packed.studies.image(4).plane(), 40)));
  CHECK_NOTHROW((void)each.picture(4));
  std::fstream file(packed.path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 * 5 + 9);
  const char byte = static_cast<char>(packed.bytes()[4096 * 5 + 9] ^ std::byte{64});
  file.write(&byte, 1);
  file.close();
  CHECK_NOTHROW((void)once.picture(4));
  expect_error([&] { (void)each.picture(4); }, {"record 4", "row 5"});
}

TEST_CASE("pack: a file cut off anywhere, a file that is none and a later version are refused with what to do", "[data][fast]") {
  const Packed packed;
  const auto whole = packed.bytes();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{7}, std::size_t{4095}, std::size_t{4096}, std::size_t{20'000}, whole.size() - 33, whole.size() - 1}) {
    expect_error(
        [&] {
          ImagePack pack(packed.with({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}));
        },
        {"changed.pack", "mgca pack"});
  }
  auto longer = whole;
  longer.push_back(std::byte{0});
  expect_error([&] { ImagePack pack(packed.with(longer)); }, {"expected " + std::to_string(whole.size())});
  auto other = whole;
  other[0] = std::byte{'X'};
  expect_error([&] { ImagePack pack(packed.with(other)); }, {"not a pack"});
  other = whole;
  other[8] = std::byte{9};
  expect_error([&] { ImagePack pack(packed.with(other)); }, {"version 9", "version 1"});
  expect_error([&] { ImagePack pack(packed.scratch / "absent"); }, {"absent", "No such file"});
}

TEST_CASE("pack: a header that lies about sizes is refused although its checksum fits", "[data][fast]") {
  const Packed packed;
  const auto whole = packed.bytes();
  for (std::size_t field = 0; field < 6; ++field) {  // records, side, stride, bytes of a token row, bytes of the file, length of the JSON
    for (const auto value : {std::uint64_t{0}, std::uint64_t{8}, std::uint64_t{1} << 31, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
      auto bytes = whole;
      for (std::size_t i = 0; i < 8; ++i) bytes[16 + 8 * field + i] = static_cast<std::byte>(value >> (8 * i) & 0xFFU);
      const auto sum = mgca::checksum(std::span(bytes).first(4088));
      for (std::size_t i = 0; i < 8; ++i) bytes[4088 + i] = static_cast<std::byte>(sum >> (8 * i) & 0xFFU);
      INFO("field " << field << ", value " << value);
      expect_error([&] { ImagePack pack(packed.with(bytes)); }, {"changed.pack"});
    }
  }
}

TEST_CASE("pack: a pack of other data or of pictures stored otherwise is refused with what differs", "[data][fast]") {
  const Packed packed;
  const ImagePack pack(packed.path);
  CHECK_NOTHROW(mgca::data::require_pack_of(pack, packed.studies, 40, {}));
  expect_error([&] { mgca::data::require_pack_of(pack, packed.studies, 41, {.radius = 3}); },
               {"studies.pack", "side: the pack has 40, you ask for 41", "local_contrast.radius"});
  const mgca::SyntheticStudies more({.count = 8, .image_size = 50});
  expect_error([&] { mgca::data::require_pack_of(pack, more, 40, {}); }, {"the pack has 7, the data 8", "in row 8"});
  const mgca::Subset<mgca::SyntheticStudies> turned(packed.studies, {0, 2, 1, 3, 4, 5, 6});
  expect_error([&] { mgca::data::require_pack_of(pack, turned, 40, {}); }, {"not in their place in the pack: 2", "row 3"});
}

TEST_CASE("pack: its identity is that of its content", "[data][fast]") {
  const Packed packed, again;
  CHECK(ImagePack(packed.path).identity() == ImagePack(again.path).identity());
  const mgca::test::Scratch scratch;
  const mgca::SyntheticStudies others({.count = 7, .seed = 4, .image_size = 50});
  REQUIRE(mgca::data::pack(others, scratch / "a", {.side = 40, .tokenizer = &packed.words}).finished);
  CHECK(ImagePack(scratch / "a").identity() != ImagePack(packed.path).identity());
}

TEST_CASE("pack: data with a pack are audited without decoding, to the same problems and the same identity", "[data][fast]") {
  const mgca::test::Scratch scratch;
  struct Repeated {  // pictures 0 and 2 are the same, 3 cannot be read
    std::vector<mgca::Study> studies;
    std::vector<std::string> names;
    mutable std::atomic<int> decoded = 0;
    Repeated() {
      for (std::int64_t i = 0; i < 4; ++i) studies.push_back({.row = i + 1, .report = "clear", .boxes = {{"x", {0, 0, 9, 3}}}});
    }
    [[nodiscard]] std::int64_t size() const { return 4; }
    [[nodiscard]] const mgca::Study& record(std::int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
    [[nodiscard]] mgca::GreyImage image(std::int64_t i) const {
      ++decoded;
      if (i == 3) mgca::fail(mgca::ErrorKind::data, "truncated");
      return mgca::GreyImage({.height = 4, .width = i == 1 ? 9 : 4}, 7);
    }
    [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
  } data;
  REQUIRE(mgca::data::pack(data, scratch / "a", {.side = 4, .bad = {.policy = mgca::BadSamples::skip, .limit = 0.5}}).finished);
  const ImagePack pack(scratch / "a");
  const auto seen = mgca::data::audit(data);
  data.decoded = 0;
  const auto packed = mgca::data::audit(data, {}, mgca::data::seen_pictures(pack, data));
  CHECK(data.decoded == 0);
  REQUIRE(packed.problems.size() == seen.problems.size());
  REQUIRE(packed.problems.size() == 4);  // two boxes outside, one picture twice, one unreadable
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(packed.problems[i].row == seen.problems[i].row);
    CHECK(packed.problems[i].kind == seen.problems[i].kind);
  }
  CHECK(mgca::data::fingerprint(data, packed.pictures) == mgca::data::fingerprint(data, seen.pictures));
  (void)mgca::data::audit(data, {.similar = 3}, mgca::data::seen_pictures(pack, data));
  CHECK(data.decoded == 4);  // what looks alike is told of decoded pictures alone
}
