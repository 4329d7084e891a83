// Pictures and labels of a data set as batches, for classifiers: no report is needed.
#pragma once

#include <mgca/data/dataset.hpp>
#include <mgca/data/pack.hpp>
#include <mgca/feed/batch.hpp>
#include <mgca/feed/detail/picture_batch.hpp>
#include <mgca/feed/detail/picture_store.hpp>
#include <mgca/feed/picture_config.hpp>

#include <memory>
#include <span>
#include <utility>

namespace mgca {

template <Dataset D>
class LabelledSource {
 public:
  using Batch = LabelledBatch;

  // Keeps a reference to the data; pictures, packs and unreadable images as in StudySource, so that both give the same pixels at the
  // same address.
  LabelledSource(const D& data, const PictureConfig& config, std::shared_ptr<const ImagePack> pack = nullptr)
      : data_(&data),
        config_((config.validate(), config)),
        pictures_(data, config.stored_side, config.local_contrast, config.bad, std::move(pack)) {
    if (config.store == ImageStore::memory) pictures_.keep();
  }

  [[nodiscard]] int64_t size() const { return data_->size(); }
  [[nodiscard]] const D& data() const { return *data_; }
  [[nodiscard]] int64_t row(int64_t i) const { return data_->record(i).row; }  // where a record stands in its table
  [[nodiscard]] const PictureConfig& config() const { return config_; }
  // The same pictures for evaluation.
  [[nodiscard]] LabelledSource without_augmentation() const {
    LabelledSource plain = *this;
    plain.config_ = config_.without_augmentation();
    return plain;
  }
  // The prepared picture of one record, before augmentation. Throws Error for one that cannot be read, whatever config.bad says.
  [[nodiscard]] GreyImage stored(int64_t i) const { return pictures_.copy(i); }
  // The records that could not be read, so far.
  [[nodiscard]] const BadSampleList& bad_samples() const { return pictures_.bad(); }

  [[nodiscard]] Batch batch(std::span<const int64_t> records, RandomKey key) const {
    auto seen = detail::picture_batch(pictures_, config_.augmentation, records, key, [](int64_t, const RandomKey&) {});
    auto labels = detail::labels_of(*data_, seen.records);
    return {.images = std::move(seen.images), .labels = std::move(labels), .records = std::move(seen.records)};
  }

 private:
  const D* data_;
  PictureConfig config_;
  detail::PictureStore<D> pictures_;
};

}  // namespace mgca
