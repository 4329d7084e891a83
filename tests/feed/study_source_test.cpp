#include "catch.hpp"
#include "expect_error.hpp"
#include "vocabulary.hpp"

#include <mgca/data/synthetic.hpp>
#include <mgca/feed/study_source.hpp>

#include <map>
#include <set>

namespace {
using Source = mgca::StudySource<mgca::SyntheticStudies>;
const mgca::StudySourceConfig kTrain{.stored_side = 40, .augmentation = {.crop = 32, .flip = 0.5}};

bool equal(const mgca::StudyBatch& a, const mgca::StudyBatch& b) {
  return torch::equal(a.images, b.images) && torch::equal(a.tokens.ids, b.tokens.ids) && torch::equal(a.tokens.word_slot, b.tokens.word_slot) &&
         torch::equal(a.labels, b.labels) && a.records == b.records;
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

TEST_CASE("study_source: a picture that cannot be read is refused by its row, when the source is made or in the batch that needs it", "[feed][fast]") {
  struct Damaged {
    std::vector<mgca::Study> studies{{.row = 11, .report = "heart normal"}, {.row = 12, .report = "lungs clear"}, {.row = 13, .report = "no effusion"}};
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
