// mgca models and config: what there is and how it is set.
#include "command.hpp"
#include "study.hpp"

#include <mgca/catalog/catalog.hpp>

#include <CLI/CLI.hpp>

namespace command {

void add_models(CLI::App& program) {
  auto* command = program.add_subcommand("models", "the models there are, with their parameters");
  command->footer("`mgca config NAME --table` shows every option of a model.");
  command->callback([] {
    std::vector<std::vector<std::string>> rows;
    for (const auto& entry : mgca::Catalog::standard().entries()) {
      const auto model = entry.build({});
      std::int64_t parameters = 0;
      for (const auto& p : model->parameters()) parameters += p.numel();
      rows.push_back({entry.name, console::count(parameters), std::to_string(model->image_size()) + " px", std::to_string(model->text_length()), entry.summary});
    }
    console::table({"name", "parameters", "images", "tokens", "what it is"}, rows);
  });
}

namespace {

// The configuration of a run folder or of a file as written into one.
study::StudyConfig config_at(const std::filesystem::path& path) {
  return study::read_config(std::filesystem::is_directory(path) ? path / "config.json" : path);
}

void show_differences(const std::filesystem::path& left, const std::filesystem::path& right) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : study::differences(config_at(left), config_at(right))) rows.push_back({one.path, one.left, one.right});
  if (rows.empty()) return console::line("no option differs");
  console::table({"option", left.string(), right.string()}, rows);
}

}  // namespace

void add_config(CLI::App& program) {
  struct Options {
    std::string name;
    std::filesystem::path run;
    std::vector<std::filesystem::path> diff;
    std::vector<std::string> set;
    bool table = false;
  };
  auto o = std::make_shared<Options>();
  auto* command = program.add_subcommand("config", "every option of mgca pretrain, of a model or of a run; what differs between two runs");
  command->add_option("name", o->name, "model name; without one: the options of mgca pretrain")->type_name("NAME");
  auto* run = command->add_option("--run", o->run, "the options of this run folder or config.json")->type_name("FOLDER");
  auto* diff = command->add_option("--diff", o->diff, "two run folders or config.json files: the options that differ")->expected(2)->type_name("A B");
  command->add_option("--set", o->set, "change options first; may be repeated")->type_name("KEY=VALUE")->allow_extra_args(false);
  command->add_flag("--table", o->table, "as a table with explanations instead of JSON");
  run->excludes("name");
  diff->excludes("name")->excludes(run);
  command->footer("Examples: mgca config --table   mgca config mgca-vit-b16 --table   mgca config --diff runs/a runs/b");
  command->callback([o] {
    if (!o->diff.empty()) return show_differences(o->diff[0], o->diff[1]);
    std::vector<mgca::OptionRow> options;
    std::string json;
    if (o->name.empty()) {
      auto config = o->run.empty() ? study::defaults_for({.name = "mgca-resnet-small"}) : config_at(o->run);
      study::apply_overrides(config, o->set);
      options = mgca::option_table(config);
      json = mgca::to_json_text(config);
    } else {
      const auto catalog = mgca::Catalog::standard();
      options = catalog.at(o->name).options(o->set);
      json = catalog.at(o->name).config_text(o->set);
    }
    if (!o->table) return console::line(json);
    std::vector<std::vector<std::string>> rows;
    for (const auto& row : options) rows.push_back({row.path, row.value, row.type, row.help});
    console::table({"option", "value", "type", "meaning"}, rows);
  });
}

}  // namespace command
