// mgca classify: a linear probe on the frozen image tower of a run.
#include "command.hpp"
#include "evaluate.hpp"

#include <CLI/CLI.hpp>

namespace command {

void add_classify(CLI::App& program) {
  struct Options {
    std::filesystem::path run, labels;
    std::vector<std::string> columns;
    std::string device = "auto", split = "test";
  };
  auto o = std::make_shared<Options>();
  auto* command = program.add_subcommand("classify", "linear probe on the frozen image tower of a run");
  command->add_option("--run", o->run, "run folder of mgca pretrain")->required();
  command->add_option("--labels", o->labels, "CSV with an image column and 0/1 columns; default: the run's own");
  command->add_option("--columns", o->columns, "label columns; default: the run's own");
  command->add_option("--split", o->split, "split to score");
  command->add_option("--device", o->device, "cpu, cuda, cuda:N or auto");
  command->callback([o] {
    auto study = study::open_run(o->run, o->device);
    if (!o->labels.empty()) study.config.data.labels = o->labels;
    if (!o->columns.empty()) study.config.data.label_columns = o->columns;
    if (study.config.data.labels.empty() || study.config.data.label_columns.empty()) {
      mgca::fail(mgca::ErrorKind::argument, "classify: the run has no labels; pass --labels FILE --columns NAME...");
    }
    study.data = mgca::PairStudies(study.config.data);
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
  });
}

}  // namespace command
