// mgca demo: the whole study on the sample radiographs, three seeds, with baselines and a page.
#include "command.hpp"
#include "page.hpp"

#include <mgca/tensor/weights_file.hpp>

#include <CLI/CLI.hpp>

#include <chrono>

namespace command {

namespace {

study::StudyConfig demo_config(const std::filesystem::path& data, std::uint64_t seed) {
  study::StudyConfig c;
  const auto nih = data / "nih-mini";
  c.data = {.table = nih / "pairs.csv", .labels = nih / "labels.csv",
            .label_columns = {"Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia", "Infiltration",
                              "Mass", "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax"},
            .boxes = nih / "boxes.csv"};
  c.vocabulary = data / "vocab" / "bert-base-cased-vocab.txt";
  c.model = {.name = "mgca-resnet-small", .overrides = {"text.dropout=0", "image.width=24"}, .seed = seed};
  c.source = {.stored_side = 72, .augmentation = {.crop = 64, .brightness = 0.1, .contrast = 0.15}};
  c.loader = {.batch_size = 32, .threads = 1, .seed = seed};
  c.fit.epochs = 14;
  c.fit.schedule = {.rate = 7e-4, .minimum = 1e-6, .warmup_fraction = 0.15};
  c.fit.seed = seed;
  c.fit.report_every = 10;
  c.patience = 14;
  study::make_absolute(c);
  return c;
}

// "held-out loss by epoch   18.13 18.45 ...": all of a run on two lines.
void print_losses(const std::vector<mgca::HistoryRow>& history) {
  std::string text = "  held-out loss by epoch ";
  for (const auto& row : history) {
    if (row.epoch > 0 && row.epoch % 10 == 0) text += "\n                         ";
    text += " " + console::number(row.values.at("val_loss"), 2);
  }
  console::line(text);
}

void show_demo(const std::filesystem::path& data, const std::filesystem::path& out, std::int64_t seeds) {
  study::watch_signals();
  const auto begin = std::chrono::steady_clock::now();
  console::line("Study on the sample set: 1,210 real NIH radiographs; the sentences are composed from published labels, not radiologists' reports.");
  const std::string repeats = seeds == 1 ? "one seed" : std::to_string(seeds) + " seeds";
  page::Content content{.title = "MGCA on 1,210 chest radiographs", .subtitle = "Sample study: what the model learned from radiographs and sentences, " + repeats,
                        .warning = "The radiographs are real (NIH ChestX-ray14, reduced to 160 pixels). The sentences were composed from the published labels, view, age and sex; "
                                   "they are not radiologists' reports. Numbers on this page show that the program works and have no clinical meaning.",
                        .privacy = "The sentences shown here are public. A page with the reports of your own patients (mgca report --show-text) is patient data.",
                        .credits = "Radiographs and labels: the NIH Clinical Center is the data provider; Wang et al., ChestX-ray8, CVPR 2017.",
                        .text = mgca::ReportText::shown};
  std::optional<study::Study> first;
  for (std::int64_t s = 0; s < seeds; ++s) {
    const auto seed = static_cast<std::uint64_t>(s + 1);
    const auto folder = out / ("seed-" + std::to_string(seed));
    console::heading("Pretraining, seed " + std::to_string(seed) + " of " + std::to_string(seeds));
    auto study = study::open_study(demo_config(data, seed), folder);
    page::Run run{.name = "seed " + std::to_string(seed)};
    if (s == 0) content.logistic = evaluate::logistic_pixels(study), content.ridge = evaluate::ridge_pixels(study, 10);
    run.random_probe = evaluate::probe(study, *study.model, "test");
    const auto outcome = study::pretrain(study, folder, {.device = "cpu", .lines = study::Lines::per_run});
    if (outcome.result.end == mgca::FitEnd::interrupted) {
      console::line("stopped; the same command goes on where it was");
      throw CLI::RuntimeError(128 + study::signal_received());
    }
    run.history = outcome.history;
    print_losses(run.history);
    mgca::load_state_dict(*study.model, mgca::read_weights(folder / "best.safetensors").tensors);
    const auto test = study.split("test");
    const auto source = study.source(test);
    run.recalls = evaluate::recall_at(evaluate::ranks(test, mgca::tasks::embed(*study.model, source)), 10);
    run.probe = evaluate::probe(study, *study.model, "test");
    console::line("  R@10 " + evaluate::text_of(run.recalls.mean) + "   probe macro AUROC " + evaluate::text_of(run.probe->macro) + "   random tower " +
                  evaluate::text_of(run.random_probe->macro));
    if (!first) first.emplace(std::move(study));
    content.runs.push_back(std::move(run));
  }

  const auto& first_ranks = content.runs.front().recalls.ranks;
  const auto pairs = first_ranks.found.image_to_text.candidates;
  const double chance = content.runs.front().recalls.chance;
  std::vector<double> recalls, probes, randoms;
  for (const auto& run : content.runs) {
    recalls.push_back(*run.recalls.mean.estimate);
    probes.push_back(run.probe->macro.estimate.value_or(0));
    randoms.push_back(run.random_probe->macro.estimate.value_or(0));
  }
  content.facts = {{"training pairs", std::to_string(first->split("train").size())}, {"test pairs", std::to_string(pairs)},
                   {"model", first->config.model.name + ", " + std::to_string(first->model->image_size()) + " px"},
                   {"epochs", std::to_string(first->config.fit.epochs)}, {"batch", std::to_string(first->config.loader.batch_size)},
                   {"profile", std::string(to_string(first->model->profile()))},
                   {"time", console::duration(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count())}};
  page::write(out / "report.html", *first, content);

  console::heading("Test split, " + std::to_string(pairs) + " pairs, " + (seeds == 1 ? repeats : "mean of " + repeats));
  console::table({"", "MGCA", "baseline", "what the baseline is"},
                 {{"R@10, both directions", console::percent(page::mean_of(recalls)) + " = " + console::number(page::mean_of(recalls) / chance, 1) + " x chance",
                   console::percent(*content.ridge->mean.estimate) + " = " + console::number(*content.ridge->mean.estimate / chance, 1) + " x chance", "ridge regression on 32 x 32 pixels"},
                  {"probe, macro AUROC", console::number(page::mean_of(probes)), console::number(page::mean_of(randoms)), "the same tower, random weights"},
                  {"", "", console::number(content.logistic->macro.estimate.value_or(0)), "logistic regression on 32 x 32 pixels"}});
  console::line("  " + std::to_string(first_ranks.different) + " different reports: " + evaluate::kHitRule + "; chance " + console::percent(chance));
  console::line("\n" + std::filesystem::absolute(out / "report.html").lexically_normal().string());
}

}  // namespace

void add_demo(CLI::App& program) {
  struct Options {
    std::filesystem::path data = "examples/data", out = "runs/demo";
    std::int64_t seeds = 3;
  };
  auto o = std::make_shared<Options>();
  auto* command = program.add_subcommand("demo", "the whole study on the sample radiographs: minutes on a laptop");
  command->add_option("--data", o->data, "folder of the sample data (examples/data of the project)");
  command->add_option("--out", o->out, "folder for the runs and report.html");
  command->add_option("--seeds", o->seeds, "number of repetitions")->check(CLI::PositiveNumber);
  command->callback([o] { show_demo(o->data, o->out, o->seeds); });
}

}  // namespace command
