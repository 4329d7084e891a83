// The options of every command that begins a study or reads a run folder.
#include "command.hpp"
#include "study.hpp"

#include <CLI/CLI.hpp>

namespace command {

void add_begin_options(CLI::App& command, study::BeginOptions& o) {
  command
      .add_option("--data", o.table,
                  "CSV with the columns image, report, patient and split (train, valid, test), or folder of mgca prepare")
      ->type_name("PATH");
  command.add_option("--model", o.model, "a name from `mgca models`; without one: mgca-resnet-small")->type_name("NAME");
  command.add_option("--vocabulary", o.vocabulary, "word pieces, one a line; without one: trained on the training reports")
      ->type_name("FILE");
  command.add_option("--set", o.set, "any option of `mgca config`: fit.epochs=10, model.overrides='[\"image.width=32\"]'")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("--config", o.config, "all options from a config.json; --set still changes single ones")->type_name("FILE");
}

void add_run_options(CLI::App& command, study::RunOptions& o) {
  command.add_option("--run", o.run, "run folder of mgca pretrain")->required()->type_name("FOLDER");
  command
      .add_option("--data", o.table, "another CSV of pairs with the same columns, or folder of mgca prepare; without one: the run's own")
      ->type_name("PATH");
  command.add_option("--device", o.device, "cpu, cuda, cuda:N, or auto: a GPU where there is one")
      ->type_name("NAME")
      ->capture_default_str();
}

void add_split_option(CLI::App& command, study::RunOptions& o) {
  command.add_option("--split", o.split, "which split to score")->type_name("NAME")->capture_default_str();
}

void add_label_options(CLI::App& command, study::RunOptions& o) {
  command.add_option("--labels", o.labels, "CSV with an image column and columns of 0, 1 or nothing; without one: the run's own")
      ->type_name("CSV");
  command.add_option("--columns", o.label_columns, "its columns to learn: --columns Edema Effusion; without them: the run's own")
      ->type_name("NAME");
}

}  // namespace command
