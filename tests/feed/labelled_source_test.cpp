#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"
#include "vocabulary.hpp"

#include <mgca/data/pack_build.hpp>
#include <mgca/data/synthetic.hpp>
#include <mgca/feed/labelled_source.hpp>
#include <mgca/feed/study_source.hpp>

#include <cmath>

namespace {

// No report, two labels, and one picture that cannot be read.
struct Labelled {
  std::vector<mgca::Study> studies;
  std::vector<std::string> names{"Edema", "Effusion"};
  Labelled() {
    for (int64_t i = 0; i < 200; ++i)
      studies.push_back({.row = i + 1, .image = std::to_string(i) + ".png", .labels = {static_cast<float>(i % 2), mgca::kUnknownLabel}});
  }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(studies.size()); }
  [[nodiscard]] const mgca::Study& record(int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
  [[nodiscard]] mgca::GreyImage image(int64_t i) const {
    if (i == 7) mgca::fail(mgca::ErrorKind::data, "table.csv: row 8: 7.png: truncated");
    mgca::GreyImage picture({.height = 40, .width = 40});
    for (std::size_t p = 0; p < picture.pixels().size(); ++p) picture.pixels()[p] = static_cast<uint8_t>(i + static_cast<int64_t>(p) % 50);
    return picture;
  }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
};

bool equal(const mgca::LabelledBatch& a, const mgca::LabelledBatch& b) {
  return torch::equal(a.images, b.images) && torch::equal(a.labels.nan_to_num(9), b.labels.nan_to_num(9)) && a.records == b.records;
}

}  // namespace

TEST_CASE("labelled_source: pictures and labels are those a study source gives at the same address", "[feed][fast]") {
  const mgca::SyntheticStudies studies({.count = 12, .seed = 2});
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 40});
  const mgca::StudySourceConfig config{.stored_side = 40, .augmentation = {.rotate = 10, .crop = 32, .flip = 0.5, .brightness = 0.2}};
  const mgca::StudySource with_reports(studies, tokenizer, config);
  const mgca::LabelledSource without(studies, config.pictures());
  const std::vector<int64_t> records{4, 1, 9};
  const auto a = with_reports.batch(records, {.seed = 3, .epoch = 2});
  const auto b = without.batch(records, {.seed = 3, .epoch = 2});
  CHECK(torch::equal(a.images, b.images));
  CHECK(torch::equal(a.labels, b.labels));
  CHECK(b.records == records);
  CHECK(b.size() == 3);
  CHECK(torch::equal(with_reports.without_augmentation().batch(records, {}).images, without.without_augmentation().batch(records, {}).images));
  CHECK_FALSE(torch::equal(b.images, without.batch(records, {.seed = 3, .epoch = 3}).images));
}

TEST_CASE("labelled_source: reports are not needed, and bad pictures are skipped or replaced alike in memory, made anew and packed",
          "[feed][fast]") {
  const mgca::test::Scratch scratch;
  const Labelled data;
  mgca::PictureConfig config{.stored_side = 32, .augmentation = {.crop = 32}};
  mgca::test::expect_error([&] { (void)mgca::LabelledSource<Labelled>(data, config); }, {"table.csv", "row 8", "7.png"});
  for (const auto policy : {mgca::BadSamples::skip, mgca::BadSamples::replace}) {
    config.bad.policy = policy;
    auto anew = config;
    anew.store = mgca::ImageStore::none;
    const auto path = scratch / std::string(to_string(policy));
    REQUIRE(mgca::data::pack(data, path, {.side = 32, .bad = config.bad}).bad.size() == 1);
    const mgca::LabelledSource<Labelled> kept(data, config), made(data, anew), packed(data, config, std::make_shared<const mgca::ImagePack>(path));
    const mgca::Loader<mgca::LabelledSource<Labelled>> a(kept, {.batch_size = 20, .threads = 0}), b(made, {.batch_size = 20, .threads = 2}),
        c(packed, {.batch_size = 20, .threads = 2});
    auto in_memory = a.epoch_batches(0), from_files = b.epoch_batches(0), from_pack = c.epoch_batches(0);
    int64_t seen = 0;
    while (auto batch = in_memory.next()) {
      CHECK(equal(*batch, *from_files.next()));
      CHECK(equal(*batch, *from_pack.next()));
      for (int64_t k = 0; k < batch->size(); ++k) CHECK(batch->labels[k][0].item<float>() == static_cast<float>(batch->records[static_cast<std::size_t>(k)] % 2));
      CHECK(batch->labels.select(1, 1).isnan().all().item<bool>());
      CHECK(batch->labels.size(0) == batch->size());
      seen += batch->size();
    }
    CHECK(seen == (policy == mgca::BadSamples::skip ? 199 : 200));
    CHECK(made.bad_samples().count() == 1);
    CHECK(kept.row(3) == 4);
  }
}
