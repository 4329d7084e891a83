// How pictures and reports were prepared for the weights in a file: written beside them, compared when they are loaded.
// Weights that see other pixels or other word numbers than in training fail silently; this makes them fail aloud.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/image/local_contrast.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace mgca {

struct Preprocessing {
  static constexpr const char* kKey = "preprocessing";  // of the weight file's metadata

  std::int64_t image_size = 224;   // side of the square the model reads, pixels
  std::int64_t stored_side = 256;  // side of the square pictures are fitted into before the crop, pixels
  std::string resize = "longer side by area, black border";
  std::string crop = "centre";     // in evaluation
  LocalContrast local_contrast;
  double mean = 0.5;               // of pixels in [0, 1]
  double deviation = 0.5;
  std::string channels = "grey, three times";
  std::int64_t text_length = 112;  // tokens per report
  std::string vocabulary;          // SHA-256 of the word pieces; empty: not told
  Profile profile = Profile::fixed;

  static void describe(auto& self, auto&& field) {
    field("image_size", self.image_size, "side of the square the model reads, pixels");
    field("stored_side", self.stored_side, "side of the square pictures are fitted into before the crop, pixels");
    field("resize", self.resize, "how they are fitted");
    field("crop", self.crop, "where the crop lies in evaluation");
    field("local_contrast", self.local_contrast, "whether pictures are evened out");
    field("mean", self.mean, "what is subtracted from pixels in [0, 1]");
    field("deviation", self.deviation, "what they are divided by then");
    field("channels", self.channels, "how grey pictures fill the channels");
    field("text_length", self.text_length, "tokens per report");
    field("vocabulary", self.vocabulary, "SHA-256 of the word pieces; empty: not told");
    field("profile", self.profile, "which behaviour");
  }
};

// What the metadata of a weight file tell, if they tell anything. Throws Error(config) naming file and key for what is not
// such a record.
[[nodiscard]] inline std::optional<Preprocessing> preprocessing_of(const std::map<std::string, std::string>& metadata, const std::string& source) {
  const auto it = metadata.find(Preprocessing::kKey);
  if (it == metadata.end()) return std::nullopt;
  return from_json_text<Preprocessing>(it->second, source + ": metadata '" + Preprocessing::kKey + "'");
}

// Throws Error(data) listing every difference. `source` names the weight file; a vocabulary that is not told is not compared.
inline void require_same_preprocessing(Preprocessing trained, Preprocessing here, const std::string& source) {
  if (trained.vocabulary.empty() || here.vocabulary.empty()) trained.vocabulary = here.vocabulary;
  const auto changed = differences(trained, here);
  if (changed.empty()) return;
  std::string list;
  for (const auto& one : changed) list += "\n  " + one.path + ": the weights were trained with " + one.left + ", here it is " + one.right;
  fail(ErrorKind::data, source, ": these weights were trained on otherwise prepared data; prepare them as then. What differs:", list);
}

}  // namespace mgca
