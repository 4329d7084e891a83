// Experiments that come with the program: the tables of the MGCA paper on the user's data, and two that need nothing from elsewhere.
#include "experiment.hpp"
#include "study.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace experiment {

namespace {

constexpr std::array<int, 3> kPercents{1, 10, 100};

// --- the tables of the paper -------------------------------------------------------------------------------------

// One recipe for every method, as the paper does: MGCA's own, its two devices as one.
const std::vector<std::string>& paper_recipe() {
  static const std::vector<std::string> set{
      "fit.epochs=50", "fit.schedule.rate=2e-5", "fit.schedule.minimum=1e-8", "fit.schedule.warmup_fraction=0.4", "loader.batch_size=144", "patience=5"};
  return set;
}

// What a model's own recipe has otherwise.
std::vector<std::string> as_the_paper_trains(const std::string& model) {
  const auto trained = [](const std::string& name) {
    auto config = study::defaults_for({.name = name});
    study::apply_overrides(config, paper_recipe());
    config.model = {};
    return config;
  };
  std::vector<std::string> set;
  for (const auto& one : study::differences(trained(model), trained("mgca-vit-b16"))) set.push_back(one.path + "=" + one.right);
  return set;
}

// A data set of the paper with its evaluation under the paper's protocol, three fractions, and the columns that show it.
struct PaperTask {
  std::string name, data, data_set;  // folder below --data-root, data set of the protocol
  Task task;
  std::string title, row, measure, published;
};

const PaperTask& paper_task(const std::string& name) {
  static const std::vector<PaperTask> tasks{
      {"chexpert", "chexpert", "chexpert", Task::classify, "CheXpert AUROC", "macro mean", "auroc", "chexpert"},
      {"rsna", "rsna", "rsna", Task::classify, "RSNA AUROC", "macro mean", "auroc", "rsna"},
      {"covidx", "covidx", "covidx", Task::classify, "COVIDx accuracy", "all classes", "accuracy", "covidx"},
      {"rsna-detection", "rsna-detection", "rsna", Task::detect, "RSNA mAP", "all", "mAP_40_75", "rsna detection"},
      {"object-cxr-detection", "object-cxr", "object-cxr", Task::detect, "Object-CXR mAP", "all", "mAP_40_75", "object-cxr detection"},
      {"siim-segmentation", "siim", "siim", Task::segment, "SIIM Dice", "all", "dice", "siim segmentation"},
      {"rsna-segmentation", "rsna-detection", "rsna", Task::segment, "RSNA Dice", "all", "dice", "rsna segmentation"},
  };
  return *std::find_if(tasks.begin(), tasks.end(), [&](const auto& one) { return one.name == name; });
}

void add_paper_task(Experiment& e, TableSpec& table, const std::string& name) {
  const auto& t = paper_task(name);
  bool known = false;
  for (const auto& one : e.data) known = known || one.name == t.data;
  if (!known) e.data.push_back({.name = t.data, .path = t.data});
  e.evaluations.push_back({.name = t.name,
                           .task = t.task,
                           .data = t.data,
                           .protocol = "mgca-paper",
                           .data_set = t.data_set,
                           .percents = {kPercents.begin(), kPercents.end()}});
  for (const auto percent : kPercents) {
    table.columns.push_back({.title = t.title + " " + std::to_string(percent) + " %",
                             .evaluation = t.name,
                             .percent = percent,
                             .row = t.row,
                             .measure = t.measure,
                             .scale = 100,
                             .digits = 1,
                             .published = t.published + " " + std::to_string(percent)});
  }
}

Experiment paper(int number, const std::string& title, const std::string& published, const std::vector<std::string>& tasks) {
  const auto name = "paper-table-" + std::to_string(number);
  Experiment e{.name = name, .title = title, .data = {{.name = "mimic-cxr", .path = "mimic-cxr"}}};
  e.set = paper_recipe();
  e.seeds = {42};
  e.threads = 8;
  e.tables.push_back({.name = name, .title = title, .published = published});
  for (const auto& task : tasks) add_paper_task(e, e.tables.front(), task);
  return e;
}

constexpr const char* kImageNetResNet = "weights/resnet50.pth";
constexpr const char* kImageNetVit = "weights/deit_base_patch16_224.pth";

// A method pretrained on MIMIC-CXR from the published start weights.
Variant on_mimic(const std::string& name, const std::string& title, const std::string& model, std::vector<std::string> overrides = {}) {
  Variant v{.name = name, .title = title, .model = model, .data = "mimic-cxr", .overrides = std::move(overrides)};
  v.image_weights = model.find("vit") == std::string::npos ? kImageNetResNet : kImageNetVit;
  if (model.starts_with("moco") || model.starts_with("simclr")) return v;  // pictures alone, seen twice: they keep their views
  v.set = as_the_paper_trains(model);
  v.text_weights = "weights/bio-clinical-bert/pytorch_model.bin";
  v.vocabulary = "weights/bio-clinical-bert/vocab.txt";
  return v;
}

void add_row(Experiment& e, Variant variant, const std::string& published) {
  e.tables.front().rows.push_back({.variant = variant.name, .published = published});
  e.variants.push_back(std::move(variant));
}

void add_published(Experiment& e, const std::string& row) { e.tables.front().rows.push_back({.variant = {}, .published = row}); }

void add_controls(Experiment& e) {
  add_row(e, {.name = "random", .title = "Random", .model = "mgca-resnet50", .random = true}, "Random");
  add_row(e, {.name = "imagenet", .title = "ImageNet", .model = "mgca-resnet50", .weights = kImageNetResNet}, "ImageNet");
}

Experiment paper_table_1() {
  auto e = paper(1, "Linear classification", "classification", {"chexpert", "rsna", "covidx"});
  add_controls(e);
  for (const auto* row : {"DSVE", "VSE++", "Caption-Transformer", "Caption-LSTM", "Contrastive-Binary"}) add_published(e, row);
  add_row(e, on_mimic("convirt", "ConVIRT", "convirt-resnet50"), "ConVIRT");
  add_published(e, "GLoRIA");
  add_row(e, on_mimic("gloria", "GLoRIA on MIMIC-CXR", "gloria-resnet50"), "GLoRIA-MIMIC");
  add_row(e, on_mimic("mgca-resnet50", "MGCA ResNet-50", "mgca-resnet50"), "MGCA ResNet-50");
  add_row(e, on_mimic("mgca-vit-b16", "MGCA ViT-B/16", "mgca-vit-b16"), "MGCA ViT-B/16");
  e.reference = "mgca-resnet50";
  return e;
}

Experiment paper_table_2() {
  const std::vector<std::string> segmentation{"siim-segmentation", "rsna-segmentation"};
  auto e = paper(2, "Detection and segmentation", "detection and segmentation",
                 {"rsna-detection", "object-cxr-detection", "siim-segmentation", "rsna-segmentation"});
  add_controls(e);
  add_row(e, on_mimic("convirt", "ConVIRT", "convirt-resnet50"), "ConVIRT");
  add_published(e, "GLoRIA");
  add_row(e, on_mimic("gloria", "GLoRIA on MIMIC-CXR", "gloria-resnet50"), "GLoRIA-MIMIC");
  add_row(e, on_mimic("mgca-resnet50", "MGCA ResNet-50", "mgca-resnet50"), "MGCA ResNet-50");
  auto vit = on_mimic("mgca-vit-b16", "MGCA ViT-B/16", "mgca-vit-b16");
  vit.evaluations = segmentation;
  add_row(e, std::move(vit), "MGCA ViT-B/16");
  e.reference = "mgca-resnet50";
  return e;
}

Experiment paper_table_3() {
  auto e = paper(3, "Pictures alone and pictures with reports", "image only", {"chexpert", "rsna"});
  add_row(e, on_mimic("moco", "MoCo v2", "moco-vit-b16"), "MoCo v2");
  add_row(e, on_mimic("mgca", "MGCA", "mgca-vit-b16"), "MGCA ViT-B/16");
  e.reference = "mgca";
  return e;
}

// An ablation of MGCA ViT-B/16: one override a row.
struct Ablated {
  std::string name, title, published;
  std::vector<std::string> overrides;
};
Experiment ablation(int number, const std::string& title, const std::string& published, const std::string& reference,
                    const std::vector<Ablated>& rows) {
  auto e = paper(number, title, published, {"chexpert", "rsna"});
  for (const auto& row : rows) add_row(e, on_mimic(row.name, row.title, "mgca-vit-b16", row.overrides), row.published);
  e.reference = reference;
  return e;
}

Experiment paper_table_4() {
  const auto weights = [](const std::string& w) {
    return std::vector<std::string>{"instance_weight=1", "token_weight=" + w, "prototype_weight=" + w};
  };
  return ablation(4, "Weights of the losses", "weights of the losses", "weights-1",
                  {{"weights-0.5", "1, 0.5, 0.5", "1, 0.5, 0.5", weights("0.5")},
                   {"weights-0.75", "1, 0.75, 0.75", "1, 0.75, 0.75", weights("0.75")},
                   {"weights-1", "1, 1, 1", "1, 1, 1", weights("1")}});
}

Experiment paper_table_5() {
  std::vector<Ablated> rows;
  for (const std::string n : {"1", "2", "4"})
    rows.push_back({"heads-" + n, n + (n == "1" ? " head" : " heads"), n, {"learned_attention=true", "attention_heads=" + n}});
  return ablation(5, "Heads of the token attention", "attention heads", "heads-1", rows);
}

Experiment paper_table_6() {
  std::vector<Ablated> rows;
  for (const std::string k : {"250", "500", "750"}) rows.push_back({"prototypes-" + k, k + " prototypes", k, {"prototypes=" + k}});
  return ablation(6, "Number of prototypes", "prototypes", "prototypes-500", rows);
}

// --- without anything from elsewhere -----------------------------------------------------------------------------

// The recipe of examples/13_whole_study on fewer drawings. Image-only methods need views that differ, so they keep the augmentation; like
// those that compare whole pictures with whole reports, they have no patches a phrase could be found in.
Variant on_drawings(const std::string& name, const std::string& title, const std::string& model, std::vector<std::string> overrides = {}) {
  Variant v{.name = name, .title = title, .model = model, .data = "pairs", .overrides = {"image.stem=imagenet"}};
  const bool alone = model.starts_with("moco") || model.starts_with("simclr");
  if (alone || model.starts_with("convirt") || model.starts_with("clip")) v.evaluations = {"classify", "segment"};
  if (alone) return v;
  v.overrides.insert(v.overrides.end(), {"text.dropout=0", "frozen_text=true"});
  v.overrides.insert(v.overrides.end(), overrides.begin(), overrides.end());
  v.set = {"source.augmentation.random_crop=false", "source.augmentation.moved=0", "source.augmentation.jittered=0"};
  return v;
}

Experiment synthetic() {
  Experiment e{.name = "synthetic", .title = "Every method on drawings whose answer is known", .reference = "random"};
  e.data = {{.name = "pairs", .prepare = "synthetic", .set = {"count=8000", "seed=1"}},
            {.name = "labelled", .prepare = "synthetic", .set = {"count=5000", "seed=2"}}};
  e.set = {"check=tables",         "vocabulary_size=300",    "source.stored_side=64", "source.local_contrast.radius=3",
           "loader.batch_size=64", "fit.schedule.rate=1e-3", "fit.epochs=16",         "patience=16"};
  e.workers = 2;
  const std::string mgca = "mgca-resnet-small";
  e.variants = {
      on_drawings("random", "Random weights", mgca),
      on_drawings("moco", "MoCo v2", "moco-resnet-small"),
      on_drawings("simclr", "SimCLR", "simclr-resnet-small"),
      on_drawings("convirt", "ConVIRT", "convirt-resnet-small"),
      on_drawings("gloria", "GLoRIA", "gloria-resnet-small"),
      on_drawings("clip", "CLIP", "clip-resnet-small"),
      on_drawings("ita", "MGCA, ITA", mgca, {"token_weight=0", "prototype_weight=0"}),
      on_drawings("ita-cta", "MGCA, ITA + CTA", mgca, {"prototype_weight=0"}),
      on_drawings("ita-cpa", "MGCA, ITA + CPA", mgca, {"token_weight=0"}),
      on_drawings("all", "MGCA, ITA + CTA + CPA", mgca),
  };
  e.variants.front().epochs = 0;
  e.evaluations = {
      {.name = "classify",
       .task = Task::classify,
       .data = "labelled",
       .percents = {1, 10},
       .set = {"training.rate=3e-3"},
       .options = {"--standardise"}},
      {.name = "segment",
       .task = Task::segment,
       .data = "labelled",
       .percents = {1},
       .set = {"training.epochs=20", "training.patience=20", "training.rate=2e-3", "training.schedule=warmup_cosine"}},
      {.name = "ground", .task = Task::ground, .data = "labelled"},
  };
  const auto column = [](const std::string& title, const std::string& evaluation, int percent, const std::string& row,
                         const std::string& measure) {
    return Column{.title = title, .evaluation = evaluation, .percent = percent, .row = row, .measure = measure};
  };
  const std::vector<Column> columns{
      column("AUROC, 1 %", "classify", 1, "macro mean", "auroc"), column("AUROC, 10 %", "classify", 10, "macro mean", "auroc"),
      column("Dice, 1 %", "segment", 1, "all", "dice"), column("contrast to noise", "ground", 100, "all", "contrast_to_noise"),
      column("pointing game", "ground", 100, "all", "pointing_game")};
  e.tables = {{.name = "methods", .title = "Methods", .columns = columns},
              {.name = "ablation", .title = "Parts of MGCA", .reference = "ita", .columns = columns}};
  for (const auto* name : {"ita", "ita-cta", "ita-cpa", "all"}) e.tables.back().rows.push_back({.variant = name});
  return e;
}

// On the sample radiographs: --data-root examples/data.
Experiment sample() {
  Experiment e{.name = "sample",
               .title = "MGCA on the sample radiographs",
               .data = {{.name = "nih", .path = "nih-mini/pairs.csv"}},
               .reference = "random"};
  e.overrides = {"text.dropout=0"};
  e.set = {"fit.epochs=14", "source.stored_side=72"};
  e.workers = 2;
  const auto variant = [](const std::string& name, const std::string& title) {
    return Variant{.name = name, .title = title, .data = "nih", .vocabulary = "vocab/bert-base-cased-vocab.txt"};
  };
  e.variants = {variant("random", "Random weights"), variant("ita", "MGCA, ITA"), variant("all", "MGCA, ITA + CTA + CPA")};
  e.variants[0].epochs = 0;
  e.variants[1].overrides = {"token_weight=0", "prototype_weight=0"};
  e.evaluations = {
      {.name = "classify",
       .task = Task::classify,
       .data = "nih",
       .set = {"training.rate=3e-3"},
       .options = {"--standardise", "--columns", "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Pneumothorax"},
       .files = {{"--labels", "nih-mini/labels.csv"}}},
      {.name = "retrieve", .task = Task::retrieve, .data = "nih"}};
  e.tables = {
      {.name = "sample",
       .title = "Sample radiographs",
       .note = "The sentences are composed from published labels: these numbers have no clinical meaning.",
       .columns = {{.title = "AUROC", .evaluation = "classify", .row = "macro mean", .measure = "auroc"},
                   {.title = "image to report, R@10", .evaluation = "retrieve", .row = "image to report", .measure = "recall_at_10"}}}};
  return e;
}

const std::vector<std::pair<std::string, std::function<Experiment()>>>& presets() {
  static const std::vector<std::pair<std::string, std::function<Experiment()>>> all{
      {"paper-table-1", paper_table_1}, {"paper-table-2", paper_table_2},
      {"paper-table-3", paper_table_3}, {"paper-table-4", paper_table_4},
      {"paper-table-5", paper_table_5}, {"paper-table-6", paper_table_6},
      {"synthetic", synthetic},         {"sample", sample}};
  return all;
}

}  // namespace

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : presets()) names.push_back(name);
  return names;
}

std::optional<Experiment> preset(const std::string& name) {
  for (const auto& [known, make] : presets()) {
    if (known == name) return make();
  }
  return std::nullopt;
}

}  // namespace experiment
