// mgca models, config and doctor: what there is, how it is set, whether it can run here.
#include "command.hpp"
#include "study.hpp"

#include <mgca/catalog/catalog.hpp>
#include <mgca/data/audit.hpp>
#include <mgca/tensor/precision.hpp>

#include <CLI/CLI.hpp>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/version.h>

#include <fstream>

namespace command {

void add_models(CLI::App& program) {
  program.add_subcommand("models", "the models there are")->callback([] {
    std::vector<std::vector<std::string>> rows;
    for (const auto& entry : mgca::Catalog::standard().entries()) rows.push_back({entry.name, entry.summary});
    console::table({"name", "what it is"}, rows);
  });
}

void add_config(CLI::App& program) {
  struct Options {
    std::string name;
    std::vector<std::string> set;
    bool table = false;
  };
  auto o = std::make_shared<Options>();
  auto* command = program.add_subcommand("config", "every option of a model, or of a study");
  command->add_option("name", o->name, "model name; without one: the options of mgca pretrain");
  command->add_option("--set", o->set, "change options first, as key=value");
  command->add_flag("--table", o->table, "as a table with explanations instead of JSON");
  command->callback([o] {
    std::vector<mgca::OptionRow> options;
    std::string json;
    if (o->name.empty()) {
      study::StudyConfig config;
      mgca::apply_overrides(config, o->set);
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

void add_doctor(CLI::App& program) {
  auto data = std::make_shared<std::filesystem::path>();
  auto* command = program.add_subcommand("doctor", "what this machine offers, and what is wrong with a data set");
  command->add_option("--data", *data, "CSV of image-report pairs to check row by row");
  command->callback([data] {
    std::ifstream memory("/proc/meminfo");
    std::string word, total = "unknown";
    while (memory >> word) {
      if (word == "MemTotal:") memory >> total;
    }
    const auto gigabytes = total == "unknown" ? total : console::number(std::stod(total) / 1048576, 1) + " GB";
    console::table({"what", "here"}, {{"libtorch", TORCH_VERSION},
                                      {"compute threads", std::to_string(at::get_num_threads())},
                                      {"memory", gigabytes},
                                      {"CUDA devices", at::hasCUDA() ? std::to_string(at::getNumGPUs()) : "none"},
                                      {"bf16 on this CPU", mgca::cpu_has_fast_bf16() ? "fast" : "slow; f32 is used"}});
    if (data->empty()) return;
    mgca::PairsConfig config{.table = *data};
    const mgca::PairStudies studies(config);
    const auto problems = mgca::data::audit(studies);
    console::heading(data->string() + ": " + std::to_string(studies.size()) + " rows, " + std::to_string(problems.size()) + " problems");
    mgca::data::require_none(problems, data->string());
  });
}

}  // namespace command
