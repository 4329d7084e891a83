// mgca zeroshot: findings by sentences, without training a classifier.
#include "command.hpp"
#include "evaluate.hpp"

#include <mgca/feed/labelled_source.hpp>
#include <mgca/metrics/classification.hpp>
#include <mgca/tasks/zero_shot.hpp>

#include <CLI/CLI.hpp>

namespace command {

namespace {

struct ZeroShotCommand {
  study::RunOptions run;
  std::string prompts = "negation", ensemble = "mean";
  std::int64_t each = 0;
  std::uint64_t seed = 0;
  bool local = false, exclusive = false;
};

mgca::PromptSet prompts_of(const ZeroShotCommand& o, const std::vector<std::string>& labels) {
  if (o.prompts == "negation") return mgca::text::negation_prompts(labels);
  if (o.prompts == "gloria") return mgca::text::gloria_prompts(o.each, o.seed);
  return mgca::from_json_text<mgca::PromptSet>(mgca::read_text_file(o.prompts), o.prompts);
}

void zeroshot(const ZeroShotCommand& o) {
  auto study = study::open_run(o.run);
  if (study.data.label_names().empty()) mgca::fail(mgca::ErrorKind::argument, "zeroshot: the data have no labels; pass --labels FILE --columns NAME...");
  const auto set = prompts_of(o, study.data.label_names());
  mgca::ZeroShotOptions options{.ensemble = mgca::parse_enum<mgca::PromptEnsemble>(o.ensemble)};
  if (o.local) options.similarity = mgca::PromptSimilarity::global_and_local;
  const mgca::PromptEmbeddings prompts(*study.model, set, study.tokenizer, options);
  const auto scores = [&](const std::string& name) {
    const auto split = study.split(name);
    const mgca::LabelledSource source(split, study.config.source.without_augmentation().pictures(), study.pack);
    auto found = mgca::tasks::zero_shot(*study.model, source, prompts);
    return o.exclusive ? mgca::tasks::standardised(std::move(found)) : found;
  };
  const auto test = scores(o.run.split);
  mgca::metrics::ClassificationOptions how{.kind = o.exclusive ? mgca::LabelKind::exclusive : mgca::LabelKind::independent};
  if (!o.exclusive) how.thresholds = mgca::metrics::best_f1_thresholds(scores("valid").table());
  const auto result = mgca::metrics::classification(test.table(), how);

  using mgca::Measure;
  constexpr std::array shown{Measure::auroc, Measure::average_precision, Measure::f1, Measure::mcc, Measure::accuracy};
  std::vector<std::vector<std::string>> rows;
  std::string csv = "class,present,absent,measure,estimate,low,high\n";
  const auto add = [&](const std::string& name, const mgca::Measures& m, const mgca::ClassResult* one) {
    std::vector<std::string> row{name, one ? std::to_string(one->present) : ""};
    for (const auto measure : shown) row.push_back(evaluate::text_of(m[measure]));
    rows.push_back(std::move(row));
    const auto cell = [](const std::optional<double>& v) { return v ? console::number(*v, 6) : std::string(); };
    for (std::size_t k = 0; k < mgca::kMeasures; ++k) {
      const auto measure = static_cast<Measure>(k);
      if (measure == Measure::calibration_error || measure == Measure::brier) continue;  // differences of cosines are no probabilities
      csv += mgca::io::csv_cell(name) + "," + (one ? std::to_string(one->present) + "," + std::to_string(one->absent) : ",") + "," +
             std::string(to_string(measure)) + "," + cell(m[measure].estimate) + "," + cell(m[measure].low) + "," + cell(m[measure].high) + "\n";
    }
  };
  for (std::size_t c = 0; c < result.classes.size(); ++c) add(prompts.names()[c], result.classes[c].measures, &result.classes[c]);
  add("macro mean", result.macro, nullptr);
  console::table({"class", "present", "AUROC", "average precision", "F1", "MCC", "accuracy"}, rows);
  if (o.exclusive) console::line("  all classes at once: accuracy " + evaluate::text_of(result.accuracy) + ", MCC " + evaluate::text_of(result.mcc));
  else console::line("  F1, MCC and accuracy at the threshold with the best F1 of the split valid");
  mgca::atomic_write(mgca::posix_files(), o.run.run / "zeroshot.csv", csv);
  console::line("  written to " + (o.run.run / "zeroshot.csv").string());
}

}  // namespace

void add_zeroshot(CLI::App& program) {
  auto o = std::make_shared<ZeroShotCommand>();
  auto* command = program.add_subcommand("zeroshot", "findings by sentences, without training a classifier");
  add_run_options(*command, o->run);
  add_label_options(*command, o->run);
  add_split_option(*command, o->run);
  command->add_option("--prompts", o->prompts, "negation (a label against 'no' and it), gloria (CheXpert 5x200), or a JSON file")->type_name("NAME")->capture_default_str();
  command->add_option("--each", o->each, "prompts drawn for each class of gloria; 0: all")->capture_default_str();
  command->add_option("--seed", o->seed, "of that draw")->capture_default_str();
  command->add_option("--ensemble", o->ensemble, "several prompts of a class: mean of their embeddings, or highest similarity")->type_name("NAME")->capture_default_str();
  command->add_flag("--local", o->local, "words with patches too; needs --ensemble highest");
  command->add_flag("--exclusive", o->exclusive, "one class for each image: scores standardised over the images, the highest is the answer");
  command->footer("A JSON file: {\"classes\": [{\"name\": \"Edema\", \"present\": [\"pulmonary edema\"], \"absent\": [\"clear lungs\"]}]}\n"
                  "Writes zeroshot.csv into the run folder. Example: mgca zeroshot --run runs/mine --labels labels.csv --columns Edema");
  command->callback([o] { zeroshot(*o); });
}

}  // namespace command
