// mgca experiment: a grid of pretraining variants, evaluations, fractions and seeds, and its tables.
#include "command.hpp"
#include "console.hpp"
#include "experiment_run.hpp"
#include "experiment_tables.hpp"
#include "study.hpp"

#include <mgca/core/file.hpp>
#include <mgca/core/nearest.hpp>

#include <CLI/CLI.hpp>

namespace command {

namespace {

struct ExperimentCommand {
  std::string what;  // a file, or a preset
  std::filesystem::path out, data_root;
  std::vector<std::string> set;
  std::string device;
  std::int64_t workers = 0;  // 0: as the experiment says
  bool plan = false, tables = false, show = false;
};

bool is_file(const ExperimentCommand& o) { return o.what.ends_with(".json") || std::filesystem::exists(o.what); }

experiment::Experiment read_experiment(const ExperimentCommand& o) {
  experiment::Experiment read;
  if (is_file(o)) {
    read = mgca::from_json_text<experiment::Experiment>(mgca::read_text_file(o.what), o.what);
  } else {
    auto known = experiment::preset(o.what);
    if (!known)
      mgca::fail(mgca::ErrorKind::argument, "experiment: '", o.what, "' is neither a file nor a preset",
                 mgca::nearest_hint(o.what, experiment::preset_names()));
    read = std::move(*known);
  }
  if (!o.set.empty()) mgca::apply_overrides(read, o.set);
  if (!o.device.empty()) read.device = o.device;
  (void)study::parse_device(read.device);
  return read;
}

// Every command of the plan is read as the program itself will read it. Throws Error(config) naming the cell of one that is refused.
void require_readable(const experiment::Plan& plan) {
  CLI::App program;
  add_all(program);
  program.parse_complete_callback([] { throw CLI::Success(); });  // read, not done
  for (const auto& cell : plan.cells) {
    std::vector<const char*> words{"mgca"};
    for (const auto& word : cell.command) words.push_back(word.c_str());
    try {
      program.parse(static_cast<int>(words.size()), words.data());
    } catch (const CLI::Success&) {  // all of it was understood
    } catch (const CLI::ParseError& error) {
      mgca::fail(mgca::ErrorKind::config, "cell ", cell.id, ": mgca ", cell.command.front(), ": ", error.what());
    }
  }
}

void require_files(const experiment::Plan& plan) {
  if (plan.missing.empty()) return;
  std::string list;
  for (const auto& one : plan.missing) list += "\n  " + one;
  mgca::fail(mgca::ErrorKind::system, "experiment '", plan.experiment.name,
             "': what it reads is not there (--data-root says where it lies):", list);
}

void show_plan(const experiment::Plan& plan, const std::filesystem::path& folder) {
  const auto states = experiment::states_of(plan, folder);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < states.size(); ++i)
    rows.push_back({plan.cells[i].id, std::string(mgca::to_string(states[i])), plan.cells[i].folder.string()});
  console::table({"cell", "state", "folder"}, rows);
  console::line("  " + std::to_string(std::count(states.begin(), states.end(), experiment::CellState::done)) + " of " +
                std::to_string(states.size()) + " cells are done");
}

// The error that an experiment with failed cells ends with: of the kind of the first.
[[noreturn]] void fail_with(const experiment::Plan& plan, const experiment::RunOutcome& outcome) {
  using mgca::ErrorKind;
  auto kind = ErrorKind::system;
  for (const auto one : {ErrorKind::argument, ErrorKind::config, ErrorKind::data}) {
    if (outcome.failed.front().code == static_cast<int>(console::exit_code(one))) kind = one;
  }
  std::string list;
  for (const auto& one : outcome.failed) {
    const auto& cell = plan.cells[one.cell];
    list += "\n  " + cell.id +
            (one.code < 0 ? ", ended by signal " + std::to_string(-one.code) : ", exit code " + std::to_string(one.code)) + "; see " +
            (cell.folder / "cell.log").string();
  }
  mgca::fail(kind, "experiment: ", outcome.failed.size(), " of ", plan.cells.size(), " cells failed",
             outcome.blocked.empty() ? "" : " and " + std::to_string(outcome.blocked.size()) + " wait for them",
             "; the same command again goes on with them:", list);
}

std::string command_again(const ExperimentCommand& o) {
  std::string text = "mgca experiment " + o.what + " --out " + o.out.string();
  if (!o.data_root.empty()) text += " --data-root " + o.data_root.string();
  for (const auto& one : o.set) text += " --set '" + one + "'";
  if (!o.device.empty()) text += " --device " + o.device;
  return text;
}

void run_experiment(const ExperimentCommand& o) {
  auto read = read_experiment(o);
  if (o.show) return console::line(mgca::to_json_text(read));
  if (o.out.empty()) mgca::fail(mgca::ErrorKind::argument, "experiment: --out is missing: the folder of its cells and tables");
  if (o.workers < 0) mgca::fail(mgca::ErrorKind::argument, "experiment: --worker ", o.workers, ": expected 1 or more");
  const auto workers = o.workers > 0 ? o.workers : read.workers;
  const auto root = !o.data_root.empty() ? o.data_root : is_file(o) ? std::filesystem::path(o.what).parent_path() : std::filesystem::path();
  const auto plan = experiment::make_plan(std::move(read), root);
  const auto folder = std::filesystem::absolute(o.out).lexically_normal();
  require_readable(plan);
  if (o.plan) show_plan(plan, folder);
  require_files(plan);
  if (o.plan) return;
  if (o.tables) return experiment::write_tables(plan, folder);
  study::watch_signals();
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) mgca::fail_system(folder, "create the folder", code.value());
  mgca::remove_abandoned(mgca::posix_files(), folder);
  mgca::atomic_write(mgca::posix_files(), folder / "experiment.json", mgca::to_json_text(plan.experiment) + "\n");
  console::line("experiment " + plan.experiment.name + ": " + std::to_string(plan.cells.size()) + " cells, " + std::to_string(workers) +
                " at a time");
  const auto outcome = experiment::run_cells(plan, folder, workers);
  if (outcome.interrupted) {
    console::line("stopped with " + std::to_string(outcome.done) + " of " + std::to_string(plan.cells.size()) +
                  " cells done; go on with: " + command_again(o));
    throw CLI::RuntimeError(128 + study::signal_received());
  }
  experiment::write_tables(plan, folder);
  if (!outcome.failed.empty()) fail_with(plan, outcome);
  console::line("done: all " + std::to_string(plan.cells.size()) + " cells");
}

}  // namespace

void add_experiment(CLI::App& program) {
  auto o = std::make_shared<ExperimentCommand>();
  auto* command =
      program.add_subcommand("experiment", "a grid of pretrainings, evaluations, fractions and seeds, resumable, and its tables");
  command->add_option("what", o->what, "a JSON file, or a preset: paper-table-1 to -6, synthetic, sample")->required()->type_name("FILE.json|NAME");
  command->add_option("--out", o->out, "folder of cells and tables; the same command again goes on with what is there")
      ->type_name("FOLDER");
  command->add_option("--data-root", o->data_root, "where data and weights lie; without it: beside the file")->type_name("FOLDER");
  command->add_option("--worker", o->workers, "cells at a time; several mgca experiment on one folder share its cells as well")
      ->type_name("N");
  command->add_option("--set", o->set, "any option of the file: --set seeds=[1,2,3]")->type_name("KEY=VALUE")->allow_extra_args(false);
  command->add_option("--device", o->device, "of every cell: cpu, cuda, cuda:N or auto")->type_name("NAME");
  auto* plan = command->add_flag("--plan", o->plan, "list the cells and what became of them; checks everything and runs nothing");
  auto* tables = command->add_flag("--tables", o->tables, "write the tables of what is done, and run nothing");
  auto* show = command->add_flag("--show", o->show, "the experiment as JSON, to begin one's own with");
  plan->excludes(tables)->excludes(show);
  tables->excludes(show);
  command->footer(
      "Cells lie in OUT/cells with command, log and results; tables as Markdown, LaTeX, CSV and HTML in OUT/tables. docs/experiment.md "
      "explains the file.\n"
      "Examples: mgca experiment synthetic --out runs/synthetic --worker 2\n"
      "          mgca experiment paper-table-1 --data-root data --out runs/table-1 --plan");
  command->callback([o] { run_experiment(*o); });
}

}  // namespace command
