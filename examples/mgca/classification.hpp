// The protocol of a classifier, as it stands in results.json: what `mgca classify` writes and `mgca compare` reads.
#pragma once

#include "downstream.hpp"

#include <mgca/tasks/classify.hpp>

namespace classification {

struct Protocol {
  mgca::Trained trained = mgca::Trained::head;
  mgca::ClassifyConfig training;
  mgca::PictureConfig pictures;
  bool stored_features = true;  // computed once, as nothing about the pictures is random
  bool standardised = false;    // stored features have mean 0 and deviation 1 over the training records
  int percent = 100;
  std::string split = "test";
  std::string monitor = "val_loss, smallest";
  std::string threshold = "largest F1 on the split valid";
  std::string interval = "percentile bootstrap, patients drawn with replacement";
  double confidence = 0.95;
  std::int64_t resamples = 1000;

  static void describe(auto& self, auto&& field) {
    field("trained", self.trained, "the classifier alone, or the image tower too");
    field("training", self.training, "AdamW at a constant rate");
    field("pictures", self.pictures, "how pictures are stored and augmented");
    field("stored_features", self.stored_features, "whether features were computed once");
    field("standardised", self.standardised, "whether stored features were scaled to mean 0 and deviation 1 over the training records");
    field("percent", self.percent, "published part of the training split");
    field("split", self.split, "which split was scored");
    field("monitor", self.monitor, "which epoch was kept");
    field("threshold", self.threshold, "how a score becomes a call");
    field("interval", self.interval, "how intervals were found");
    field("confidence", self.confidence, "of the intervals");
    field("resamples", self.resamples, "of the bootstrap");
  }
};

using Results = downstream::Results<Protocol>;

}  // namespace classification
