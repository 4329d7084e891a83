#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"
#include "vocabulary.hpp"

#include <mgca/data/pack_build.hpp>
#include <mgca/data/synthetic.hpp>
#include <mgca/feed/study_source.hpp>

#include <map>
#include <set>

namespace {
using Source = mgca::StudySource<mgca::SyntheticStudies>;
const mgca::StudySourceConfig kTrain{.stored_side = 40, .augmentation = {.crop = 32, .flip = 0.5}};

bool equal(const mgca::StudyBatch& a, const mgca::StudyBatch& b) {
  return torch::equal(a.images, b.images) && torch::equal(a.tokens.ids, b.tokens.ids) &&
         torch::equal(a.tokens.word_slot, b.tokens.word_slot) && torch::equal(a.labels, b.labels) && a.records == b.records;
}
}  // namespace

TEST_CASE("study_source: shapes, tokens and labels of a batch", "[feed][fast]") {
  const mgca::SyntheticStudies studies({.count = 6, .seed = 2});
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 40});
  const Source source(studies, tokenizer, kTrain);
  const std::vector<int64_t> records{4, 1};
  const auto batch = source.batch(records, {.seed = 1});
  CHECK(batch.images.sizes() == at::IntArrayRef({2, 1, 32, 32}));
  CHECK(batch.tokens.ids.sizes() == batch.tokens.mask.sizes());
  CHECK(torch::equal(batch.tokens.mask, batch.tokens.ids.ne(0).to(torch::kLong)));
  CHECK(batch.tokens.words[1].item<int64_t>() == static_cast<int64_t>(source.words(1, tokenizer.vocabulary()).size()));
  CHECK(batch.labels[0][2].item<float>() == studies.record(4).labels[2]);
  const auto input = mgca::network_input(batch.images, torch::kCPU);
  CHECK(input.sizes() == at::IntArrayRef({2, 3, 32, 32}));
  CHECK(input.min().item<float>() >= -1);
  CHECK(input.max().item<float>() <= 1);
}

TEST_CASE("study_source: a batch is as long as its longest report, in full where padding counts or is asked for", "[feed][fast]") {
  const mgca::SyntheticStudies studies({.count = 12, .seed = 2});
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 160});
  const auto of = [&](mgca::Padding padding, mgca::Profile profile) {
    auto config = kTrain;
    config.padding = padding;
    config.profile = profile;
    return Source(studies, tokenizer, config).batch(std::vector<int64_t>{4, 1, 7}, {.seed = 1}).tokens;
  };
  const auto trimmed = of(mgca::Padding::longest, mgca::Profile::fixed), full = of(mgca::Padding::full, mgca::Profile::fixed);
  const auto longest = full.mask.sum(1).max().item<int64_t>(), T = trimmed.ids.size(1);
  CHECK(full.ids.size(1) == 160);
  CHECK(T % 8 == 0);
  CHECK(T >= longest);
  CHECK(T < longest + 8);
  const auto columns = [&](const auto& t) { return t.slice(1, 0, T); };
  CHECK(torch::equal(trimmed.ids, columns(full.ids)));
  CHECK(torch::equal(trimmed.mask, columns(full.mask)));
  CHECK(torch::equal(trimmed.word_slot, columns(full.word_slot)));
  CHECK(torch::equal(trimmed.words, full.words));
  CHECK(of(mgca::Padding::longest, mgca::Profile::official).ids.size(1) == 160);
}

TEST_CASE("study_source: kept pictures and pictures made anew give the same batches on any number of threads", "[feed][fast]") {
  const mgca::SyntheticStudies studies({.count = 20, .seed = 2});
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 40});
  auto anew = kTrain;
  anew.store = mgca::ImageStore::none;
  const Source kept(studies, tokenizer, kTrain), made(studies, tokenizer, anew);
  const mgca::Loader<Source> one(kept, {.batch_size = 6, .threads = 0}), three(made, {.batch_size = 6, .threads = 3});
  auto a = one.epoch_batches(1), b = three.epoch_batches(1);
  int batches = 0;
  while (auto batch = a.next()) {
    CHECK(equal(*batch, *b.next()));
    ++batches;
  }
  CHECK(batches == 3);
  CHECK_FALSE(b.next().has_value());
}

TEST_CASE("study_source: sentences are drawn evenly by address, each one of the report's own", "[feed][fast]") {
  struct TwoSentences {
    mgca::Study study{.row = 1, .report = "The heart is large. Left lung clear."};
    std::vector<std::string> names;
    [[nodiscard]] int64_t size() const { return 1; }
    [[nodiscard]] const mgca::Study& record(int64_t) const { return study; }
    [[nodiscard]] mgca::GreyImage image(int64_t) const { return mgca::GreyImage({.height = 40, .width = 40}); }
    [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
  } data;
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 16});
  auto config = kTrain;
  config.sentence = 0.8;
  config.padding = mgca::Padding::full;
  const mgca::StudySource<TwoSentences> source(data, tokenizer, config);
  std::map<std::vector<int32_t>, int> seen;
  for (uint64_t epoch = 0; epoch < 1000; ++epoch) {
    const std::vector<int64_t> records{0};
    const auto ids = source.batch(records, {.seed = 3, .epoch = epoch}).tokens.ids;
    CHECK(torch::equal(ids, source.batch(records, {.seed = 3, .epoch = epoch}).tokens.ids));
    const auto row = ids.to(torch::kInt32);
    ++seen[{row.data_ptr<int32_t>(), row.data_ptr<int32_t>() + 16}];
  }
  REQUIRE(seen.size() == 3);
  CHECK(std::abs(seen.at(tokenizer.encode("the heart is large").ids) - 400) < 60);
  CHECK(std::abs(seen.at(tokenizer.encode("left lung clear").ids) - 400) < 60);
  CHECK(std::abs(seen.at(tokenizer.encode("the heart is large left lung clear").ids) - 200) < 60);
  const std::vector<int64_t> records{0};
  const auto plain = source.without_augmentation().batch(records, {.seed = 3}).tokens.words[0].item<int64_t>();
  CHECK(plain == static_cast<int64_t>(source.words(0, tokenizer.vocabulary()).size()));
  config.sentence = 1.5;
  mgca::test::expect_error([&] { (void)mgca::StudySource<TwoSentences>(data, tokenizer, config); }, {"sentence", "1.5"});
}

TEST_CASE("study_source: a second view shows the same records in their own draw, and leaves the first as it was", "[feed][fast]") {
  const mgca::SyntheticStudies studies({.count = 12, .seed = 2});
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 40});
  auto config = kTrain;
  config.augmentation.contrast = 0.3;
  const Source one(studies, tokenizer, config);
  config.views = 2;
  auto anew = config;
  anew.store = mgca::ImageStore::none;
  const Source two(studies, tokenizer, config), made(studies, tokenizer, anew);
  const std::vector<int64_t> records{4, 1, 7};
  const mgca::RandomKey key{.seed = 1, .epoch = 3};
  const auto batch = two.batch(records, key);
  CHECK_FALSE(one.batch(records, key).second_images.defined());
  CHECK(equal(batch, one.batch(records, key)));
  CHECK(torch::equal(batch.second_images, made.batch(records, key).second_images));
  CHECK(batch.second_images.sizes() == batch.images.sizes());
  for (int64_t b = 0; b < 3; ++b) {
    CHECK_FALSE(torch::equal(batch.second_images[b], batch.images[b]));
    const auto by_hand = mgca::image::augment(two.stored(records[static_cast<std::size_t>(b)]).plane(), config.augmentation,
                                              {.seed = 1, .epoch = 3, .sample = static_cast<uint64_t>(records[static_cast<std::size_t>(b)]), .view = 1});
    CHECK(std::ranges::equal(std::span(batch.second_images[b].data_ptr<uint8_t>(), by_hand.pixels().size()), by_hand.pixels()));
  }
  // Evaluation: the first view is plain, the second as in training, both the same each time.
  const auto plain = two.without_augmentation();
  CHECK(torch::equal(plain.batch(records, key).images, one.without_augmentation().batch(records, {}).images));
  CHECK(torch::equal(plain.batch(records, key).second_images, batch.second_images));
  CHECK(torch::equal(Source(studies, tokenizer, config.without_augmentation().without_augmentation()).batch(records, key).second_images,
                     batch.second_images));
  config.second = mgca::Augmentation{.crop = 32, .random_crop = false};
  CHECK(torch::equal(Source(studies, tokenizer, config).batch(records, key).second_images, plain.batch(records, key).images));
  config.second->crop = 16;
  mgca::test::expect_error([&] { (void)Source(studies, tokenizer, config); }, {"one crop", "32", "16"});
  config.views = 3;
  mgca::test::expect_error([&] { (void)Source(studies, tokenizer, config); }, {"views", "3"});
}

TEST_CASE("study_source: without a tokenizer no report is read, and pictures and labels are the same", "[feed][fast]") {
  const mgca::SyntheticStudies studies({.count = 12, .seed = 2});
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 40});
  const Source with(studies, tokenizer, kTrain), without(studies, kTrain);
  const std::vector<int64_t> records{4, 1, 7};
  const auto a = with.batch(records, {.seed = 1}), b = without.without_augmentation().batch(records, {.seed = 1}), c = without.batch(records, {.seed = 1});
  CHECK((torch::equal(a.images, c.images) && torch::equal(a.labels, c.labels) && a.records == c.records));
  CHECK_FALSE(c.tokens.ids.defined());
  CHECK_FALSE(b.tokens.to(torch::kCPU).ids.defined());
  mgca::test::expect_error([&] { (void)without.words(0, tokenizer.vocabulary()); }, {"without a tokenizer"});
}

TEST_CASE("study_source: records that are skipped or replaced are so in both views", "[feed][fast]") {
  struct Damaged {
    std::vector<mgca::Study> studies{{.row = 1, .report = "heart normal"}, {.row = 2, .report = "lungs clear"}, {.row = 3, .report = "no effusion"}};
    std::vector<std::string> names;
    [[nodiscard]] int64_t size() const { return 3; }
    [[nodiscard]] const mgca::Study& record(int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
    [[nodiscard]] mgca::GreyImage image(int64_t i) const {
      if (i == 1) mgca::fail(mgca::ErrorKind::data, "image.png: truncated");
      mgca::GreyImage picture({.height = 40, .width = 40});
      std::fill(picture.pixels().begin(), picture.pixels().end(), static_cast<uint8_t>(50 + 50 * i));
      return picture;
    }
    [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
  } data;
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 16});
  for (const auto policy : {mgca::BadSamples::skip, mgca::BadSamples::replace}) {
    auto config = kTrain;
    config.views = 2;
    config.bad = {.policy = policy, .limit = 0.9};
    const std::vector<int64_t> records{0, 1, 2};
    const auto batch = mgca::StudySource<Damaged>(data, tokenizer, config).batch(records, {.seed = 5});
    CHECK(batch.size() == (policy == mgca::BadSamples::skip ? 2 : 3));
    CHECK(torch::equal(batch.second_images, batch.images));  // even pictures look the same from everywhere
  }
}

TEST_CASE("study_source: a report without a word is refused by row, without its text", "[feed][fast]") {
  struct Wordless {
    mgca::Study study{.row = 7, .report = "!!! ???"};
    std::vector<std::string> names;
    [[nodiscard]] int64_t size() const { return 1; }
    [[nodiscard]] const mgca::Study& record(int64_t) const { return study; }
    [[nodiscard]] mgca::GreyImage image(int64_t) const { return mgca::GreyImage({.height = 40, .width = 40}); }
    [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
  } data;
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 40});
  mgca::test::expect_error([&] { mgca::StudySource<Wordless>(data, tokenizer, kTrain); }, {"row 7", "no word"});
  auto small = kTrain;
  small.stored_side = 16;
  mgca::test::expect_error([&] { mgca::StudySource<Wordless>(data, tokenizer, small); }, {"stored_side 16", "crop of 32"});
}

TEST_CASE("study_source: a picture that cannot be read is refused by its row, when the source is made or in the batch that needs it",
          "[feed][fast]") {
  struct Damaged {
    std::vector<mgca::Study> studies{
        {.row = 11, .report = "heart normal"}, {.row = 12, .report = "lungs clear"}, {.row = 13, .report = "no effusion"}};
    std::vector<std::string> names;
    [[nodiscard]] int64_t size() const { return 3; }
    [[nodiscard]] const mgca::Study& record(int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
    [[nodiscard]] mgca::GreyImage image(int64_t i) const {
      if (i == 1) mgca::fail(mgca::ErrorKind::data, "table.csv: row ", record(i).row, ": image.png: truncated");
      return mgca::GreyImage({.height = 40, .width = 40});
    }
    [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
  } data;
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 16});
  mgca::test::expect_error([&] { mgca::StudySource<Damaged>(data, tokenizer, kTrain); }, {"table.csv", "row 12", "image.png"});
  auto later = kTrain;
  later.store = mgca::ImageStore::none;
  const mgca::StudySource<Damaged> source(data, tokenizer, later);
  CHECK(source.row(2) == 13);
  for (const int64_t threads : {0, 2}) {
    const mgca::Loader<mgca::StudySource<Damaged>> batches(source, {.batch_size = 3, .threads = threads});
    CHECK((batches.rows(0, 0).size() == 3 && std::set<int64_t>{11, 12, 13}.count(batches.rows(0, 0)[0]) == 1));
    mgca::test::expect_error([&] { (void)batches.epoch_batches(0).next(); }, {"table.csv", "row 12", "image.png"});
  }
}

TEST_CASE("study_source: batches from a pack are those of pictures in memory, on any number of threads and from any batch on",
          "[feed][fast]") {
  const mgca::test::Scratch scratch;
  const mgca::SyntheticStudies studies({.count = 20, .seed = 2});
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 40});
  auto config = kTrain;
  config.local_contrast.radius = 2;
  config.augmentation.contrast = 0.2;
  REQUIRE(
      mgca::data::pack(studies, scratch / "a", {.side = 40, .local_contrast = config.local_contrast, .tokenizer = &tokenizer}).finished);
  const auto pack = std::make_shared<const mgca::ImagePack>(scratch / "a");
  const mgca::Subset<mgca::SyntheticStudies> some(studies, {3, 17, 4, 9, 12, 0, 19, 8, 6, 11, 2, 14, 5});
  using SomeSource = mgca::StudySource<mgca::Subset<mgca::SyntheticStudies>>;
  const SomeSource kept(some, tokenizer, config), packed(some, tokenizer, config, pack);
  CHECK(packed.tokens_from_pack());
  CHECK(std::ranges::equal(packed.stored(1).pixels(), kept.stored(1).pixels()));
  const mgca::Loader<SomeSource> one(kept, {.batch_size = 4, .threads = 0});
  for (const int64_t threads : {0, 1, 3}) {
    const mgca::Loader<SomeSource> others(packed, {.batch_size = 4, .threads = threads});
    for (const int64_t first : {0, 2}) {
      auto a = one.epoch_batches(1, first), b = others.epoch_batches(1, first);
      int64_t batches = first;
      while (auto batch = a.next()) {
        CHECK(equal(*batch, *b.next()));
        ++batches;
      }
      CHECK(batches == 3);
      CHECK_FALSE(b.next().has_value());
    }
  }
}

TEST_CASE("study_source: tokens of another vocabulary or way of cutting are made anew; a pack of other pictures is refused",
          "[feed][fast]") {
  const mgca::test::Scratch scratch;
  const mgca::SyntheticStudies studies({.count = 4, .seed = 2}), others({.count = 5, .seed = 2});
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 40}), shorter(mgca::test::bert_vocabulary(), {.length = 20});
  REQUIRE(mgca::data::pack(studies, scratch / "a", {.side = 40, .tokenizer = &shorter}).finished);
  const auto pack = std::make_shared<const mgca::ImagePack>(scratch / "a");
  const std::vector<int64_t> records{1, 3};
  const Source packed(studies, tokenizer, kTrain, pack);
  CHECK_FALSE(packed.tokens_from_pack());
  CHECK(equal(packed.batch(records, {.seed = 1}), Source(studies, tokenizer, kTrain).batch(records, {.seed = 1})));
  auto official = kTrain;
  official.profile = mgca::Profile::official;
  CHECK_FALSE(Source(studies, shorter, official, pack).tokens_from_pack());
  auto sentences = kTrain;
  sentences.sentence = 1;
  CHECK(equal(Source(studies, shorter, sentences, pack).batch(records, {.seed = 1}),
              Source(studies, shorter, sentences).batch(records, {.seed = 1})));
  mgca::test::expect_error([&] { Source source(others, tokenizer, kTrain, pack); }, {"row 5", "not in the pack"});
  auto larger = kTrain;
  larger.stored_side = 48;
  mgca::test::expect_error([&] { Source source(studies, tokenizer, larger, pack); }, {"side 40 and 48", "mgca pack"});
}

namespace {
// 200 pictures, two of which cannot be read.
struct Holed {
  std::vector<mgca::Study> studies;
  std::vector<std::string> names{"number"};
  Holed() {
    for (int64_t i = 0; i < 200; ++i) studies.push_back({.row = i + 1, .report = "heart normal", .labels = {static_cast<float>(i)}});
  }
  [[nodiscard]] int64_t size() const { return 200; }
  [[nodiscard]] const mgca::Study& record(int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
  [[nodiscard]] mgca::GreyImage image(int64_t i) const {
    if (i == 7 || i == 150) mgca::fail(mgca::ErrorKind::data, "table.csv: row ", i + 1, ": truncated");
    return mgca::GreyImage({.height = 32, .width = 32}, static_cast<uint8_t>(i));
  }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
};
}  // namespace

TEST_CASE("study_source: bad pictures are skipped or replaced alike in memory, made anew and packed, counted, and told once",
          "[feed][fast]") {
  const mgca::test::Scratch scratch;
  const Holed data;
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 8});
  mgca::StudySourceConfig config{.stored_side = 32, .augmentation = {.crop = 32}};
  mgca::test::expect_error([&] { mgca::StudySource<Holed> source(data, tokenizer, config); }, {"row 8"});
  for (const auto policy : {mgca::BadSamples::skip, mgca::BadSamples::replace}) {
    config.bad.policy = policy;
    auto anew = config;
    anew.store = mgca::ImageStore::none;
    const auto path = scratch / std::string(to_string(policy));
    REQUIRE(mgca::data::pack(data, path, {.side = 32, .bad = config.bad}).bad.size() == 2);
    const auto pack = std::make_shared<const mgca::ImagePack>(path);
    const mgca::StudySource<Holed> kept(data, tokenizer, config), made(data, tokenizer, anew), packed(data, tokenizer, config, pack);
    CHECK(kept.bad_samples().count() == 2);
    CHECK(made.bad_samples().count() == 0);  // nobody has looked yet
    CHECK(packed.bad_samples().count() == 2);
    std::vector<std::pair<int64_t, std::string>> told;
    const auto listen = [&](std::string_view event, std::span<const mgca::Field> fields) {
      if (event == "bad_samples") told.emplace_back(std::get<int64_t>(fields[0].value), std::get<std::string>(fields[1].value));
    };
    const mgca::Loader<mgca::StudySource<Holed>> a(kept, {.batch_size = 20, .threads = 0}, listen),
        b(made, {.batch_size = 20, .threads = 3}), c(packed, {.batch_size = 20, .threads = 2});
    auto in_memory = a.epoch_batches(0), from_files = b.epoch_batches(0), from_pack = c.epoch_batches(0);
    const auto order = a.order(0);
    std::size_t at = 0, smaller = 0, replaced = 0;
    while (auto batch = in_memory.next()) {
      CHECK(equal(*batch, *from_files.next()));
      CHECK(equal(*batch, *from_pack.next()));
      std::size_t b_at = 0;
      for (std::size_t k = 0; k < 20; ++k, ++at) {
        const bool bad = order[at] == 7 || order[at] == 150;
        if (bad && policy == mgca::BadSamples::skip) continue;
        const auto record = batch->records[b_at];
        CHECK((bad ? record != order[at] : record == order[at]));  // all others stay where they are
        CHECK(batch->labels[static_cast<int64_t>(b_at)][0].item<float>() == static_cast<float>(record));
        CHECK(batch->images[static_cast<int64_t>(b_at)].max().item<uint8_t>() == static_cast<uint8_t>(record));
        replaced += bad ? 1 : 0;
        ++b_at;
      }
      CHECK(batch->tokens.ids.size(0) == static_cast<int64_t>(b_at));
      smaller += 20 - b_at;
    }
    CHECK(smaller + replaced == 2);
    CHECK((policy == mgca::BadSamples::skip ? smaller : replaced) == 2);
    CHECK(made.bad_samples().count() == 2);
    CHECK(told == std::vector<std::pair<int64_t, std::string>>{{2, "8 151"}});
  }
  config.bad.limit = 0.005;
  mgca::test::expect_error([&] { mgca::StudySource<Holed> source(data, tokenizer, config); }, {"2 of 200", "0.5 %", "row 8", "row 151"});
  config.bad = {.policy = mgca::BadSamples::skip};
  config.store = mgca::ImageStore::none;
  mgca::test::expect_error([&] { (void)mgca::StudySource<Holed>(data, tokenizer, config).batch(std::vector<int64_t>{7}, {}); },
                           {"none of the 1 pictures"});
}

TEST_CASE("study_source: a damaged record of a pack is a bad picture", "[feed][fast]") {
  const mgca::test::Scratch scratch;
  const mgca::SyntheticStudies studies({.count = 120, .image_size = 32});
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 8});
  mgca::StudySourceConfig config{.stored_side = 32, .augmentation = {.crop = 32}};
  REQUIRE(mgca::data::pack(studies, scratch / "a", {.side = 32}).finished);
  auto bytes = mgca::read_file(scratch / "a");
  bytes[4096 * 6 + 1] ^= std::byte{8};
  mgca::atomic_write(mgca::posix_files(), scratch / "a", bytes);
  const auto pack = std::make_shared<const mgca::ImagePack>(scratch / "a");
  const std::vector<int64_t> records{4, 5, 6};
  const Source failing(studies, tokenizer, config, pack);
  mgca::test::expect_error([&] { (void)failing.batch(records, {}); }, {"record 5", "row 6", "damaged"});
  config.bad.policy = mgca::BadSamples::skip;
  const Source skipping(studies, tokenizer, config, pack);
  CHECK(skipping.batch(records, {}).records == std::vector<int64_t>{4, 6});
  CHECK(skipping.bad_samples().reasons().at(6).find("record 5") != std::string::npos);
}
