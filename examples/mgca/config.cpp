// mgca config: every option, and what differs between two runs.
#include "command.hpp"
#include "study.hpp"

#include <mgca/catalog/catalog.hpp>
#include <mgca/catalog/protocols.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>

namespace command {

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

void show_options(const std::vector<mgca::OptionRow>& options) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : options) rows.push_back({row.path, row.value, row.type, row.help});
  console::table({"option", "value", "type", "meaning"}, rows);
}

// A line for each task, data set and tower, all percentages of it together.
void list_protocols() {
  std::vector<std::vector<std::string>> rows;
  for (const auto& any : mgca::protocols()) {
    std::visit([&](const auto& one) {
      const auto& from = one.origin;
      const auto& set = one.recipe.data.set;
      std::vector<std::string> row{from.name, std::string(to_string(from.task)), set.empty() ? "any" : set, std::string(to_string(from.tower)), "", std::string(to_string(from.source))};
      const auto same = [&](const auto& other) { return std::equal(other.begin(), other.begin() + 4, row.begin()); };
      auto known = std::find_if(rows.begin(), rows.end(), same);
      if (known == rows.end()) known = rows.insert(rows.end(), row);
      if constexpr (requires { one.recipe.percent; }) known->at(4) += (known->at(4).empty() ? "" : " ") + std::to_string(one.recipe.percent);
    }, any);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a[0] < b[0]; });
  console::table({"protocol", "task", "data set", "tower", "percent", "source"}, rows);
  console::line("  one in full: mgca config --protocol NAME --task TASK --dataset NAME --percent P");
}

void show_protocol(const mgca::ProtocolKey& key, const std::vector<std::string>& set, bool table) {
  auto any = mgca::find_protocol(key);
  std::visit([&](auto& one) {
    mgca::apply_overrides(one.recipe, set);
    one.recipe.settle();
    if (table) show_options(mgca::option_table(one));
    else console::line(mgca::to_json_text(one));
  }, any);
}

}  // namespace

void add_config(CLI::App& program) {
  struct Options {
    std::string name, protocol, task, dataset, tower = "any";
    int percent = 100;
    std::filesystem::path run;
    std::vector<std::filesystem::path> diff;
    std::vector<std::string> set;
    bool table = false, protocols = false;
  };
  auto o = std::make_shared<Options>();
  auto* command = program.add_subcommand("config", "every option of mgca pretrain, of a model, a run or a named protocol; what differs between two runs");
  command->add_option("name", o->name, "model name; without one: the options of mgca pretrain")->type_name("NAME");
  auto* run = command->add_option("--run", o->run, "the options of this run folder or config.json")->type_name("FOLDER");
  auto* diff = command->add_option("--diff", o->diff, "two run folders or config.json files: the options that differ")->expected(2)->type_name("A B");
  command->add_option("--set", o->set, "change options first; may be repeated")->type_name("KEY=VALUE")->allow_extra_args(false);
  command->add_flag("--table", o->table, "as a table with explanations instead of JSON");
  auto* protocol = command->add_option("--protocol", o->protocol, "the recipe of this named protocol for a task and a data set")->type_name("NAME");
  auto* protocols = command->add_flag("--protocols", o->protocols, "the named protocols there are");
  command->add_option("--task", o->task, "classify, detect, segment or zeroshot")->type_name("NAME")->needs(protocol);
  command->add_option("--dataset", o->dataset, "data set, as mgca prepare calls it")->type_name("NAME")->needs(protocol);
  command->add_option("--percent", o->percent, "part of the training split: 1, 10 or 100")->capture_default_str()->needs(protocol);
  command->add_option("--tower", o->tower, "resnet or vit, where recipes differ between them")->type_name("FAMILY")->capture_default_str()->needs(protocol);
  run->excludes("name");
  diff->excludes("name")->excludes(run);
  protocol->needs("--task")->excludes("name")->excludes(run)->excludes(diff)->excludes(protocols);
  command->footer("Examples: mgca config --table   mgca config mgca-vit-b16 --table   mgca config --diff runs/a runs/b\n"
                  "          mgca config --protocol mgca-scripts --task detect --dataset rsna --percent 1 --table");
  command->callback([o] {
    if (o->protocols) return list_protocols();
    if (!o->protocol.empty()) {
      return show_protocol({.name = o->protocol, .task = mgca::parse_enum<mgca::ProtocolTask>(o->task), .data_set = o->dataset, .percent = o->percent,
                            .tower = mgca::parse_enum<mgca::TowerFamily>(o->tower)}, o->set, o->table);
    }
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
    show_options(options);
  });
}

}  // namespace command
