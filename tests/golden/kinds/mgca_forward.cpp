// One forward and backward pass of the whole model, with everything it computes on the way.
#include "../typed_model.hpp"

#include <map>
#include <string>

namespace mgca::golden {

namespace {

template <class Image>
class Forward {
 public:
  explicit Forward(const Case& one) : one_(one), model_(typed_model<Image>(one)) {}

  Tensors run() {
    const auto images = network_input(one_.input("imgs_u8"), torch::kCPU).to(one_.dtype);
    const auto vocabulary = vocabulary_of(one_);
    const TokenRows rows{one_.input("caption_ids"), one_.input("attention_mask")};
    const auto tokens = tokens_of(rows, vocabulary, text_quirks(model_->config.profile));
    const auto image_raw = model_->project_image(trunk(images));
    const auto text_features = model_->text_encoder_q->model(tokens);
    const auto text_raw = model_->project_text(text_features);
    const auto image = align::unit(image_raw), text = align::unit(text_raw);
    const std::map<std::string, Tensor> embeddings{
        {"image.global", image.global}, {"image.local", image.local}, {"text.global", text.global}, {"text.local", text.local}};
    for (const auto& [name, value] : embeddings) value.retain_grad();
    const auto levels = model_->compare(image, text);
    const auto total = model_->losses(levels).total();
    total.backward();

    out_["image.global_pre"] = image_raw.global;
    out_["image.local_pre"] = image_raw.local;
    out_["text.global_pre"] = text_raw.global;
    out_["text.local_pre"] = text_raw.local;
    out_["loss"] = total;
    for (const auto& [name, value] : embeddings) {
      out_[name] = value;
      if (value.grad().defined()) out_["grad_of." + name] = value.grad();
    }
    for (const auto& item : model_->named_parameters()) {
      if (item.value().grad().defined()) out_["grad." + item.key()] = item.value().grad();
    }
    for (const auto& item : model_->named_buffers()) {
      if (model_->is_training() && item.key().find("running_") != std::string::npos) out_["after_forward." + item.key()] = item.value();
    }
    text_tower(tokens, text_features);
    auto counted = text_quirks(model_->config.profile);
    counted.separator_is_word = true;  // the reference counts [CLS] and [SEP] as entries in both profiles
    out_["text.num_entries"] = 1 + tokens_of(rows, vocabulary, counted).words;
    instances(levels.instances);
    if (levels.tokens) token_level(*levels.tokens);
    if (levels.prototypes) prototype_level(*levels.prototypes);
    return std::move(out_);
  }

 private:
  Features trunk(const Tensor& images) {
    auto& tower = model_->img_encoder_q->model;
    Features features;
    if constexpr (std::is_same_v<Image, Vit>) {
      features = tower(images);
      const torch::NoGradGuard no_grad;
      if (one_.asks_any("image.block.") || one_.asks("image.last_attention")) {
        const auto layers = tower->layers(images);
        for (std::size_t i = 0; i + 1 < layers.hidden.size(); ++i) out_["image.block." + std::to_string(i)] = layers.hidden[i + 1];
        out_["image.last_attention"] = layers.attention.back();
      }
      if (one_.asks("image.patch_embed")) out_["image.patch_embed"] = tower->patch_embed(images);
      out_["image.cls"] = features.global;
    } else {
      const auto enlarged = tower->enlarge(images);
      const auto stem = tower->stem(enlarged);
      const auto stages = tower->stages(stem);
      features = tower->summary(stages);
      const torch::NoGradGuard no_grad;
      if (one_.asks("image.conv1")) out_["image.conv1"] = tower->conv1(enlarged);
      out_["image.maxpool"] = stem;
      out_["image.layer1"] = stages.c2;
      out_["image.layer2"] = stages.c3;
      out_["image.layer3"] = stages.c4;
      out_["image.layer4"] = stages.c5;
      out_["image.pooled"] = features.global;
    }
    out_["image.patch_tokens"] = features.local;
    return features;
  }

  void text_tower(const Tokens& tokens, const Features& features) {
    const torch::NoGradGuard no_grad;
    auto& bert = model_->text_encoder_q->model;
    const auto layers = bert->layers(tokens);
    for (std::size_t i = 0; i < layers.hidden.size(); ++i) out_["text.hidden." + std::to_string(i)] = layers.hidden[i];
    out_["text.last_attention"] = layers.attention.back();
    const auto attention = bert->token_attention(layers.attention.back().slice(2, 0, 1));  // (B, T)
    const bool shifted = text_quirks(model_->config.profile).shifted_word_attention;  // no column for the last token's neighbour
    out_["text.cls_attention_mean"] = attention.slice(1, 0, tokens.length() - (shifted ? 1 : 0));
    out_["text.report_feat"] = features.global;
    out_["text.word_feat"] = features.local;
    out_["text.word_attention"] = features.attention;
    out_["text.pad_mask"] = features.valid.logical_not().to(torch::kUInt8);
  }

  void instances(const ops::Contrast& pairing) {
    out_["ita.logits"] = pairing.logits;
    out_["ita.loss_i2t"] = pairing.image_to_text;
    out_["ita.loss_t2i"] = pairing.text_to_image;
    out_["ita.loss"] = pairing.sum();
    for (const int64_t k : {1, 5}) {
      const auto name = "ita.acc" + std::to_string(k);
      out_[name + "_i2t"] = 100 * ops::top_k_accuracy(pairing.logits, k);
      out_[name + "_t2i"] = 100 * ops::top_k_accuracy(pairing.logits.t(), k);
      out_[name] = 100 * ops::pairing_accuracy(pairing.logits, k);
    }
  }

  void branch(const std::string& prefix, const CtaBranch& branch) {
    if (!branch.contrast.similarity.defined()) return;
    if (branch.attention.defined()) out_[prefix + "attention"] = branch.attention;
    out_[prefix + "out_pre"] = branch.found;
    out_[prefix + "out"] = branch.attended;
    out_[prefix + "sim"] = branch.contrast.similarity;
    out_[prefix + "weights"] = branch.weights;
    out_[prefix + "ce_row"] = branch.contrast.row_loss;
    out_[prefix + "ce_col"] = branch.contrast.column_loss;
    out_[prefix + "loss_row"] = branch.contrast.rows;
    out_[prefix + "loss_col"] = branch.contrast.columns;
    out_[prefix + "loss"] = branch.contrast.mean();
  }
  void token_level(const CtaLoss& tokens) {
    branch("cta.word.", tokens.word);
    branch("cta.patch.", tokens.patch);
    out_["cta.loss"] = tokens.value();
  }

  void prototype_level(const align::CpaLoss& groups) {
    out_["cpa.prototypes"] = model_->unit_prototypes();
    out_["cpa.scores_img"] = groups.image_scores;
    out_["cpa.scores_txt"] = groups.text_scores;
    out_["cpa.prob_img"] = groups.image_log_probabilities.exp();
    out_["cpa.prob_txt"] = groups.text_log_probabilities.exp();
    out_["cpa.codes_img"] = groups.image_codes;
    out_["cpa.codes_txt"] = groups.text_codes;
    out_["cpa.loss_i2t"] = groups.image_to_text;
    out_["cpa.loss_t2i"] = groups.text_to_image;
    out_["cpa.loss"] = groups.value();
    plans("cpa.sinkhorn_img.", groups.image_scores);
    plans("cpa.sinkhorn_txt.", groups.text_scores);
  }
  void plans(const std::string& prefix, const Tensor& scores) {
    const auto found = ops::sinkhorn_plans(scores, model_->config.sinkhorn);
    for (std::size_t i = 0; i < found.size(); ++i) out_[prefix + std::to_string(i)] = found[i].t();  // (K, B)
  }

  const Case& one_;
  Mgca<Image, Bert> model_;
  Tensors out_;
};

Answer mgca_forward(const Case& one) {
  return {.tensors = is_vit(one.config.at("image").at("encoder")) ? Forward<Vit>(one).run() : Forward<ResNet>(one).run(), .document = {}};
}

const Kind mgca_forward_kind("mgca_forward", mgca_forward);

}  // namespace

}  // namespace mgca::golden
