// A linear probe on frozen features of synthetic studies whose answer is known.
#include <mgca/catalog.hpp>
#include <mgca/mgca.hpp>

#include <iostream>

int main(int argc, char** argv) {
  const std::filesystem::path data = argc > 1 ? argv[1] : "examples/data";
  const mgca::SyntheticStudies studies({.count = 400, .seed = 5});
  std::vector<int64_t> first(300), last(100);
  std::iota(first.begin(), first.end(), 0);
  std::iota(last.begin(), last.end(), 300);
  const mgca::Subset train(studies, first), test(studies, last);

  const auto model = mgca::create_model("mgca-resnet-small", {"image.width=8"});
  const mgca::WordPiece tokenizer(mgca::Vocabulary::read(data / "vocab" / "bert-base-cased-vocab.txt"), {.length = model->text_length()});
  const mgca::StudySourceConfig plain{.stored_side = 64, .augmentation = {.crop = 64, .random_crop = false}};
  const mgca::StudySource a(train, tokenizer, plain), b(test, tokenizer, plain);

  const auto known = mgca::tasks::features(*model, a), unseen = mgca::tasks::features(*model, b);
  const auto probe = mgca::tasks::train_probe({.train = known, .valid = unseen}, {.epochs = 20});
  const auto scores = mgca::tasks::classify(probe, unseen);
  const auto result = mgca::metrics::macro_roc_auc(scores.table());
  std::cout << "macro AUROC of an untrained tower: " << result.mean.value_or(0) << " over " << result.defined << " findings\n";
  std::cout << "ok: train the tower first (example 05) and compare\n";
}
