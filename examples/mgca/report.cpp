// mgca report: one page about a run.
#include "command.hpp"
#include "page.hpp"

#include <CLI/CLI.hpp>

namespace command {

namespace {

// history.csv back into rows.
std::vector<mgca::HistoryRow> read_history(const std::filesystem::path& path) {
  auto table = mgca::io::CsvTable::read(path);
  std::vector<mgca::HistoryRow> rows;
  const auto epoch = table.column("epoch"), step = table.column("step");
  table.for_each([&](const mgca::io::CsvRow& row) {
    auto& made = rows.emplace_back(mgca::HistoryRow{.epoch = row.integer_at(epoch).value_or(0), .step = row.integer_at(step).value_or(0)});
    for (std::size_t i = 0; i < table.header().size(); ++i) {
      if (i == epoch || i == step) continue;
      if (const auto value = row.number_at(i)) made.values[table.header()[i]] = *value;
    }
  });
  return rows;
}

}  // namespace

void add_report(CLI::App& program) {
  struct Options : study::RunOptions {
    bool show_text = false;
  };
  auto o = std::make_shared<Options>();
  auto* command = program.add_subcommand("report", "one page about a run: report.html in its folder");
  add_run_options(*command, *o);
  add_label_options(*command, *o);
  command->add_flag("--show-text", o->show_text, "put report text on the page; the file is then readable by its owner only");
  command->footer("Losses, retrieval, a classifier if there are labels, heat maps, baselines beside them; one file, no network.\n"
                  "Example: mgca report --run runs/mine --labels labels.csv --columns Edema Effusion");
  command->callback([o] {
    auto study = study::open_run(*o);
    const auto split = study.split(o->split);
    const auto source = study.source(split);
    page::Content content{.title = "Pretraining run", .subtitle = o->run.filename().string(),
                          .text = o->show_text ? mgca::ReportText::shown : mgca::ReportText::withheld};
    page::Run run{.name = "this run", .history = read_history(o->run / "history.csv"),
                  .recalls = evaluate::recall_at(evaluate::ranks(split, mgca::tasks::embed(*study.model, source)), 10)};
    content.ridge = evaluate::ridge_pixels(study, 10);
    if (!study.data.label_names().empty()) {
      run.probe = evaluate::probe(study, *study.model, "test");
      content.logistic = evaluate::logistic_pixels(study);
    }
    content.runs.push_back(std::move(run));
    content.facts = {{"model", study.config.model.name}, {"data", study.config.data.table.filename().string()}, {"test pairs", std::to_string(split.size())}};
    page::write(o->run / "report.html", study, content);
    console::line((o->run / "report.html").string());
  });
}

}  // namespace command
