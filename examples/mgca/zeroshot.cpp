// mgca zeroshot: findings by sentences, without training a classifier.
#include "command.hpp"
#include "run_results.hpp"
#include "scores.hpp"

#include <mgca/core/hash.hpp>
#include <mgca/feed/labelled_source.hpp>
#include <mgca/tasks/zero_shot.hpp>

#include <CLI/CLI.hpp>

namespace command {

namespace {

struct ZeroShotCommand : run_results::Options {
  std::string prompts = "negation", ensemble = "mean";
  std::int64_t each = 0;
  std::uint64_t seed = 0;
  bool local = false, exclusive = false;
};

// Everything that decides the numbers, with data and weights.
struct ZeroShotProtocol {
  std::string prompts = "negation";
  std::string prompts_sha256;  // of a file
  mgca::PromptSet sentences;   // of prompts that are not a file
  std::int64_t each = 0;
  std::uint64_t seed = 0;
  mgca::ZeroShotOptions scoring;
  mgca::LabelKind labels = mgca::LabelKind::independent;
  bool standardised = false;
  mgca::PictureConfig pictures;
  std::string split = "test";
  std::string threshold = "largest F1 on the split valid";
  std::string interval = "percentile bootstrap, patients drawn with replacement";
  double confidence = 0.95;
  std::int64_t resamples = 1000;

  static void describe(auto& self, auto&& field) {
    field("prompts", self.prompts, "negation, gloria, or a file");
    field("prompts_sha256", self.prompts_sha256, "of the file");
    field("sentences", self.sentences, "all prompts; those of a file are told by its hash");
    field("each", self.each, "prompts drawn for each class of gloria; 0: all");
    field("seed", self.seed, "of that draw");
    field("scoring", self.scoring, "how images and prompts are compared");
    field("labels", self.labels, "independent findings or exclusive classes");
    field("standardised", self.standardised, "whether the scores of each class have mean 0 and deviation 1 over the images scored");
    field("pictures", self.pictures, "how pictures are stored and cropped");
    field("split", self.split, "which split was scored");
    field("threshold", self.threshold, "how a score becomes a call");
    field("interval", self.interval, "how intervals were found");
    field("confidence", self.confidence, "of the intervals");
    field("resamples", self.resamples, "of the bootstrap");
  }
};

mgca::PromptSet prompts_of(const ZeroShotCommand& o, const std::vector<std::string>& labels) {
  if (o.prompts == "negation") return mgca::text::negation_prompts(labels);
  if (o.prompts == "gloria") return mgca::text::gloria_prompts(o.each, o.seed);
  return mgca::from_json_text<mgca::PromptSet>(mgca::read_text_file(o.prompts), o.prompts);
}

ZeroShotProtocol zero_shot_protocol(const ZeroShotCommand& o, const mgca::PromptSet& sentences, const mgca::PictureConfig& pictures) {
  ZeroShotProtocol p{.prompts = o.prompts, .prompts_sha256 = {}, .sentences = {}, .each = o.each, .seed = o.seed, .standardised = o.exclusive,
                     .pictures = pictures, .split = o.split, .resamples = o.resamples};
  if (o.prompts == "negation" || o.prompts == "gloria") p.sentences = sentences;
  else p.prompts_sha256 = mgca::sha256(mgca::read_text_file(o.prompts));
  p.scoring.ensemble = mgca::parse_enum<mgca::PromptEnsemble>(o.ensemble);
  if (o.local) p.scoring.similarity = mgca::PromptSimilarity::global_and_local;
  if (o.exclusive) {
    p.labels = mgca::LabelKind::exclusive;
    p.threshold = "the highest standardised score";
  }
  return p;
}

void zeroshot(const ZeroShotCommand& o) {
  auto study = study::open_run(o);
  if (study.data.label_names().empty()) mgca::fail(mgca::ErrorKind::argument, "zeroshot: the data have no labels; pass --labels FILE --columns NAME...");
  const auto set = prompts_of(o, study.data.label_names());
  const auto p = zero_shot_protocol(o, set, study.config.source.without_augmentation().pictures());
  const mgca::PromptEmbeddings prompts(*study.model, set, study.tokenizer, p.scoring);
  std::map<std::string, std::int64_t> records;
  const auto scored = [&](const std::string& name) {
    const auto split = study.split(name);
    const mgca::LabelledSource source(split, p.pictures, study.pack);
    auto found = mgca::tasks::zero_shot(*study.model, source, prompts, p.scoring.batch_size);
    records[name] = static_cast<std::int64_t>(found.records.size());
    if (p.standardised) found.scores = mgca::tasks::standardised(std::move(found.scores));
    return scores::of_split(split, std::move(found));
  };
  const auto test = scored(p.split);
  mgca::metrics::ClassificationOptions how{.kind = p.labels, .bootstrap = {.resamples = p.resamples, .confidence = p.confidence, .groups = test.patients}};
  if (!o.exclusive) how.thresholds = mgca::metrics::best_f1_thresholds(scored("valid").scores.table());
  auto rows = scores::rows_of(mgca::metrics::classification(test.scores.table(), how), prompts.names());
  for (auto& row : rows) {
    for (const auto* no_probability : {"calibration_error", "brier"}) row.measures.erase(no_probability);  // differences of cosines
    std::erase_if(row.counts, [](const auto& count) { return count.first.ends_with("calibration_error") || count.first.ends_with("brier"); });
  }
  const auto out = run_results::folder(o, "zeroshot");
  scores::write(out, p.seed, prompts.names(), test);
  run_results::write<ZeroShotProtocol>(out, {.task = "zeroshot", .library = {}, .protocol = p, .data = run_results::data(study, prompts.names(), records),
                                             .weights = run_results::weights(o), .seeds = {}, .spread = {}},
                                       {.seed = p.seed, .training = {}, .rows = rows},
                                       {"auroc", "average_precision", "f1", "mcc", "accuracy", "balanced_accuracy"});
}

}  // namespace

void add_zeroshot(CLI::App& program) {
  auto o = std::make_shared<ZeroShotCommand>();
  auto* command = program.add_subcommand("zeroshot", "findings by sentences, without training a classifier");
  run_results::add_options(*command, *o);
  add_label_options(*command, *o);
  command->add_option("--prompts", o->prompts, "negation (a label against 'no' and it), gloria (CheXpert 5x200), or a JSON file")->type_name("NAME")->capture_default_str();
  command->add_option("--each", o->each, "prompts drawn for each class of gloria; 0: all")->capture_default_str();
  command->add_option("--seed", o->seed, "of that draw")->capture_default_str();
  command->add_option("--ensemble", o->ensemble, "several prompts of a class: mean of their embeddings, or highest similarity")->type_name("NAME")->capture_default_str();
  command->add_flag("--local", o->local, "words with patches too; needs --ensemble highest");
  command->add_flag("--exclusive", o->exclusive, "one class for each image: scores standardised over the images, the highest is the answer");
  command->footer("A JSON file: {\"classes\": [{\"name\": \"Edema\", \"present\": [\"pulmonary edema\"], \"absent\": [\"clear lungs\"]}]}\n"
                  "Thresholds are those with the best F1 on the split valid. Writes results.json, results.md, results.tex and the scores of every picture\n"
                  "into --out, or zeroshot/ in the run folder. Example: mgca zeroshot --run runs/mine --labels labels.csv --columns Edema");
  command->callback([o] { zeroshot(*o); });
}

}  // namespace command
