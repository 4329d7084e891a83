// mgca segment: masks from a pretrained image tower, U-Net on a ResNet and SETR on a ViT, with everything that is said of them.
#include "command.hpp"
#include "console.hpp"
#include "recipe.hpp"
#include "study.hpp"

#include <mgca/data/fingerprint.hpp>
#include <mgca/data/sources/drawn_masks.hpp>
#include <mgca/data/split.hpp>
#include <mgca/heads/setr.hpp>
#include <mgca/heads/unet.hpp>
#include <mgca/tasks/segment.hpp>
#include <mgca/tensor/weights_file.hpp>
#include <mgca/viz/page_file.hpp>

#include <CLI/CLI.hpp>

#include <functional>

namespace command {

namespace {

// Studies with masks, whatever they were read from: one type, so that the loops are compiled once.
struct MaskedStudies {
  std::vector<mgca::Study> studies;
  std::vector<std::string> names;
  std::filesystem::path table;
  std::function<mgca::GreyImage(std::int64_t)> picture;

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(studies.size()); }
  [[nodiscard]] const mgca::Study& record(std::int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
  [[nodiscard]] mgca::GreyImage image(std::int64_t i) const { return picture(i); }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
};
using MaskedSplit = mgca::Subset<MaskedStudies>;
using MaskedSource = mgca::MaskSource<MaskedSplit>;

template <class Data>
MaskedStudies masked(std::shared_ptr<Data> data, std::filesystem::path table) {
  MaskedStudies out{.studies = {}, .names = data->label_names(), .table = std::move(table), .picture = [data](std::int64_t i) { return data->image(i); }};
  for (std::int64_t i = 0; i < data->size(); ++i) out.studies.push_back(data->record(i));
  return out;
}

// A prepared folder or table of pairs; or a folder with masks.csv that names a picture for every mask.
MaskedStudies masked_studies(const downstream::Options& o) {
  const bool prepared = std::filesystem::exists(o.data / "manifest.json") || std::filesystem::exists(o.data / "config.json");
  if (o.masks.empty() && !o.data.empty() && std::filesystem::exists(o.data / "masks.csv") && !prepared) {
    return masked(std::make_shared<mgca::DrawnMasks>(mgca::DrawnMasksConfig{.folder = o.data}), o.data / "masks.csv");
  }
  const auto config = downstream::tables(o, "segment");
  return masked(std::make_shared<mgca::PairStudies>(config), config.table);
}

recipe::Chosen<mgca::SegmentProtocol> segment_recipe(const downstream::Options& o, const std::filesystem::path& table, const downstream::Tower& tower) {
  recipe::Chosen<mgca::SegmentProtocol> chosen(o, "segment", table, tower);
  if (chosen.recipe.pictures.profile == mgca::Profile::official) chosen.recipe.pictures.local_contrast = {};
  if (!chosen.named()) chosen.recipe.pictures.side = tower.side();
  chosen.finish();
  downstream::require_side("segment", "pictures.side", chosen.recipe.pictures.side, tower);
  return chosen;
}

// What all seeds share.
struct SegmentRun {
  const mgca::SegmentProtocol& protocol;
  const MaskedSource &train, &valid, &test;
  const downstream::Options& options;
  std::string data;  // SHA-256
  mgca::Ranks* ranks;
};

downstream::Row measured_masks(const mgca::Segmentation& found) {
  downstream::Row row{.name = "all", .counts = {{"images", static_cast<std::int64_t>(found.images.size())}, {"without distance", found.mean.without_distance}}, .measures = {}};
  row.measures = {{"dice", downstream::estimate(found.mean.dice)}, {"iou", downstream::estimate(found.mean.iou)},
                  {"hausdorff95", downstream::estimate(found.mean.hausdorff95)}, {"dice_over_batches", {.value = found.dice_over_batches, .low = {}, .high = {}}}};
  return row;
}

void write_segment_page(const SegmentRun& run, const mgca::Segmentation& found, std::vector<mgca::Figure> figures) {
  const auto cell = [](const std::optional<double>& v) { return v ? console::number(*v, 3) : std::string("undefined"); };
  mgca::Page page({.title = "Segmentation", .subtitle = std::to_string(run.protocol.percent) + " % of the training images"});
  mgca::PageTable table{.columns = {"mean over images", "value", "95 % interval"}};
  for (const auto& [name, i] : {std::pair<std::string, mgca::Interval>("Dice", found.mean.dice), {"Intersection over union", found.mean.iou},
                                {"95 % Hausdorff distance, pixels", found.mean.hausdorff95}})
    table.rows.push_back({{.text = name}, {.text = cell(i.estimate)}, {.text = cell(i.low) + " to " + cell(i.high)}});
  page.section("Scores").table(table);
  page.section("Best and worst", "Outline of the truth blue, of what was found amber; best first.").gallery(std::move(figures));
  mgca::viz::write_page(mgca::posix_files(), run.options.out / "segment.html", page);
}

template <class Net>
downstream::SeedResult train_and_score(Net net, const SegmentRun& run, std::uint64_t seed, bool first) {
  const auto& p = run.protocol;
  auto training = p.training;
  training.seed = seed;
  training.run = downstream::resumable(run.options, seed, {{"data", run.data}}, run.ranks);
  net->to(study::parse_device(run.options.device));
  const auto fitted = mgca::tasks::train_segmenter(net, mgca::tasks::TrainingSplits<MaskedSource>{run.train, run.valid}, training, downstream::TellEpochs{});
  const auto found = mgca::tasks::segment(net, run.test, {.threshold = p.threshold, .batch_size = training.batch_size,
                                                          .bootstrap = {.resamples = p.resamples, .confidence = p.confidence}}, run.ranks);
  const downstream::SeedResult result{.seed = seed, .training = {{"epochs", static_cast<double>(fitted.progress.epoch)}}, .rows = {measured_masks(found)}};
  if (!mgca::speaks(run.ranks)) return result;
  const auto stem = "seed-" + std::to_string(seed);
  mgca::atomic_write(mgca::posix_files(), run.options.out / (stem + ".csv"), found.csv());
  if (first) write_segment_page(run, found, mgca::tasks::best_and_worst(net, run.test, found, 6, p.threshold));
  net->to(torch::kCPU);
  mgca::write_weights(run.options.out / (stem + ".safetensors"), {mgca::state_dict(*net, "model."), {{"task", mgca::to_json_text(p, -1)}}});
  return result;
}

downstream::SeedResult segment_with(const mgca::ImageTower& tower, const SegmentRun& run, std::uint64_t seed, bool first) {
  torch::manual_seed(seed);
  return std::visit([&]<class Tower>(const Tower& one) {
    if constexpr (mgca::PyramidEncoder<Tower>) {
      return train_and_score(mgca::unet_on(one), run, seed, first);
    } else {
      std::vector<std::int64_t> features{512, 256, 128, 64};
      for (auto side = one->config.patch_size; side < 16 && features.size() > 1; side *= 2) features.erase(features.begin());
      return train_and_score(mgca::setr_on(one, features), run, seed, first);
    }
  }, tower);
}

void segment(const downstream::Options& o, mgca::Ranks* ranks) {
  if (!o.pack.empty()) mgca::fail(mgca::ErrorKind::argument, "segment: a pack holds pictures without their masks; leave out --pack");
  const auto data = masked_studies(o);
  auto tower = downstream::open_tower(o, "segment");
  const auto chosen = segment_recipe(o, data.table, tower);
  downstream::Results<mgca::SegmentProtocol> results{.task = "segment", .library = study::version(), .named_protocol = chosen.record(), .protocol = chosen.recipe};
  const auto& p = results.protocol;
  downstream::require_parts(p.training.batch_size, ranks);
  auto still = p.pictures;
  still.augmentation.moved = 0;
  const MaskedSplit train = mgca::data::subset_of_percent(data, p.percent), valid = mgca::split_of(data, "valid"), test = mgca::split_of(data, p.split);
  results.data = {.path = (o.data.empty() ? data.table : o.data).string(), .sha256 = mgca::data::fingerprint(data), .labels = {},
                  .records = {{"train", train.size()}, {"valid", valid.size()}, {p.split, test.size()}}};
  results.weights = tower.record;
  downstream::begin(o, results, tower.tower, ranks);
  const MaskedSource a(train, p.pictures), b(valid, still), c(test, still);
  const SegmentRun run{.protocol = p, .train = a, .valid = b, .test = c, .options = o, .data = results.data.sha256, .ranks = ranks};
  for (std::int64_t i = 0; i < o.seeds; ++i) {
    if (i > 0) tower = downstream::open_tower(o, "segment");
    results.seeds.push_back(segment_with(tower.tower, run, p.training.seed + static_cast<std::uint64_t>(i), i == 0));
  }
  if (!mgca::speaks(ranks)) return;
  results.spread = downstream::spread(results.seeds);
  downstream::write(o.out, mgca::to_json_text(results), results.seeds, {"dice", "iou", "hausdorff95", "dice_over_batches"}, results.named_protocol);
  downstream::forget_training(o);
}

}  // namespace

void add_segment(CLI::App& program) {
  auto o = std::make_shared<downstream::Options>();
  auto* command = program.add_subcommand("segment", "masks from an image tower, a U-Net on a ResNet, a SETR on a ViT: Dice, overlap and outline distance with intervals");
  downstream::add_options(*command, *o);
  command->add_option("--masks", o->masks, "CSV with the columns image, height, width, runs; without one: the data's own")->type_name("CSV");
  command->footer("--data may also be a folder with masks.csv and drawn masks. Trained on the split train, its best epoch chosen on valid, scored on\n"
                  "--split. Writes results.json, results.md, results.tex, scores of every picture, weights and segment.html into --out.\n"
                  "Example: mgca segment --data prepared/siim --run runs/mine --protocol mgca-scripts --percent 10 --out results/masks");
  command->callback([o] { downstream::run(*o, "segment", segment); });
}

}  // namespace command
