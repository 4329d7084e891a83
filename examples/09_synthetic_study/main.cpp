// A whole study without any data: pretraining on synthetic radiographs whose answer is known, then reports for held-out
// images and a classifier of findings on the frozen image tower. About 4 minutes of CPU time.
#include <mgca/catalog.hpp>
#include <mgca/mgca.hpp>

#include <ctime>
#include <iostream>
#include <set>

int main() {
  const mgca::SyntheticStudies studies({.count = 12'500});
  std::vector<int64_t> training(12'000), labelled(6000), validation(200), gallery;
  std::iota(training.begin(), training.end(), 0);
  std::iota(labelled.begin(), labelled.end(), 0);
  std::iota(validation.begin(), validation.end(), 12'000);
  std::set<std::string> reports;  // 200 held-out patients with 200 different reports
  for (int64_t i = 12'200; gallery.size() < 200; ++i) {
    if (reports.insert(studies.record(i).report).second) gallery.push_back(i);
  }
  const mgca::Subset train(studies, training), known(studies, labelled), valid(studies, validation), test(studies, gallery);

  std::vector<std::string> texts;
  for (int64_t i = 0; i < 1000; ++i) texts.push_back(mgca::text::clean_caption({.impression = train.record(i).report}).joined());
  const auto vocabulary = mgca::text::train_vocabulary(texts, {.size = 300});

  // Report words stay as told apart as they are at the start: towers that learn together first agree on where findings lie
  // and forget what they are. Local contrast makes fine texture weigh as much as anatomy.
  const auto model = mgca::create_model("mgca-resnet-small", {"text.vocabulary=" + std::to_string(vocabulary.size()), "text.dropout=0", "frozen_text=true",
                                                              "image.stem=imagenet", "token_weight=0", "prototype_weight=0"});
  const mgca::WordPiece tokenizer(vocabulary, {.length = model->text_length()});
  const mgca::StudySourceConfig plain{.stored_side = 64, .local_contrast = {.radius = 3}, .augmentation = {.crop = 64, .random_crop = false}};
  const mgca::StudySource seen(train, tokenizer, plain), taught(known, tokenizer, plain), held_out(valid, tokenizer, plain), unseen(test, tokenizer, plain);

  const auto probe_auroc = [&] {
    const auto examples = mgca::tasks::features(*model, taught), chosen = mgca::tasks::features(*model, held_out), asked = mgca::tasks::features(*model, unseen);
    const auto probe = mgca::tasks::train_probe({.train = examples, .valid = chosen}, {.epochs = 50});
    return mgca::metrics::macro_roc_auc(mgca::tasks::classify(probe, asked).table()).mean.value_or(0);
  };
  const double untrained = probe_auroc();

  mgca::PretrainTask task(model);
  mgca::FitOptions options;
  options.epochs = 6;
  options.schedule.rate = 3e-3;
  const auto begin = std::clock();
  mgca::fit(task, mgca::Loader(seen, {.batch_size = 64}), options);
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;

  const double trained = probe_auroc(), recall = mgca::tasks::retrieve(mgca::tasks::embed(*model, unseen)).image_to_text.recall(10);
  std::cout << "pretraining: " << seconds << " CPU seconds\nreport among the first 10 of 200: " << 100 * recall << " % (chance 5 %)\n"
            << "macro AUROC of the probe: " << trained << ", before pretraining " << untrained << "\n";
  const bool learned = recall >= 0.4 && trained >= 0.9 && untrained < 0.7;
  std::cout << (learned ? "ok: the towers learned what the findings are\n" : "the towers did not learn enough\n");
  return learned ? 0 : 1;
}
