// ConVIRT: an image and its report find each other in the batch, and nothing else.
// Reference: Zhang et al., "Contrastive Learning of Medical Visual Representations from Paired Images and Text", 2020; the towers and
// heads of MGCA, so that both differ in their objective alone.
#pragma once

#include <mgca/align/towers.hpp>
#include <mgca/nn/projection.hpp>

#include <array>
#include <optional>

namespace mgca {

enum class ConVirtForm : uint8_t {
  paper,       // 0.75 of finding the report, 0.25 of finding the image, temperature 0.1; one random sentence of each report
  repository,  // of the published MGCA code: their sum, temperature 0.07; whole reports. Its heads for patches and words have no
               // part in the loss and are not built
};
constexpr auto names_of(ConVirtForm) { return std::to_array<std::string_view>({"paper", "repository"}); }

struct ConVirtObjective {
  double image_to_text, text_to_image;  // weights
  double temperature;
};

constexpr ConVirtObjective convirt_objective(ConVirtForm form) {
  if (form == ConVirtForm::paper) return {.image_to_text = 0.75, .text_to_image = 0.25, .temperature = 0.1};
  return {.image_to_text = 1, .text_to_image = 1, .temperature = 0.07};
}

template <class ImageConfig, class TextConfig>
struct ConVirtConfig {
  ImageConfig image;
  TextConfig text;
  int64_t head_hidden = 2048;         // width inside the projection heads
  int64_t embedding = 128;            // channels of the shared space
  ConVirtForm form = ConVirtForm::paper;
  std::optional<double> temperature;  // absent: the form's
  bool frozen_text = false;           // the text trunk keeps its start weights; its head learns
  int64_t micro_group = 0;            // losses in groups of so many samples, averaged; 0: the whole batch
  std::optional<Negatives> negatives; // of several ranks: whose samples are compared; absent: the profile's custom
  Profile profile = Profile::fixed;   // handed on to the text tower

  static void describe(auto& self, auto&& field) {
    detail::describe_towers(self, field);
    field("head_hidden", self.head_hidden, "width inside the projection heads");
    field("embedding", self.embedding, "channels of the shared space");
    field("form", self.form, "weights of the two directions and temperature");
    field("temperature", self.temperature, "of the contrast; null: the form's");
  }
  void validate() const {
    detail::validate_towers("convirt", *this);
    MGCA_CHECK(head_hidden > 0 && embedding > 0, "convirt: expected positive head_hidden and embedding, got ", head_hidden, " and ", embedding);
    MGCA_CHECK(objective().temperature > 0, "convirt: temperature must be positive, got ", objective().temperature);
  }
  [[nodiscard]] ConVirtObjective objective() const {
    auto out = convirt_objective(form);
    out.temperature = temperature.value_or(out.temperature);
    return out;
  }
};

namespace align {

// Unit rows (B, D). Terms "image_to_text" and "text_to_image".
[[nodiscard]] inline AlignmentLosses convirt(const Tensor& image, const Tensor& text, const ConVirtObjective& objective) {
  const auto found = ops::contrast(image, text, objective.temperature);
  return {.terms = {{"image_to_text", found.image_to_text, objective.image_to_text}, {"text_to_image", found.text_to_image, objective.text_to_image}},
          .metrics = pairing_metrics(found.logits)};
}

}  // namespace align

template <class Image, class Text>
using ConVirtTowers = TwoTowers<ConVirtConfig<ImageConfigOf<Image>, TextConfigOf<Text>>, TowerOf<Image, GlobalProjection, NoParts>,
                                TowerOf<Text, GlobalProjection, NoParts>>;

template <class Image, class Text>
class ConVirtImpl : public ConVirtTowers<Image, Text> {
 public:
  using Config = typename ConVirtTowers<Image, Text>::Config;

  explicit ConVirtImpl(const Config& c) : ConVirtTowers<Image, Text>("convirt", c, {.hidden = c.head_hidden, .out = c.embedding}) {}

 protected:
  AlignmentLosses group_losses(const AlignmentInput& group) override {
    const auto [image, text] = this->gathered_pairs(group);
    return align::convirt(image, text, this->config.objective());
  }
};

template <class Image, class Text>
using ConVirt = Handle<ConVirtImpl<Image, Text>>;

}  // namespace mgca
