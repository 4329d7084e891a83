// A method of your own from parts of the library: each pair of a batch is told right or wrong by itself (SigLIP, Zhai et al. 2023).
#include <mgca/catalog.hpp>
#include <mgca/mgca.hpp>
#include <iostream>

struct PairwiseConfig {
  mgca::ResNetConfig image = mgca::presets::mgca_resnet_small().image;
  mgca::BertConfig text = mgca::presets::mgca_resnet_small().text;
  static void describe(auto& self, auto&& field) {
    field("image", self.image, "image tower");
    field("text", self.text, "text tower");
  }
};

struct PairwiseImpl : mgca::AlignmentModel {
  using Config = PairwiseConfig;
  explicit PairwiseImpl(const Config& c)
      : config(c), image(c.image), text(c.text),
        image_head(register_module("image_head", torch::nn::Linear(image->global_width(), 64))),
        text_head(register_module("text_head", torch::nn::Linear(text->global_width(), 64))),
        scale(register_parameter("scale", torch::tensor(std::log(10.F)))), shift(register_parameter("shift", torch::tensor(-2.F))) {
    register_module("img_encoder_q", std::make_shared<torch::nn::Module>())->register_module("model", image.ptr());  // as downstream tasks know it
    register_module("text_encoder_q", std::make_shared<torch::nn::Module>())->register_module("model", text.ptr());
  }
  mgca::Embeddings encode_image(const mgca::Tensor& images) override { return {.global = mgca::ops::unit(image_head(image(images).global))}; }
  mgca::Embeddings encode_text(const mgca::Tokens& tokens) override { return {.global = mgca::ops::unit(text_head(text(tokens).global))}; }
  mgca::AlignmentLosses losses(const mgca::AlignmentInput& batch) override {
    const auto logits = encode_image(batch.images).global.mm(encode_text(batch.tokens).global.t()) * scale.exp() + shift;  // (B, B)
    const auto right = 2 * torch::eye(logits.size(0), logits.options()) - 1;
    return {.terms = {{"pairs", -at::log_sigmoid(right * logits).sum(1).mean()}}, .metrics = {{"acc1", mgca::ops::pairing_accuracy(logits.detach(), 1)}}};
  }
  mgca::Tensor image_features(const mgca::Tensor& images) override { return image(images).global; }
  int64_t image_width() const override { return image->global_width(); }
  int64_t image_size() const override { return config.image.image_size; }
  int64_t text_length() const override { return config.text.length; }
  int64_t vocabulary() const override { return config.text.vocabulary; }
  mgca::Profile profile() const override { return config.text.profile; }

  Config config;
  mgca::ResNet image;
  mgca::Bert text;
  torch::nn::Linear image_head, text_head;
  mgca::Tensor scale, shift;
};

int main(int argc, char** argv) {
  const std::filesystem::path data = argc > 1 ? argv[1] : "examples/data";
  auto catalog = mgca::Catalog::standard();
  catalog.add<mgca::Handle<PairwiseImpl>>("pairwise-resnet-small", "each pair told right or wrong by itself", {});
  const auto model = catalog.create({.name = "pairwise-resnet-small", .overrides = {"text.dropout=0"}});
  const mgca::SyntheticStudies studies({.count = 64, .seed = 1});
  const mgca::WordPiece tokenizer(mgca::Vocabulary::read(data / "vocab" / "bert-base-cased-vocab.txt"), {.length = model->text_length()});
  const mgca::StudySource source(studies, tokenizer, {.stored_side = 64, .augmentation = {.crop = 64}});
  mgca::PretrainTask task(model);
  mgca::History history;
  mgca::FitOptions options;
  options.epochs = 3;
  mgca::fit(task, mgca::Loader(source, {.batch_size = 16}), options, history);
  std::cout << (history.fell("loss") ? "ok: the loss of a method the library has never seen fell\n" : "the loss did not fall\n");
}
