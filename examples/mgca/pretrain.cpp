// mgca pretrain: image-report pairs in, a run folder out.
#include "command.hpp"
#include "study.hpp"

#include <CLI/CLI.hpp>

namespace command {

namespace {

struct Options {
  std::filesystem::path table, vocabulary, out, config;
  std::string model, device = "auto";
  std::vector<std::string> set;
  bool resume = false;
};

void run(const Options& o) {
  study::StudyConfig config;
  const auto kept = o.out / "config.json";
  if (o.resume && std::filesystem::exists(kept)) {
    config = study::read_config(kept);
  } else {
    if (!o.config.empty()) config = study::read_config(o.config);
    if (!o.table.empty()) config.data.table = o.table;
    if (!o.vocabulary.empty()) config.vocabulary = o.vocabulary;
    if (!o.model.empty()) config.model.name = o.model;
    if (config.data.table.empty()) mgca::fail(mgca::ErrorKind::argument, "pretrain: --data is missing: a CSV with the columns image, report, patient and split");
    // The picture sizes follow the model unless they are set.
    config.source.augmentation.crop = study::image_size_of(config.model);
    config.source.stored_side = config.source.augmentation.crop * 256 / 224;
    study::apply_overrides(config, o.set);
    study::make_absolute(config);
    if (std::filesystem::exists(kept)) {
      const auto before = study::read_config(kept);
      const auto changed = study::differences(before, config);
      if (!changed.empty()) {
        mgca::fail(mgca::ErrorKind::config, o.out.string(), ": the run there has ", changed[0].path, " = ", changed[0].left, ", now it is ", changed[0].right,
                   " (", changed.size(), " differences); choose another --out, or --resume to go on with the old configuration");
      }
    }
  }
  study::watch_signals();
  auto study = study::open_study(config, (std::filesystem::create_directories(o.out), o.out));
  console::line("pretrain " + config.model.name + " on " + config.data.table.string());
  const auto outcome = study::pretrain(study, o.out, o.device);
  if (outcome.result.end == mgca::FitEnd::interrupted) {
    console::line("stopped after step " + std::to_string(outcome.result.progress.step) + "; go on with: mgca pretrain --resume --out " + o.out.string());
    throw CLI::RuntimeError(128 + study::signal_received());
  }
  console::line("done: " + (o.out / "best.safetensors").string());
}

}  // namespace

void add_pretrain(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("pretrain", "train a model on image-report pairs");
  command->add_option("--data", options->table, "CSV with the columns image, report, patient, split");
  command->add_option("--out", options->out, "run folder")->required();
  command->add_option("--model", options->model, "name from `mgca models`");
  command->add_option("--vocabulary", options->vocabulary, "word pieces, one a line; default: trained on the training reports");
  command->add_option("--config", options->config, "JSON as written to a run folder");
  command->add_option("--set", options->set, "any option, as key=value: fit.epochs=10, model.overrides=[\"image.depth=6\"]");
  command->add_option("--device", options->device, "cpu, cuda, cuda:N or auto");
  command->add_flag("--resume", options->resume, "go on with the configuration of the run folder");
  command->callback([options] { run(*options); });
}

}  // namespace command
