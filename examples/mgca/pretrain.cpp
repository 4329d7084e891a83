// mgca pretrain: image-report pairs in, a run folder out.
#include "command.hpp"
#include "ranks.hpp"
#include "start.hpp"
#include "study.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <csignal>
#include <optional>

namespace command {

namespace {

struct PretrainOptions {
  study::BeginOptions begin;
  std::filesystem::path out;
  std::string device = "auto";
  bool resume = false;
  ranks::Options ranks;
};

study::StudyConfig resumed(const std::filesystem::path& out) {
  const auto kept = out / "config.json";
  if (!std::filesystem::exists(kept)) {
    mgca::fail(mgca::ErrorKind::system, out.string(), ": nothing to resume: it holds no config.json; begin a run with --data instead of --resume");
  }
  return study::read_config(kept);
}

void pretrain(const PretrainOptions& o) {
  (void)study::parse_device(o.device);  // a wrong name is told before any work
  const auto config = o.resume ? resumed(o.out) : study::begin(o.begin, "pretrain");
  if (study::has_begun(o.out)) study::require_same(config, o.out);
  const auto begin = std::chrono::steady_clock::now();
  std::optional<study::RunOutcome> done;
  std::string again = "mgca pretrain --resume --out " + o.out.string();
  ranks::run(o.ranks, o.device, [&](ranks::Team* team, const std::string& device) {
    study::watch_signals();  // who still waits for other ranks ends at once
    console::line("pretrain " + config.model.name + " on " + config.data.table.string());
    auto study = study::open_study(config, o.out);
    done = study::pretrain(study, o.out, {.device = device, .team = team});
    if (team != nullptr && team->supervised()) again += " --ranks " + std::to_string(team->size());
  });
  if (!done) return;  // the ranks have told everything
  const auto& outcome = *done;
  if (outcome.result.end == mgca::FitEnd::interrupted) {
    console::line("stopped after step " + std::to_string(outcome.result.progress.step) + " of " + std::to_string(outcome.result.progress.steps) +
                  "; go on with: " + again);
    throw CLI::RuntimeError(128 + (study::signal_received() != 0 ? study::signal_received() : SIGTERM));  // the other ranks stop with the one that was told to
  }
  const mgca::HistoryRow* best = nullptr;
  for (const auto& row : outcome.history) {
    const auto it = row.values.find("val_loss");
    if (it != row.values.end() && std::isfinite(it->second) && (best == nullptr || it->second < best->values.at("val_loss"))) best = &row;
  }
  if (config.fit.epochs == 0) return console::line("no epoch was asked for: " + (o.out / "best.safetensors").string() + " holds the start weights, to compare with");
  console::line(outcome.result.end == mgca::FitEnd::stopped_early
                    ? "stopped early: no better held-out loss in " + std::to_string(config.patience) + " epochs"
                    : "all " + std::to_string(config.fit.epochs) + " epochs are done");
  if (best != nullptr) {
    console::line("  best held-out loss " + console::number(best->values.at("val_loss")) + " after epoch " + std::to_string(best->epoch + 1) + ", in " +
                  console::duration(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()));
    console::line("  weights   " + (o.out / "best.safetensors").string());
    console::line("  next      mgca retrieve --run " + o.out.string() + "   or   mgca report --run " + o.out.string());
  }
}

}  // namespace

void add_pretrain(CLI::App& program) {
  auto options = std::make_shared<PretrainOptions>();
  auto* command = program.add_subcommand("pretrain", "train a model on image-report pairs");
  command->add_option("--out", options->out, "run folder; the same command again goes on with what is there")->required()->type_name("FOLDER");
  add_begin_options(*command, options->begin);
  command->add_option("--pack", options->begin.pack, "pictures packed by mgca pack; without it: read from the image files")->type_name("FILE");
  command->add_option("--image-weights", options->begin.image_weights, "start weights of the image tower: see mgca inspect and docs/weights.md")->type_name("FILE");
  command->add_option("--text-weights", options->begin.text_weights, "start weights of the text tower; needs the --vocabulary they were trained with")->type_name("FILE");
  command->add_flag("--resample-positions", options->begin.resample_positions, "resample a ViT's position table for another picture size");
  command->add_option("--precision", options->begin.precision, "of matrix products: f32, bf16 or, on a GPU, f16")->type_name("NAME");
  command->add_option("--device", options->device, "cpu, cuda, cuda:N, or auto: a GPU where there is one")->type_name("NAME")->capture_default_str();
  ranks::add_options(*command, options->ranks);
  auto* resume = command->add_flag("--resume", options->resume, "go on with the options of the run folder; only --out, --device and what concerns ranks beside it");
  for (const auto* other : {"--data", "--pack", "--model", "--vocabulary", "--image-weights", "--text-weights", "--resample-positions", "--set", "--config", "--precision"}) resume->excludes(command->get_option(other));
  command->footer("Example: mgca pretrain --data pairs.csv --out runs/mine --set fit.epochs=20");
  command->callback([options] { pretrain(*options); });
}

}  // namespace command
