// Sentences that ask for a finding, by which a model that aligns images and reports classifies without training.
// Sources: CheXzero (Tiu et al., Nature Biomedical Engineering 2022): a finding against its negation. GLoRIA (Huang et al., ICCV
// 2021, github.com/marshuang80/gloria, Apache-2.0): severity, kind and place, every combination a prompt.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/random.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

struct ClassPrompts {
  std::string name;                   // of the class, as in the label table
  std::vector<std::string> present;   // what a report says of images that have it
  std::vector<std::string> absent;    // and of those that have not; empty: classes are compared with each other

  static void describe(auto& self, auto&& field) {
    field("name", self.name, "the class, as in the label table");
    field("present", self.present, "what a report says of images that have it");
    field("absent", self.absent, "what it says of those that have not; empty: classes are compared with each other");
  }
};

struct PromptSet {
  std::vector<ClassPrompts> classes;

  static void describe(auto& self, auto&& field) { field("classes", self.classes, "a list of prompts for each class"); }
  // Throws Error(argument) for no class, two of one name, one without prompts or with an empty one, and where only some classes say
  // what their absence sounds like.
  void validate() const {
    MGCA_CHECK(!classes.empty(), "prompts: expected one class or more");
    for (std::size_t i = 0; i < classes.size(); ++i) {
      const auto& one = classes[i];
      MGCA_CHECK(!one.name.empty(), "prompts: class ", i + 1, " has no name");
      for (std::size_t j = 0; j < i; ++j) MGCA_CHECK(classes[j].name != one.name, "prompts: two classes are called '", one.name, "'");
      MGCA_CHECK(!one.present.empty(), "prompts: class '", one.name, "' has no prompt in `present`");
      for (const auto* side : {&one.present, &one.absent}) {
        for (const auto& text : *side) MGCA_CHECK(!text.empty(), "prompts: class '", one.name, "' has an empty prompt");
      }
      MGCA_CHECK(one.absent.empty() == classes[0].absent.empty(), "prompts: '", one.name, "' and '", classes[0].name,
                 "' differ in having prompts of absence; give them to all classes or to none");
    }
  }
  [[nodiscard]] bool paired() const { return !classes.empty() && !classes[0].absent.empty(); }
};

}  // namespace mgca

namespace mgca::text {

// CheXzero's pairs: NAME against "no NAME".
[[nodiscard]] inline PromptSet negation_prompts(std::span<const std::string> names) {
  PromptSet out;
  for (const auto& name : names) out.classes.push_back({.name = name, .present = {name}, .absent = {"no " + name}});
  out.validate();
  return out;
}

namespace detail {

struct PromptParts {
  std::string_view name;
  std::vector<std::string_view> before, middle, after;
};

// The words of GLoRIA, with its spelling mistakes and repetitions: the model was judged by them. Combined in its order.
inline const std::vector<PromptParts>& gloria_parts() {
  static const std::vector<PromptParts> parts{
      {"Atelectasis",
       {"", "mild", "minimal"},
       {"subsegmental atelectasis", "linear atelectasis", "trace atelectasis", "bibasilar atelectasis", "retrocardiac atelectasis", "bandlike atelectasis",
        "residual atelectasis"},
       {"at the mid lung zone", "at the upper lung zone", "at the right lung zone", "at the left lung zone", "at the lung bases", "at the right lung base",
        "at the left lung base", "at the bilateral lung bases", "at the left lower lobe", "at the right lower lobe"}},
      {"Cardiomegaly",
       {""},
       {"cardiac silhouette size is upper limits of normal", "cardiomegaly which is unchanged", "mildly prominent cardiac silhouette",
        "portable view of the chest demonstrates stable cardiomegaly", "portable view of the chest demonstrates mild cardiomegaly",
        "persistent severe cardiomegaly", "heart size is borderline enlarged", "cardiomegaly unchanged", "heart size is at the upper limits of normal",
        "redemonstration of cardiomegaly", "ap erect chest radiograph demonstrates the heart size is the upper limits of normal",
        "cardiac silhouette size is mildly enlarged",
        "mildly enlarged cardiac silhouette, likely left ventricular enlargement. other chambers are less prominent",
        "heart size remains at mildly enlarged", "persistent cardiomegaly with prominent upper lobe vessels"},
       {""}},
      {"Consolidation",
       {"", "increased", "improved", "apperance of"},
       {"bilateral consolidation", "reticular consolidation", "retrocardiac consolidation", "patchy consolidation", "airspace consolidation",
        "partial consolidation"},
       {"at the lower lung zone", "at the upper lung zone", "at the left lower lobe", "at the right lower lobe", "at the left upper lobe",
        "at the right uppper lobe", "at the right lung base", "at the left lung base"}},
      {"Edema",
       {"", "mild", "improvement in", "presistent", "moderate", "decreased"},
       {"pulmonary edema", "trace interstitial edema", "pulmonary interstitial edema"},
       {""}},
      {"Pleural Effusion",
       {"", "small", "stable", "large", "decreased", "increased"},
       {"left", "right", "tiny"},
       {"bilateral pleural effusion", "subpulmonic pleural effusion", "bilateral pleural effusion"}},
  };
  return parts;
}

inline std::string spaced(std::string_view a, std::string_view b, std::string_view c) {
  std::string out;
  for (const auto word : {a, b, c}) {
    if (!word.empty()) out += (out.empty() ? "" : " ") + std::string(word);
  }
  return out;
}

}  // namespace detail

// GLoRIA's prompts for the five classes of CheXpert 5x200: every combination, or `each` of them a class, drawn without repetition. The
// published code draws 5 from Python's generator, whose state depends on what ran before; ours depend on the seed alone.
[[nodiscard]] inline PromptSet gloria_prompts(std::int64_t each = 0, std::uint64_t seed = 0) {
  MGCA_CHECK(each >= 0, "gloria_prompts: expected a number of prompts for each class, or 0 for all, got ", each);
  PromptSet out;
  for (const auto& parts : detail::gloria_parts()) {
    ClassPrompts one{.name = std::string(parts.name), .present = {}, .absent = {}};
    for (const auto before : parts.before) {
      for (const auto middle : parts.middle) {
        for (const auto after : parts.after) one.present.push_back(detail::spaced(before, middle, after));
      }
    }
    const auto all = static_cast<std::int64_t>(one.present.size());
    MGCA_CHECK(each <= all, "gloria_prompts: there are ", all, " prompts for ", one.name, ", ", each, " were asked for");
    if (each > 0) {
      RandomStream random({.seed = seed, .sample = out.classes.size()}, Use::prompt);
      for (std::int64_t i = 0; i < each; ++i) {
        std::swap(one.present[static_cast<std::size_t>(i)], one.present[static_cast<std::size_t>(i) + random.below(static_cast<std::uint64_t>(all - i))]);
      }
      one.present.resize(static_cast<std::size_t>(each));
    }
    out.classes.push_back(std::move(one));
  }
  return out;
}

}  // namespace mgca::text
