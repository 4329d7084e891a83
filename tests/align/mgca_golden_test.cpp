#include "catch.hpp"
#include "golden_mgca.hpp"

#include <set>
#include <string>
#include <vector>

using mgca::test::Golden;

namespace {

// Compares what the case holds.
struct Comparison {
  const Golden& golden;
  void operator()(const std::string& key, const mgca::Tensor& value) const {
    if (golden.has(key) && value.defined()) golden.check(key, value);
  }
};

// What the trunks gave and the heads make of it before normalisation. Running statistics move: the last thing done.
template <class Model>
void check_towers(const Golden& golden, Model& model, const mgca::Features& image, const mgca::Features& text, const mgca::Tokens& tokens) {
  const torch::NoGradGuard no_grad;
  const Comparison maybe{golden};
  const auto quirks = mgca::alignment_quirks(model->config.profile);
  maybe("image.cls", image.global);
  maybe("image.pooled", image.global);
  maybe("image.patch_tokens", image.local);
  maybe("image.global_pre", model->img_encoder_q->global_embed(image.global));
  maybe("image.local_pre", model->img_encoder_q->local_embed(image.local));
  maybe("text.report_feat", text.global);
  maybe("text.word_feat", text.local);
  maybe("text.global_pre", model->text_encoder_q->global_embed(text.global));
  maybe("text.local_pre", model->text_encoder_q->local_embed(text.local, quirks.padding_in_local_statistics ? mgca::Tensor() : text.valid));
  if (golden.expected.count("text.cls_attention_mean")) {
    auto& bert = model->text_encoder_q->model;
    const auto last = bert->hidden(tokens, mgca::AttentionWeights::full);
    maybe("text.last_attention", last.weights);
    maybe("text.hidden." + std::to_string(bert->config.depth), last.tokens);
    const auto attention = bert->token_attention(last.weights.slice(2, 0, 1));  // the reference has no column for the last token's neighbour
    maybe("text.cls_attention_mean", attention.slice(1, 0, golden.expected.at("text.cls_attention_mean").size(1)));
  }
  // The reference lists [CLS] and [SEP] as entries; in the official profile [SEP] takes a word slot.
  const auto has_separator = (tokens.ids == mgca::test::bert_vocabulary().sep()).any(1);
  const auto entries = 1 + tokens.words + (mgca::text_quirks(model->config.profile).separator_is_word ? torch::zeros_like(tokens.words) : has_separator.to(torch::kLong));
  if (golden.expected.count("text.num_entries")) CHECK(torch::equal(entries, golden.expected.at("text.num_entries")));
}

void check_branch(const Golden& golden, const std::string& prefix, const mgca::CtaBranch& branch) {
  const Comparison maybe{golden};
  maybe(prefix + "attention", branch.attention);
  maybe(prefix + "out_pre", branch.found);
  maybe(prefix + "sim", branch.contrast.similarity);
  maybe(prefix + "weights", branch.weights);
  maybe(prefix + "ce_row", branch.contrast.row_loss);
  maybe(prefix + "ce_col", branch.contrast.column_loss);
  golden.check(prefix + "loss_row", branch.contrast.rows.view(1));
  golden.check(prefix + "loss_col", branch.contrast.columns.view(1));
  golden.check(prefix + "loss", branch.contrast.mean().view(1));
}

// Every loss, every intermediate the case holds, every gradient, the running statistics afterwards.
template <class Image>
void check_case(const std::string& name) {
  INFO(name);
  const Golden golden(name);
  auto model = mgca::test::golden_model<Image>(golden);
  mgca::test::to_double(*model);  // so that a tolerance of rounding size separates right from nearly right
  const auto& config = model->config;
  const auto images = mgca::test::network_input(golden.batch.at("imgs_u8")).to(torch::kFloat64);
  const auto tokens = mgca::test::golden_tokens(golden.batch.at("caption_ids"), golden.batch.at("attention_mask"), config.profile);
  const Comparison maybe{golden};

  // encode_image and encode_text in two halves, so that the trunks run once.
  const auto image_features = model->img_encoder_q->model(images);
  const auto text_features = model->text_encoder_q->model(tokens);
  const bool all_rows = mgca::alignment_quirks(config.profile).padding_in_local_statistics;
  const auto image = model->img_encoder_q->embed(image_features, {});
  const auto text = model->text_encoder_q->embed(text_features, all_rows ? mgca::Tensor() : text_features.valid);
  const std::vector<std::pair<std::string, mgca::Tensor>> embeddings{{"image.global", image.global}, {"image.local", image.local},
                                                                     {"text.global", text.global}, {"text.local", text.local}};
  for (const auto& [key, value] : embeddings) value.retain_grad();
  maybe("image.global", image.global);
  maybe("image.local", image.local);
  maybe("text.global", text.global);
  maybe("text.local", text.local);
  maybe("text.word_attention", text.attention);
  const auto pad_mask = text.valid.logical_not().to(torch::kUInt8);
  if (golden.expected.count("text.pad_mask")) CHECK(torch::equal(pad_mask, golden.expected.at("text.pad_mask").to(torch::kUInt8)));

  const auto pairing = mgca::align::ita(image.global, text.global, config.instance_temperature);
  maybe("ita.logits", pairing.logits);
  golden.check("ita.loss_i2t", pairing.image_to_text.view(1));
  golden.check("ita.loss_t2i", pairing.text_to_image.view(1));
  golden.check("ita.loss", pairing.sum().view(1));
  for (const int64_t k : {1, 5}) {
    maybe("ita.acc" + std::to_string(k) + "_i2t", 100 * mgca::ops::top_k_accuracy(pairing.logits, k).view(1));
    maybe("ita.acc" + std::to_string(k) + "_t2i", 100 * mgca::ops::top_k_accuracy(pairing.logits.t(), k).view(1));
  }
  golden.check("ita.acc1", 100 * mgca::ops::pairing_accuracy(pairing.logits, 1).view(1));
  golden.check("ita.acc5", 100 * mgca::ops::pairing_accuracy(pairing.logits, 5).view(1));
  const auto local = mgca::align::cta(image, text, model->attention_layers(), config.cta());
  check_branch(golden, "cta.word.", local.word);
  if (config.patch_branch) check_branch(golden, "cta.patch.", local.patch);
  golden.check("cta.loss", local.value().view(1));
  const auto prototypes = model->unit_prototypes();
  maybe("cpa.prototypes", prototypes);
  const auto groups = mgca::align::cpa(image.global, text.global, prototypes, config.prototype_temperature, config.sinkhorn);
  maybe("cpa.scores_img", groups.image_scores);
  maybe("cpa.scores_txt", groups.text_scores);
  maybe("cpa.prob_img", (groups.image_scores / config.prototype_temperature).softmax(1));
  maybe("cpa.prob_txt", (groups.text_scores / config.prototype_temperature).softmax(1));
  maybe("cpa.codes_img", groups.image_codes);
  maybe("cpa.codes_txt", groups.text_codes);
  golden.check("cpa.loss_i2t", groups.image_to_text.view(1));
  golden.check("cpa.loss_t2i", groups.text_to_image.view(1));
  golden.check("cpa.loss", groups.value().view(1));

  const auto loss = config.instance_weight * pairing.sum() + config.token_weight * local.value() + config.prototype_weight * groups.value();
  golden.check("loss", loss.view(1));
  loss.backward();
  for (const auto& [key, value] : embeddings) maybe("grad_of." + key, value.grad());
  std::set<std::string> without;
  for (const auto& key : golden.config.value("no_grad_parameters", nlohmann::json::array())) without.insert(key.get<std::string>());
  int compared = 0;
  for (const auto& item : model->named_parameters()) {
    const auto& gradient = item.value().grad();
    INFO("gradient of " << item.key());
    if (without.count(item.key())) {
      CHECK_FALSE(gradient.defined());
      continue;
    }
    const auto key = "grad." + item.key();
    if (!golden.has(key)) continue;
    REQUIRE(gradient.defined());
    golden.check(key, gradient);
    ++compared;
  }
  CHECK(compared > 20);
  for (const auto& item : model->named_buffers()) maybe("after_forward." + item.key(), item.value());
  check_towers(golden, model, image_features, text_features, tokens);

  // The model's own sum is the sum of these parts, in the precision people train in.
  auto again = mgca::test::golden_model<Image>(golden);
  golden.check("loss", again->losses(images.to(torch::kFloat32), tokens).total().view(1));
}

}  // namespace

TEST_CASE("mgca: the ViT model equals the reference in evaluation", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_vit_eval"); }
TEST_CASE("mgca: the ViT model equals the reference in training", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_vit_train"); }
TEST_CASE("mgca: learned attention equals the reference", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_vit_mha2"); }
TEST_CASE("mgca: one direction and unequal weights equal the reference", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_vit_oneway"); }
TEST_CASE("mgca: the ResNet model equals the reference in evaluation", "[align][golden][slow]") { check_case<mgca::ResNet>("mgca_resnet_eval"); }
TEST_CASE("mgca: the ResNet model equals the reference in training", "[align][golden][slow]") { check_case<mgca::ResNet>("mgca_resnet_train"); }
TEST_CASE("mgca: the fixed profile equals its definition in evaluation", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_fixed_vit_eval"); }
TEST_CASE("mgca: the fixed profile equals its definition in training", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_fixed_vit_train"); }
TEST_CASE("mgca: the fixed ResNet profile equals its definition", "[align][golden][slow]") { check_case<mgca::ResNet>("mgca_fixed_resnet_eval"); }
TEST_CASE("mgca: the published model at its full size equals the reference", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_vit_full_size"); }
