// A data set as batches: pictures stored once at one size, in memory or in a pack, reports tokenised once, augmentation drawn by
// address.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/data/bad_samples.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/data/pack.hpp>
#include <mgca/feed/batch.hpp>
#include <mgca/feed/detail/picture_batch.hpp>
#include <mgca/feed/detail/picture_store.hpp>
#include <mgca/feed/loader.hpp>
#include <mgca/feed/picture_config.hpp>
#include <mgca/feed/tokens.hpp>
#include <mgca/text/caption.hpp>
#include <mgca/text/tokenized_text.hpp>
#include <mgca/text/word_map.hpp>
#include <mgca/text/wordpiece.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

enum class Padding : uint8_t {
  longest,  // to the longest report of the batch, rounded up to eight tokens: the same numbers, less work
  full,     // to the tokenizer's length: every batch has the same shape
};
constexpr auto names_of(Padding) { return std::to_array<std::string_view>({"longest", "full"}); }

struct StudySourceConfig {
  int64_t stored_side = 256;  // pictures are fitted into a square of this side, the rest black
  LocalContrast local_contrast;
  Augmentation augmentation;
  int64_t views = 1;  // of each picture in a batch, drawn apart from each other: 2 for models that compare two, which `mgca pretrain` sets
  std::optional<Augmentation> second;  // what happens to the second view; absent: the same as to the first
  // Chance that a step sees one sentence of the report, drawn evenly, instead of the whole report (ConVIRT, section 3.2). A
  // sentence says less, so the towers must tell apart what it says instead of recognising the report by its easiest words.
  double sentence = 0;
  Padding padding = Padding::longest;  // in profile official padding enters the losses, so it is full there whatever this says
  ImageStore store = ImageStore::memory;
  BadSampleRule bad;
  Profile profile = Profile::fixed;  // decides which tokens are words

  static void describe(auto& self, auto&& field) {
    field("stored_side", self.stored_side, "side of the square pictures are fitted into, pixels");
    field("local_contrast", self.local_contrast, "whether pictures are evened out before they are stored");
    field("augmentation", self.augmentation, "what happens on the way into a batch");
    field("views", self.views, "views of each picture in a batch: 1, or 2 for models that compare two");
    field("second", self.second, "what happens to the second view; null: the same as to the first");
    field("sentence", self.sentence, "chance that a step sees one sentence instead of the whole report");
    field("padding", self.padding, "how far reports are padded; always full in profile official");
    field("store", self.store, "whether prepared pictures are kept");
    field("bad", self.bad, "records whose picture cannot be read");
    field("profile", self.profile, "which behaviour");
  }
  // What sources without reports take.
  [[nodiscard]] PictureConfig pictures() const {
    return {.stored_side = stored_side, .local_contrast = local_contrast, .augmentation = augmentation, .store = store, .bad = bad};
  }
  [[nodiscard]] const Augmentation& of_second_view() const { return second ? *second : augmentation; }
  // For evaluation: centre crop, whole reports, every batch of one shape. A second view stays what it is in training, since a picture
  // finds a copy of itself without looking; drawn at the addresses of epoch 0 it is the same in every evaluation.
  [[nodiscard]] StudySourceConfig without_augmentation() const {
    auto plain = *this;
    if (views == 2) plain.second = of_second_view();
    plain.augmentation = pictures().without_augmentation().augmentation;
    plain.sentence = 0;
    plain.padding = Padding::full;
    return plain;
  }
  void validate() const {
    pictures().validate();
    MGCA_CHECK(views == 1 || views == 2, "study_source: expected views 1 or 2, got ", views);
    of_second_view().validate();
    MGCA_CHECK(of_second_view().crop == augmentation.crop, "study_source: both views must have one crop, got ", augmentation.crop, " and ",
               of_second_view().crop);
    MGCA_CHECK(sentence >= 0 && sentence <= 1, "study_source: sentence is a probability, got ", sentence);
  }
};

template <class D>
class StudySource {
  static_assert(mgca::detail::require_dataset<D>());

 public:
  using Batch = StudyBatch;

  // Keeps a reference to the data. With a pack, which may hold more records than the data, no picture is decoded. Throws Error naming
  // table and row for the first unreadable report, and as config.bad says for unreadable images; Error(data) for a pack that lacks
  // a record or whose pictures were stored otherwise.
  StudySource(const D& data, const WordPiece& tokenizer, const StudySourceConfig& config, std::shared_ptr<const ImagePack> pack = nullptr)
      : StudySource(data, &tokenizer, config, std::move(pack)) {}
  // Reads no report: `tokens` of the batches are undefined.
  StudySource(const D& data, const StudySourceConfig& config, std::shared_ptr<const ImagePack> pack = nullptr)
      : StudySource(data, nullptr, config, std::move(pack)) {}

  [[nodiscard]] int64_t size() const { return data_->size(); }
  [[nodiscard]] const D& data() const { return *data_; }
  [[nodiscard]] int64_t row(int64_t i) const { return data_->record(i).row; }  // where a record stands in its table
  [[nodiscard]] const StudySourceConfig& config() const { return config_; }
  // The same pictures and tokens for evaluation.
  [[nodiscard]] StudySource without_augmentation() const {
    StudySource plain = *this;
    plain.config_ = config_.without_augmentation();
    return plain;
  }
  // The prepared picture of one record, before augmentation. Throws Error for one that cannot be read, whatever config.bad says.
  [[nodiscard]] GreyImage stored(int64_t i) const { return pictures_.copy(i); }
  // The records that could not be read, so far.
  [[nodiscard]] const BadSampleList& bad_samples() const { return pictures_.bad(); }
  // Whether reports came as tokens from the pack; it holds them for one vocabulary and one way of cutting.
  [[nodiscard]] bool tokens_from_pack() const { return tokens_from_pack_; }
  // The words of one report, one per slot, for display. Throws Error(argument) where no report was read.
  [[nodiscard]] std::vector<std::string> words(int64_t i, const Vocabulary& vocabulary) const {
    MGCA_CHECK(!rows_.empty(), "study_source: made without a tokenizer, so no report was read");
    const auto& row = rows_[static_cast<std::size_t>(i)];
    return text::word_texts(row.pieces.ids, row.words, vocabulary);
  }

  [[nodiscard]] Batch batch(std::span<const int64_t> records, RandomKey key) const {
    std::vector<const TokenizedText*> rows;
    auto seen = detail::picture_batch(pictures_, config_.augmentation, records, key,
                                      [&](int64_t record, const RandomKey& own) { if (!rows_.empty()) rows.push_back(&seen_row(record, own)); },
                                      config_.views == 2 ? &config_.of_second_view() : nullptr);
    auto labels = detail::labels_of(*data_, seen.records);
    return {.images = std::move(seen.images),
            .second_images = std::move(seen.second_images),
            .tokens = rows_.empty() ? Tokens() : stacked(rows, padded_length(rows)),
            .labels = std::move(labels),
            .records = std::move(seen.records)};
  }

 private:
  StudySource(const D& data, const WordPiece* tokenizer, const StudySourceConfig& config, std::shared_ptr<const ImagePack> pack)
      : data_(&data),
        config_((config.validate(), config)),
        length_(tokenizer != nullptr ? tokenizer->config().length : 0),
        rows_(tokenizer != nullptr ? static_cast<std::size_t>(data.size()) : 0),
        sentences_(rows_.size()),
        pictures_(data, config.stored_side, config.local_contrast, config.bad, std::move(pack)) {
    if (tokenizer != nullptr) {
      tokens_from_pack_ = pictures_.pack() != nullptr && are_of(pictures_.pack()->content().tokens, *tokenizer);
      parallel_for(data.size(), [&](int64_t i) { encode(i, *tokenizer); }, {.grain = 64});
    }
    if (config.store == ImageStore::memory) pictures_.keep();
  }
  [[nodiscard]] bool are_of(const std::optional<PackTokens>& tokens, const WordPiece& tokenizer) const {
    return tokens && tokens->vocabulary == tokenizer.vocabulary().content_hash() && tokens->options == tokenizer.config() &&
           tokens->profile == config_.profile;
  }
  void encode(int64_t i, const WordPiece& tokenizer) {
    const auto& study = data_->record(i);
    auto& row = rows_[static_cast<std::size_t>(i)];
    try {
      auto packed = tokens_from_pack_ ? pictures_.pack()->tokens(pictures_.place(i), study.report) : std::nullopt;
      if (!packed || config_.sentence > 0) {
        const auto caption = text::clean_caption({.impression = study.report, .findings = ""});
        if (!packed) packed = tokenized(caption.joined(), tokenizer, config_.profile);
        if (config_.sentence > 0) {
          for (const auto& sentence : caption.sentences)
            sentences_[static_cast<std::size_t>(i)].push_back(tokenized(sentence, tokenizer, config_.profile));
        }
      }
      row = std::move(*packed);
    } catch (const Error& error) {
      fail(error.kind(), "the report of row ", study.row, ": ", error.what());
    }
    if (row.pieces.used <= 2) fail(ErrorKind::data, "the report of row ", study.row, " holds no word after cleaning; remove the row");
  }
  [[nodiscard]] int64_t padded_length(const std::vector<const TokenizedText*>& rows) const {
    if (config_.padding == Padding::full || config_.profile == Profile::official) return length_;
    int64_t used = 0;
    for (const auto* row : rows) used = std::max(used, row->pieces.used);
    return std::min(length_, (used + 7) / 8 * 8);
  }
  // The whole report, or the sentence drawn at this address.
  [[nodiscard]] const TokenizedText& seen_row(int64_t record, const RandomKey& key) const {
    const auto& sentences = sentences_[static_cast<std::size_t>(record)];
    RandomStream random(key, Use::sentence);
    if (sentences.empty() || random.uniform() >= config_.sentence) return rows_[static_cast<std::size_t>(record)];
    return sentences[random.below(sentences.size())];
  }

  const D* data_;
  StudySourceConfig config_;
  int64_t length_;
  std::vector<TokenizedText> rows_;                    // whole reports; none where no report is read
  std::vector<std::vector<TokenizedText>> sentences_;  // of each report; empty where none are drawn
  detail::PictureStore<D> pictures_;
  bool tokens_from_pack_ = false;
};

}  // namespace mgca
