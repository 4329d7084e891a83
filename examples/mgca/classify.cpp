// mgca classify: a linear probe on the frozen image tower of a run.
#include "command.hpp"
#include "evaluate.hpp"

#include <CLI/CLI.hpp>

namespace command {

void add_classify(CLI::App& program) {
  auto o = std::make_shared<study::RunOptions>();
  auto* command = program.add_subcommand("classify", "a disease classifier on the frozen image tower of a run: AUROC per label");
  add_run_options(*command, *o);
  add_label_options(*command, *o);
  add_split_option(*command, *o);
  command->footer("Trained on the split train, its best epoch chosen by valid, scored on --split; writes classify.csv into the run folder.\n"
                  "Example: mgca classify --run runs/mine --labels labels.csv --columns Edema Effusion");
  command->callback([o] {
    auto study = study::open_run(*o);
    if (study.data.label_names().empty()) {
      mgca::fail(mgca::ErrorKind::argument, "classify: the run has no labels; pass --labels FILE --columns NAME...");
    }
    const auto score = evaluate::probe(study, *study.model, o->split);
    std::vector<std::vector<std::string>> rows;
    std::string csv = "label,auroc,low,high\n";
    const auto add = [&](const std::string& name, const mgca::Interval& i) {
      rows.push_back({name, evaluate::text_of(i)});
      const auto cell = [](const std::optional<double>& v) { return v ? console::number(*v, 6) : std::string(); };
      csv += mgca::io::csv_cell(name) + "," + cell(i.estimate) + "," + cell(i.low) + "," + cell(i.high) + "\n";
    };
    for (std::size_t i = 0; i < score.labels.size(); ++i) add(score.labels[i], score.per_label[i]);
    add("macro mean", score.macro);
    console::table({"label", "AUROC [95 % interval]"}, rows);
    mgca::atomic_write(mgca::posix_files(), o->run / "classify.csv", csv);
    console::line("  written to " + (o->run / "classify.csv").string());
  });
}

}  // namespace command
