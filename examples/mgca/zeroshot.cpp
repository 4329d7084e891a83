// mgca zeroshot: findings by sentences, without training a classifier.
#include "command.hpp"
#include "recipe.hpp"
#include "run_results.hpp"
#include "scores.hpp"

#include <mgca/feed/labelled_source.hpp>
#include <mgca/tasks/zero_shot.hpp>

#include <CLI/CLI.hpp>

namespace command {

namespace {

struct ZeroShotCommand : run_results::Options {
  std::string protocol, dataset, prompts, ensemble;  // empty: the protocol's
  std::optional<std::int64_t> each;
  std::optional<std::uint64_t> seed;
  bool local = false, exclusive = false, own_split = false;
};

// The recipe, and the protocol it began with.
struct ZeroShotRecipe {
  mgca::ZeroShotProtocol recipe;
  downstream::NamedRecord named;
};

ZeroShotRecipe zero_shot_recipe(const ZeroShotCommand& o, const std::filesystem::path& table) {
  const auto data = recipe::data_of(o.dataset, table);
  std::optional<mgca::NamedProtocol<mgca::ZeroShotProtocol>> named;
  if (!o.protocol.empty())
    named = mgca::find_protocol<mgca::ZeroShotProtocol>({.name = o.protocol, .data_set = recipe::data_set_of(o.dataset, data, "zeroshot")});
  auto p = named ? named->recipe : mgca::ZeroShotProtocol();
  if (o.prompts == "negation" || o.prompts == "gloria") {
    p.prompts = mgca::parse_enum<mgca::PromptSource>(o.prompts);
  } else if (!o.prompts.empty()) {
    p.prompts = mgca::PromptSource::own;
    p.sentences = mgca::from_json_text<mgca::PromptSet>(mgca::read_text_file(o.prompts), o.prompts);
  }
  if (!o.ensemble.empty()) p.similarity.ensemble = mgca::parse_enum<mgca::PromptEnsemble>(o.ensemble);
  if (o.each) p.each = *o.each;
  if (o.seed) p.seed = *o.seed;
  if (o.local) p.similarity.similarity = mgca::PromptSimilarity::global_and_local;
  if (o.exclusive) p.labels = mgca::LabelKind::exclusive;
  if (o.own_split || !named) p.split = o.split;
  p.resamples = o.resamples;
  recipe::settle(p, named, data);
  p.validate();
  return {p, named ? recipe::record_of(*named, p) : downstream::NamedRecord()};
}

mgca::PromptSet prompts_of(const mgca::ZeroShotProtocol& p, const std::vector<std::string>& labels) {
  switch (p.prompts) {
    case mgca::PromptSource::negation: return mgca::text::negation_prompts(labels);
    case mgca::PromptSource::gloria: return mgca::text::gloria_prompts(p.each, p.seed);
    case mgca::PromptSource::own: break;
  }
  return p.sentences;
}

void zeroshot(const ZeroShotCommand& o) {
  auto study = study::open_run(o);
  if (study.data.label_names().empty()) mgca::fail(mgca::ErrorKind::argument, "zeroshot: the data have no labels; pass --labels FILE --columns NAME...");
  auto [p, named] = zero_shot_recipe(o, study.config.data.table);
  p.sentences = prompts_of(p, study.data.label_names());
  const mgca::PromptEmbeddings prompts(*study.model, p.sentences, study.tokenizer, p.similarity);
  const bool exclusive = p.labels == mgca::LabelKind::exclusive;
  std::map<std::string, std::int64_t> records;
  const auto scored = [&](const std::string& name) {
    const auto split = study.split(name);
    const mgca::LabelledSource source(split, study.config.source.without_augmentation().pictures(), study.pack);
    auto found = mgca::tasks::zero_shot(*study.model, source, prompts, p.similarity.batch_size);
    records[name] = static_cast<std::int64_t>(found.records.size());
    if (exclusive) found.scores = mgca::tasks::standardised(std::move(found.scores));
    return scores::of_split(split, std::move(found));
  };
  const auto test = scored(p.split);
  mgca::metrics::ClassificationOptions how{.kind = p.labels, .bootstrap = {.resamples = p.resamples, .confidence = p.confidence, .groups = test.patients}};
  if (!exclusive) how.thresholds = mgca::metrics::best_f1_thresholds(scored("valid").scores.table());
  auto rows = scores::rows_of(mgca::metrics::classification(test.scores.table(), how), prompts.names());
  for (auto& row : rows) {
    for (const auto* no_probability : {"calibration_error", "brier"}) row.measures.erase(no_probability);  // differences of cosines
    std::erase_if(row.counts, [](const auto& count) { return count.first.ends_with("calibration_error") || count.first.ends_with("brier"); });
  }
  const auto out = run_results::folder(o, "zeroshot");
  scores::write(out, p.seed, prompts.names(), test);
  run_results::write<mgca::ZeroShotProtocol>(out, {.task = "zeroshot", .library = {}, .named_protocol = named, .protocol = p, .data = run_results::data(study, prompts.names(), records),
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
  command->add_option("--protocol", o->protocol, "gloria or chexzero: the published prompts and how they count; see mgca config --protocols")->type_name("NAME");
  command->add_option("--dataset", o->dataset, "which data set these are, where they do not tell it themselves")->type_name("NAME");
  command->add_option("--prompts", o->prompts, "negation (a label against 'no' and it), gloria (CheXpert 5x200), or a JSON file; without it: negation")->type_name("NAME");
  command->add_option("--each", o->each, "prompts drawn for each class of gloria; 0: all, also without it");
  command->add_option("--seed", o->seed, "of that draw; without it: 0");
  command->add_option("--ensemble", o->ensemble, "several prompts of a class: mean of their embeddings, also without it, or highest similarity")->type_name("NAME");
  command->add_flag("--local", o->local, "words with patches too; needs --ensemble highest");
  command->add_flag("--exclusive", o->exclusive, "one class for each image: scores standardised over the images, the highest is the answer");
  command->footer("A JSON file: {\"classes\": [{\"name\": \"Edema\", \"present\": [\"pulmonary edema\"], \"absent\": [\"clear lungs\"]}]}\n"
                  "Thresholds are those with the best F1 on the split valid. Writes results.json, results.md, results.tex and the scores of every picture\n"
                  "into --out, or zeroshot/ in the run folder. Example: mgca zeroshot --run runs/mine --labels labels.csv --columns Edema");
  command->callback([o, command] {
    o->own_split = command->count("--split") > 0;
    zeroshot(*o);
  });
}

}  // namespace command
