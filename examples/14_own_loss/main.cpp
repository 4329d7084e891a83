// A loss term of your own beside MGCA's three: here one that keeps the images of a batch apart (uniformity, Wang and Isola 2020).
#include <mgca/catalog.hpp>
#include <mgca/mgca.hpp>

#include <iostream>

class SpreadMgcaImpl : public mgca::MgcaImpl<mgca::ResNet, mgca::Bert> {
  using Base = mgca::MgcaImpl<mgca::ResNet, mgca::Bert>;

 public:
  using Base::Base;

  mgca::AlignmentLosses losses(const mgca::AlignmentInput& batch) override {
    const auto image = encode_image(batch.images), text = encode_text(batch.tokens);
    auto all = Base::losses(compare(image, text));
    const auto apart = 2 - 2 * image.global.mm(image.global.t());  // squared distances of unit rows
    all.terms.push_back({.name = "spread", .value = (-2 * apart).exp().mean().log(), .weight = 0.5});
    return all;
  }
};

int main(int argc, char** argv) {
  const std::filesystem::path data = argc > 1 ? argv[1] : "examples/data";
  torch::manual_seed(0);
  const auto model = std::make_shared<SpreadMgcaImpl>(mgca::presets::mgca_resnet_small());
  const mgca::SyntheticStudies studies({.count = 64, .seed = 1});
  const mgca::WordPiece tokenizer(mgca::Vocabulary::read(data / "vocab" / "bert-base-cased-vocab.txt"), {.length = model->text_length()});
  const mgca::StudySource source(studies, tokenizer, {.stored_side = 64, .augmentation = {.crop = 64}});
  const mgca::Loader batches(source, {.batch_size = 16});
  mgca::PretrainTask task(model);
  mgca::History history;
  mgca::FitOptions options;
  options.epochs = 3;
  mgca::fit(task, batches, options, history);
  const bool fell = history.fell("loss") && history.fell("loss_spread");
  std::cout << (fell ? "ok: the loss and its fourth term fell\n" : "the loss or its fourth term did not fall\n");
  return fell ? 0 : 1;
}
