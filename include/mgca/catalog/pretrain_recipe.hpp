// How models are pretrained unless somebody says otherwise, as records that entries of the catalogue carry, and the published recipes.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/image/augmentation.hpp>
#include <mgca/train/optimizer.hpp>
#include <mgca/train/schedule.hpp>

#include <cstdint>

namespace mgca {

// By default MGCA's, in its published code: each of its two devices sees 72 pairs a step.
struct PretrainRecipe {
  int64_t epochs = 50;
  int64_t patience = 5;    // epochs without a better validation loss
  int64_t batch_size = 72;
  ScheduleConfig schedule;
  AdamWConfig optimizer;
  Augmentation augmentation = augmentations::data_transforms();  // its crop follows from the model's pictures
  double sentence = 0;     // chance that a step sees one sentence of a report instead of the whole

  static void describe(auto& self, auto&& field) {
    field("epochs", self.epochs, "passes over the data");
    field("patience", self.patience, "epochs without a better validation loss");
    field("batch_size", self.batch_size, "records per batch");
    field("schedule", self.schedule, "learning rate");
    field("optimizer", self.optimizer, "AdamW");
    field("augmentation", self.augmentation, "what happens to pictures; the crop follows from the model");
    field("sentence", self.sentence, "chance that a step sees one sentence instead of the whole report");
  }
  void validate() const {
    MGCA_CHECK(epochs > 0 && patience > 0 && batch_size > 0, "recipe: expected positive epochs, patience and batch_size, got ", epochs, ", ", patience,
               " and ", batch_size);
    MGCA_CHECK(sentence >= 0 && sentence <= 1, "recipe: sentence is a probability, got ", sentence);
    schedule.validate();
    optimizer.validate();
    augmentation.validate();
  }
};

namespace recipes {

[[nodiscard]] inline PretrainRecipe mgca() { return {}; }

// Zhang et al. 2020, section 3.2 and appendix: one sentence of each report; windows of 0.6 of the picture or more, mirrored, turned, shifted
// and scaled, brighter or darker, always blurred; Adam at 1e-4 with decay 1e-6, batches of 32, 200 times 5000 steps, which are about
// 150 epochs of MIMIC-CXR. What differs from it, gloria() says.
[[nodiscard]] inline PretrainRecipe convirt() {
  PretrainRecipe r;
  r.epochs = 150;
  r.patience = 10;
  r.batch_size = 32;
  r.schedule = {.kind = ScheduleKind::constant, .rate = 1e-4};
  r.optimizer.weight_decay = 1e-6;
  r.augmentation = {.rotate = 20, .scale = 0.05, .shift = 0.1, .least_area = 0.6, .flip = 0.5, .brightness = 0.4, .contrast = 0.4,
                    .jitter = Jitter::random_order, .blurred = 1, .most_blur = 3};
  r.sentence = 1;
  return r;
}

// The published code of GLoRIA (marshuang80/gloria): one sentence of each report, random crops, Adam with beta1 0.5, rate 5e-5, decay 1e-6 and
// gradients no longer than 0.25, batches of 48, at most 50 epochs, 10 of them without progress. Its half precision is --precision f16 here.
// Both ConVIRT and GLoRIA halve the rate when the validation loss has not fallen for 5 looks at it. No schedule here knows the loss, so the
// rate stays what theirs is until then; what is kept are the best weights. Their decay is Adam's, added to the gradient, ours AdamW's: it
// differs for weights that never get a gradient, which stay.
[[nodiscard]] inline PretrainRecipe gloria() {
  PretrainRecipe r;
  r.patience = 10;
  r.batch_size = 48;
  r.schedule = {.kind = ScheduleKind::constant, .rate = 5e-5};
  r.optimizer = {.weight_decay = 1e-6, .beta1 = 0.5, .clip_norm = 0.25};
  r.sentence = 1;
  return r;
}

// Both views of a picture as MoCo v2 draws them: a window of 0.2 of the picture or more, mirrored, brightness and contrast 0.4, blurred.
[[nodiscard]] inline PretrainRecipe with_two_views(PretrainRecipe recipe) {
  recipe.augmentation = augmentations::moco2_transform();
  recipe.augmentation.least_area = 0.2;
  return recipe;
}

// MoCo v2 as the MGCA paper compares itself with it: its views, MGCA's AdamW, schedule and epochs. MoCo's own are SGD at 0.03 with momentum
// 0.9, decay 1e-4, batches of 256 and 200 epochs of ImageNet; there is no SGD here.
[[nodiscard]] inline PretrainRecipe moco() { return with_two_views(mgca()); }

// Learns from hundreds to thousands of pairs without weights from elsewhere; the same for every method, so that small models differ in their
// objective alone.
[[nodiscard]] inline PretrainRecipe small() {
  PretrainRecipe r;
  r.epochs = 30;
  r.patience = 10;
  r.batch_size = 32;
  r.schedule = {.rate = 7e-4, .minimum = 1e-6, .warmup_fraction = 0.15};
  r.augmentation.brightness = 0.1;
  r.augmentation.contrast = 0.15;
  return r;
}

}  // namespace recipes
}  // namespace mgca
