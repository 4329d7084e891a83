// Pretraining on a CSV of image-report pairs: columns image, report, patient, split.
// usage: example_05_pretrain_on_your_csv [examples/data]
#include <mgca/catalog.hpp>
#include <mgca/mgca.hpp>

#include <iostream>

int main(int argc, char** argv) {
  const std::filesystem::path data = argc > 1 ? argv[1] : "examples/data";
  const mgca::PairStudies pairs({.table = data / "covid-pairs" / "pairs.csv"});
  const auto train = mgca::split_of(pairs, "train"), valid = mgca::split_of(pairs, "valid"), test = mgca::split_of(pairs, "test");

  const auto model = mgca::create_model("mgca-vit-tiny");
  const mgca::WordPiece tokenizer(mgca::Vocabulary::read(data / "vocab" / "bert-base-cased-vocab.txt"), {.length = model->text_length()});
  const mgca::StudySource source(train, tokenizer, {.stored_side = 72, .augmentation = {.crop = 64}});
  const mgca::StudySource held_out(valid, tokenizer, {.stored_side = 72, .augmentation = {.crop = 64, .random_crop = false}});

  const mgca::Loader batches(source, {.batch_size = 24});
  const mgca::Loader held_out_batches(held_out, {.batch_size = 24, .order = mgca::Order::as_stored, .last_batch = mgca::LastBatch::keep});
  mgca::PretrainTask task(model);
  mgca::History history;
  mgca::FitOptions options;
  options.epochs = 4;
  options.schedule.rate = 5e-4;
  mgca::fit(task, batches, options, mgca::Validate(task, held_out_batches), history);

  const mgca::StudySource gallery(test, tokenizer, {.stored_side = 72, .augmentation = {.crop = 64, .random_crop = false}});
  const auto ranks = mgca::tasks::retrieve(mgca::tasks::embed(*model, gallery));
  std::cout << "report among the first 10 of " << test.size() << ": " << 100 * ranks.image_to_text.recall(10) << " %\n";
  std::cout << (history.fell("loss") ? "ok: the loss fell\n" : "the loss did not fall\n");
  return history.fell("loss") ? 0 : 1;
}
