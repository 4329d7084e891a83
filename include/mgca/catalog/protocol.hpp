// Recipes of the downstream tasks: everything that decides the numbers of a result, as records that results keep and protocols name.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/data/prepared.hpp>
#include <mgca/feed/detection_source.hpp>
#include <mgca/feed/mask_source.hpp>
#include <mgca/feed/picture_config.hpp>
#include <mgca/heads/yolo.hpp>
#include <mgca/tasks/classify.hpp>
#include <mgca/tasks/detect.hpp>
#include <mgca/tasks/segment.hpp>
#include <mgca/tasks/zero_shot.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mgca {

// The data a recipe is for, and how `mgca prepare` is told to make them.
struct DataRecipe {
  std::string set;       // as `mgca prepare` calls it; empty: any
  bool prepared = true;  // false: a table of which nobody knows how it was made
  PrepareOptions prepare;
  std::vector<std::string> choices;  // options of this set alone: "task=detection"

  static void describe(auto& self, auto&& field) {
    field("set", self.set, "data set, as mgca prepare calls it; empty: any");
    field("prepared", self.prepared, "whether mgca prepare made it; otherwise the next two are not known");
    field("prepare", self.prepare, "how it is prepared");
    field("choices", self.choices, "options of this data set alone");
  }
};

// What no option of a recipe changes, told in words.
using FixedParts = std::map<std::string, std::string>;

namespace detail {

inline FixedParts fixed_training(const char* schedule, const char* monitor) {
  return {{"optimizer", "AdamW, betas 0.9 and 0.999, epsilon 1e-8, one decay for all parameters"},
          {"schedule", schedule},
          {"best_epoch", monitor},
          {"interval", "percentile bootstrap, patients drawn with replacement"}};
}

// What is trained on how much and scored on what, in every recipe that trains.
inline void describe_scoring(auto& self, auto&& field) {
    field("percent", self.percent, "published part of the training split");
    field("split", self.split, "which split is scored");
    field("confidence", self.confidence, "of the intervals");
    field("resamples", self.resamples, "of the bootstrap");
    field("fixed", self.fixed, "what no option changes");
}

inline void require_fixed(const FixedParts& given, const FixedParts& fixed) {
  MGCA_CHECK(given == fixed, "protocol: `fixed` tells what no option changes; leave it as it is");
}

inline void require_scoring(int percent, std::int64_t resamples, double confidence) {
  MGCA_CHECK(percent == 1 || percent == 10 || percent == 100, "protocol: expected 1, 10 or 100 percent of the training split, got ", percent);
  MGCA_CHECK(resamples >= 0 && confidence > 0 && confidence < 1, "protocol: expected resamples of 0 or more and a confidence between 0 and 1, got ",
             resamples, " and ", confidence);
}

}  // namespace detail

struct ClassifyProtocol {
  DataRecipe data;
  Trained trained = Trained::head;
  ClassifyConfig training;
  PictureConfig pictures{.augmentation = {.random_crop = false}};
  bool standardised = false;
  int percent = 100;
  std::string split = "test";
  double confidence = 0.95;
  std::int64_t resamples = 1000;
  FixedParts fixed = detail::fixed_training("constant", "smallest validation loss");
  bool stored_features = true;  // these two follow from the rest
  std::string threshold = "largest F1 on the split valid";

  static void describe(auto& self, auto&& field) {
    field("data", self.data, "which data, prepared how");
    field("trained", self.trained, "the classifier alone, or the image tower too");
    field("training", self.training, "how it is trained");
    field("pictures", self.pictures, "how pictures are stored and augmented");
    field("standardised", self.standardised, "whether stored features are scaled to mean 0 and deviation 1 over the training records");
    detail::describe_scoring(self, field);
    field("stored_features", self.stored_features, "whether features are computed once; follows from the rest");
    field("threshold", self.threshold, "how a score becomes a call; follows from the rest");
  }
  void validate() const {
    pictures.validate();
    detail::require_fixed(fixed, ClassifyProtocol().fixed);
    detail::require_scoring(percent, resamples, confidence);
  }
  // Fills in what follows from the rest. Throws Error(argument) where standardised features are asked for and none are stored.
  void settle() {
    const auto still = pictures.without_augmentation().augmentation;
    stored_features = trained == Trained::head && differences(pictures.augmentation, still).empty();
    threshold = training.labels == LabelKind::exclusive ? "the highest logit" : "largest F1 on the split valid";
    MGCA_CHECK(!standardised || stored_features,
               "classify: features can be standardised only where they are computed once: with a frozen tower and without augmentation");
  }
};

struct DetectProtocol {
  DataRecipe data;
  DetectionSourceConfig pictures;
  YoloConfig head;  // its channels and picture size are the tower's
  DetectConfig training;
  int percent = 100;
  std::string split = "test";
  double confidence = 0.95;
  std::int64_t resamples = 1000;
  FixedParts fixed = detail::fixed_training("as training.schedule says", "as training.monitor says");

  static void describe(auto& self, auto&& field) {
    field("data", self.data, "which data, prepared how");
    field("pictures", self.pictures, "how pictures are squashed");
    field("head", self.head, "the YOLOv3; its channels and picture size are the tower's");
    field("training", self.training, "how it is trained, and which boxes are found");
    detail::describe_scoring(self, field);
  }
  void validate() const {
    pictures.validate();
    head.validate();
    detail::require_fixed(fixed, DetectProtocol().fixed);
    detail::require_scoring(percent, resamples, confidence);
  }
  void settle() { head.image_size = pictures.side; }
};

struct SegmentProtocol {
  DataRecipe data;
  MaskSourceConfig pictures;
  SegmentConfig training;
  double threshold = 0.5;
  int percent = 100;
  std::string split = "test";
  double confidence = 0.95;
  std::int64_t resamples = 1000;
  FixedParts fixed = detail::fixed_training("as training.schedule says", "smallest validation loss");

  static void describe(auto& self, auto&& field) {
    field("data", self.data, "which data, prepared how");
    field("pictures", self.pictures, "pictures and masks");
    field("training", self.training, "how it is trained");
    field("threshold", self.threshold, "probability above which a pixel is marked");
    detail::describe_scoring(self, field);
  }
  void validate() const {
    pictures.validate();
    training.loss.validate();
    MGCA_CHECK(threshold > 0 && threshold < 1, "protocol: threshold is a probability between 0 and 1, got ", threshold);
    detail::require_fixed(fixed, SegmentProtocol().fixed);
    detail::require_scoring(percent, resamples, confidence);
  }
  void settle() {}
};

enum class PromptSource : std::uint8_t {
  negation,  // NAME against "no NAME", for every label of the data
  gloria,    // GLoRIA's prompts for the five findings of CheXpert 5x200
  own,       // a PromptSet of the caller
};
constexpr auto names_of(PromptSource) { return std::to_array<std::string_view>({"negation", "gloria", "own"}); }

struct ZeroShotProtocol {
  DataRecipe data;
  PromptSource prompts = PromptSource::negation;
  PromptSet sentences;     // in full once they are drawn; from the beginning where they are one's own
  std::int64_t each = 0;   // prompts drawn for each class of gloria; 0: all
  std::uint64_t seed = 0;  // of that draw
  ZeroShotOptions similarity;
  LabelKind labels = LabelKind::independent;  // exclusive: scores are standardised over the images, the highest is the answer
  std::string split = "test";
  double confidence = 0.95;
  std::int64_t resamples = 1000;
  FixedParts fixed = {{"interval", "percentile bootstrap, patients drawn with replacement"}};
  std::string threshold = "largest F1 on the split valid";  // follows from labels

  static void describe(auto& self, auto&& field) {
    field("data", self.data, "which data, prepared how");
    field("prompts", self.prompts, "which sentences");
    field("sentences", self.sentences, "in full once they are drawn");
    field("each", self.each, "prompts drawn for each class of gloria; 0: all");
    field("seed", self.seed, "of that draw");
    field("similarity", self.similarity, "how images and sentences are compared");
    field("labels", self.labels, "independent findings, or exclusive classes: the highest standardised score is the answer");
    field("split", self.split, "which split is scored");
    field("confidence", self.confidence, "of the intervals");
    field("resamples", self.resamples, "of the bootstrap");
    field("fixed", self.fixed, "what no option changes");
    field("threshold", self.threshold, "how a score becomes a call; follows from the rest");
  }
  void validate() const {
    similarity.validate();
    MGCA_CHECK(each >= 0, "protocol: expected a number of prompts for each class, or 0 for all, got ", each);
    if (prompts == PromptSource::own) sentences.validate();
    detail::require_fixed(fixed, ZeroShotProtocol().fixed);
    detail::require_scoring(100, resamples, confidence);
  }
  void settle() {
    threshold = labels == LabelKind::exclusive ? "the highest standardised score" : "largest F1 on the split valid";
  }
};

}  // namespace mgca
