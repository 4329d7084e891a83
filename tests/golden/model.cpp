#include "typed_model.hpp"

#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/text/word_map.hpp>

#include <vector>

namespace mgca::golden {

Vocabulary vocabulary_of(const Case& one) {
  const auto own = one.folder / "vocab.txt";
  return Vocabulary::read(std::filesystem::exists(own) ? own
                                                       : std::filesystem::path(MGCA_SAMPLE_DATA) / "vocab" / "bert-base-cased-vocab.txt");
}

Tokens tokens_of(const TokenRows& rows, const Vocabulary& vocabulary, const TextQuirks& quirks) {
  const auto B = rows.ids.size(0), T = rows.ids.size(1);
  Tokens tokens{
      .ids = rows.ids, .mask = rows.mask, .word_slot = torch::empty({B, T}, torch::kLong), .words = torch::empty({B}, torch::kLong)};
  for (int64_t b = 0; b < B; ++b) {
    const auto row = rows.ids[b].to(torch::kInt).contiguous();
    const auto map = text::word_map({row.const_data_ptr<int32_t>(), static_cast<std::size_t>(T)}, vocabulary, quirks);
    tokens.word_slot[b].copy_(torch::tensor(map.slot_of_token, torch::kLong));
    tokens.words[b] = map.words;
  }
  return tokens;
}

Profile profile_of(const Case& one) { return parse_enum<Profile>(one.config.value("profile", "official")); }

BertConfig text_config(const nlohmann::json& json, Profile profile) {
  return {.vocabulary = json.at("vocab_size"), .length = json.at("length"), .width = json.at("width"), .depth = json.at("depth"),
          .heads = json.at("heads"), .intermediate = json.at("intermediate"), .dropout = json.at("dropout"),
          .max_positions = json.at("max_positions"), .profile = profile};
}

VitConfig vit_config(const Case& one) {
  const auto& image = one.config.at("image");
  return {.image_size = image.at("size"), .patch_size = image.at("patch"), .width = image.at("width"), .depth = image.at("depth"),
          .heads = image.at("heads"), .mlp_ratio = image.at("mlp_ratio")};
}

namespace {

ResNetDepth depth_of(std::string encoder) {  // "resnet_50"
  return parse_enum<ResNetDepth>(encoder.erase(encoder.find('_'), 1));
}

template <class Config>
Config published(Config config) {
  config.profile = Profile::official;
  config.text.cross_attention = true;
  return config;
}

}  // namespace

ResNetConfig resnet_config(const Case& one) {
  const auto& image = one.config.at("image");
  return {.depth = depth_of(image.at("encoder")), .image_size = image.at("size")};
}

bool is_vit(const std::string& encoder) {
  if (encoder.starts_with("vit_")) return true;
  if (encoder.starts_with("resnet_")) return false;
  fail(ErrorKind::data, "golden case: image encoder '", encoder, "' is neither vit_... nor resnet_...");
}

std::shared_ptr<AlignmentModel> any_model(const Case& one) {
  if (is_vit(one.config.at("image").at("encoder"))) return typed_model<Vit>(one).ptr();
  return typed_model<ResNet>(one).ptr();
}

std::shared_ptr<AlignmentModel> published_model(const std::string& encoder) {
  if (is_vit(encoder)) return Mgca<Vit, Bert>(published<Mgca<Vit, Bert>::Config>({})).ptr();
  Mgca<ResNet, Bert>::Config config;
  config.image.depth = depth_of(encoder);
  return Mgca<ResNet, Bert>(published(config)).ptr();
}

}  // namespace mgca::golden
