// mgca classify: a classifier of findings on an image tower, probed or fine-tuned, with everything that is said of it.
#include "classification.hpp"
#include "command.hpp"
#include "console.hpp"
#include "recipe.hpp"
#include "scores.hpp"
#include "study.hpp"

#include <mgca/data/fingerprint.hpp>
#include <mgca/feed/labelled_source.hpp>

#include <CLI/CLI.hpp>

namespace command {

namespace {

using LabelledSplit = mgca::Subset<mgca::PairStudies>;
using PictureSource = mgca::LabelledSource<LabelledSplit>;

struct ClassifyCommand : downstream::Options {
  bool fine_tune = false, exclusive = false, standardise = false;
  std::string augment;
};

mgca::Augmentation augmentation_named(const std::string& name) {
  if (name == "data_transforms") return mgca::augmentations::data_transforms();
  if (name == "moco2_transform") return mgca::augmentations::moco2_transform();
  if (name == "none") return {.random_crop = false};
  mgca::fail(mgca::ErrorKind::argument, "classify: --augment '", name, "': expected none, data_transforms or moco2_transform");
}

recipe::Chosen<mgca::ClassifyProtocol> classify_recipe(const ClassifyCommand& o, const std::filesystem::path& table, const downstream::Tower& tower) {
  recipe::Chosen<mgca::ClassifyProtocol> chosen(o, "classify", table, tower);
  auto& r = chosen.recipe;
  if (!chosen.named()) r.pictures = tower.pictures;
  if (o.fine_tune) r.trained = mgca::Trained::all;
  if (o.exclusive) r.training.labels = mgca::LabelKind::exclusive;
  if (o.standardise) r.standardised = true;
  if (!o.augment.empty()) {
    const auto crop = r.pictures.augmentation.crop;
    r.pictures.augmentation = augmentation_named(o.augment);
    r.pictures.augmentation.crop = crop;
  }
  chosen.finish();
  downstream::require_side("classify", "pictures.augmentation.crop", r.pictures.augmentation.crop, tower);
  return chosen;
}

void standardise(mgca::FeatureTable& train, const std::vector<mgca::FeatureTable*>& others) {
  const auto mean = train.features.mean(0), deviation = train.features.std(0, /*unbiased=*/false).clamp_min(1e-6);
  for (auto* table : others) table->features = (table->features - mean) / deviation;
  train.features = (train.features - mean) / deviation;
}

// What one seed is trained and scored on.
struct ClassifySources {
  PictureSource train, valid, test;
  std::optional<mgca::FeatureTable> stored_train, stored_valid, stored_test;
};

struct ScoredSeed {
  mgca::ClassifyOutcome outcome;
  mgca::tasks::ScoredSplit valid, test;
};

mgca::FeatureTower features_of(const mgca::ImageTower& tower) {
  return std::visit([](const auto& one) { return mgca::feature_tower(one); }, tower);
}

// On pictures by all ranks together; on stored features, which takes seconds, by each of them alike.
ScoredSeed run_seed(const ClassifySources& s, const mgca::ImageTower& image_tower, const mgca::ClassifyProtocol& p, std::uint64_t seed, const mgca::RunContext& run) {
  auto config = p.training;
  config.seed = seed;
  const auto tower = features_of(image_tower);
  const auto head = mgca::tasks::new_head(tower.width, static_cast<std::int64_t>(s.train.data().label_names().size()), config);
  if (p.stored_features) {
    mgca::ClassifyTask task(head, config.labels);
    config.threads = 0;
    const auto outcome = mgca::tasks::train_classifier<mgca::FeatureTable, mgca::FeatureTable>(task, {*s.stored_train, *s.stored_valid}, config);
    auto valid = mgca::tasks::score(task, *s.stored_valid), test = mgca::tasks::score(task, *s.stored_test);
    test.records = s.stored_test->records;
    return {outcome, std::move(valid), std::move(test)};
  }
  config.run = run;
  mgca::ClassifyTask task(head, config.labels, {tower, p.trained});
  const auto outcome = mgca::tasks::train_classifier<PictureSource, PictureSource>(task, {s.train, s.valid}, config, downstream::TellEpochs{});
  return {outcome, mgca::tasks::score(task, s.valid, 64, run.ranks), mgca::tasks::score(task, s.test, 64, run.ranks)};
}

void classify(const ClassifyCommand& o, mgca::Ranks* ranks) {
  auto config = downstream::tables(o, "classify");
  if (!o.labels.empty()) config.labels = o.labels;
  if (!o.columns.empty()) config.label_columns = o.columns;
  if (config.labels.empty() && !config.label_columns.empty()) config.labels = config.table;
  const mgca::PairStudies data(config);
  if (data.label_names().empty()) mgca::fail(mgca::ErrorKind::argument, "classify: there are no labels; pass --labels FILE --columns NAME...");
  auto tower = downstream::open_tower(o, "classify");
  const auto chosen = classify_recipe(o, config.table, tower);
  classification::Results results{.task = "classify", .library = study::version(), .named_protocol = chosen.record(), .protocol = chosen.recipe};
  const auto& p = results.protocol;
  if (!p.stored_features) downstream::require_parts(p.training.batch_size, ranks);
  const auto pack = downstream::open_pack(o);
  const auto train = mgca::data::subset_of_percent(data, p.percent);
  const auto valid = mgca::split_of(data, "valid"), test = mgca::split_of(data, p.split);
  results.data = {.path = (o.data.empty() ? config.table : o.data).string(), .sha256 = mgca::data::fingerprint(data), .labels = data.label_names(),
                  .records = {{"train", train.size()}, {"valid", valid.size()}, {p.split, test.size()}}};
  results.weights = tower.record;
  downstream::begin(o, results, tower.tower, ranks);
  const auto plain = p.pictures.without_augmentation();
  ClassifySources sources{.train = PictureSource(train, p.pictures, pack), .valid = PictureSource(valid, plain, pack), .test = PictureSource(test, plain, pack), .stored_train = {}, .stored_valid = {}, .stored_test = {}};
  if (p.stored_features) {
    const auto one = features_of(tower.tower);
    sources.stored_train = mgca::tasks::features(one, sources.train, 64, ranks);
    sources.stored_valid = mgca::tasks::features(one, sources.valid, 64, ranks);
    sources.stored_test = mgca::tasks::features(one, sources.test, 64, ranks);
    if (p.standardised) standardise(*sources.stored_train, {&*sources.stored_valid, &*sources.stored_test});
  }
  std::vector<scores::Judged> judged;
  for (std::int64_t i = 0; i < o.seeds; ++i) {
    const auto seed = p.training.seed + static_cast<std::uint64_t>(i);
    if (i > 0 && p.trained == mgca::Trained::all) tower = downstream::open_tower(o, "classify");
    const auto scored = run_seed(sources, tower.tower, p, seed, downstream::resumable(o, seed, {{"data", results.data.sha256}, {"tower", tower.record.sha256}}, ranks));
    if (!mgca::speaks(ranks)) continue;
    const auto told = scores::of_split(test, scored.test);
    const bool exclusive = p.training.labels == mgca::LabelKind::exclusive;
    mgca::metrics::ClassificationOptions options{.kind = p.training.labels,
                                                 .bootstrap = {.resamples = p.resamples, .confidence = p.confidence, .groups = told.patients}};
    if (!exclusive) options.thresholds = mgca::metrics::best_f1_thresholds(scored.valid.scores.table());
    const auto found = mgca::metrics::classification(told.scores.table(), options);
    judged.push_back({seed, found});
    const auto& t = scored.outcome;
    results.seeds.push_back({.seed = seed,
                             .training = {{"epochs", static_cast<double>(t.epochs)}, {"best_epoch", static_cast<double>(t.best_epoch)}, {"valid_loss", t.valid_loss}},
                             .rows = scores::rows_of(found, data.label_names())});
    scores::write(o.out, seed, data.label_names(), told);
    console::line("  seed " + std::to_string(seed) + ": " + std::to_string(t.epochs) + " epochs, best " + std::to_string(t.best_epoch + 1) + ", held-out loss " +
                  console::number(t.valid_loss, 4));
  }
  if (!mgca::speaks(ranks)) return;
  results.spread = downstream::spread(results.seeds);
  downstream::write(o.out, mgca::to_json_text(results), results.seeds,
                    {"auroc", "average_precision", "f1", "mcc", "accuracy", "balanced_accuracy", "calibration_error", "brier"}, results.named_protocol);
  scores::write_page(o.out / "classify.html", downstream::table(results.seeds, {"auroc", "average_precision", "f1", "mcc", "calibration_error", "brier"}), judged, data.label_names());
  downstream::forget_training(o);
}

}  // namespace

void add_classify(CLI::App& program) {
  auto o = std::make_shared<ClassifyCommand>();
  auto* command = program.add_subcommand("classify", "a classifier of findings on an image tower: AUROC and what else is said of it, with intervals");
  downstream::add_options(*command, *o);
  command->add_option("--labels", o->labels, "CSV with an image column and columns of 0, 1 or nothing; without one: the data's own")->type_name("CSV");
  command->add_option("--columns", o->columns, "its columns to learn: --columns Edema Effusion; without them: all the data have")->type_name("NAME");
  command->add_flag("--fine-tune", o->fine_tune, "train the image tower too; without it a classifier on frozen features");
  command->add_flag("--exclusive", o->exclusive, "the columns are classes of which each picture has one, as in COVIDx");
  command->add_flag("--standardise", o->standardise, "scale stored features, so that one learning rate is fair to all towers; not the published recipe");
  command->add_option("--augment", o->augment, "none, data_transforms or moco2_transform; with none features are computed once. Without it: the protocol's, or none");
  command->footer("Trained on the split train, its best epoch and thresholds chosen on valid, scored on --split. Writes results.json, results.md, results.tex,\n"
                  "classify.html with reliability diagrams and the scores of every picture into --out, or classify/ in the run folder.\n"
                  "Example: mgca classify --data prepared/rsna --run runs/mine --percent 10 --seeds 3 --out results/rsna-10");
  command->callback([o] {
    if (o->out.empty() && !o->run.empty()) o->out = o->run / "classify";
    downstream::run(*o, "classify", classify);
  });
}

}  // namespace command
