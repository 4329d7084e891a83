// mgca detect: a YOLOv3 on the image tower, with everything that is said of it.
#include "command.hpp"
#include "console.hpp"
#include "recipe.hpp"
#include "study.hpp"

#include <mgca/data/fingerprint.hpp>
#include <mgca/data/split.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/tasks/detect.hpp>

#include <CLI/CLI.hpp>

namespace command {

namespace {

using DetectSplit = mgca::Subset<mgca::PairStudies>;
using BoxSource = mgca::DetectionSource<DetectSplit>;

struct DetectCommand : downstream::Options {
  std::int64_t drawings = 12;
};

recipe::Chosen<mgca::DetectProtocol> detect_recipe(const DetectCommand& o, const std::filesystem::path& table, const downstream::Tower& tower) {
  if (std::holds_alternative<mgca::Vit>(tower.tower)) mgca::fail(mgca::ErrorKind::argument, "detect: the tower is a vision transformer, whose grid has one size; YOLOv3 needs a convolutional tower");
  recipe::Chosen<mgca::DetectProtocol> chosen(o, "detect", table, tower);
  if (!chosen.named()) chosen.recipe.pictures.side = tower.side();
  chosen.finish();
  downstream::require_side("detect", "pictures.side", chosen.recipe.pictures.side, tower);
  return chosen;
}

std::string text_of(const std::vector<mgca::Box>& boxes) {
  std::string text;
  for (const auto& b : boxes) {
    for (const double side : {b.x1, b.y1, b.x2, b.y2}) text += (text.empty() ? "" : " ") + console::number(side, 2);
  }
  return text;
}

// One line a picture: its boxes in pixels of the squashed picture, corner after corner, and how sure each found one is.
std::string table_of(const DetectSplit& split, const mgca::DetectionReport& report) {
  const auto patients = mgca::data::patient_groups(split, report.records);  // numbers, which name nobody
  std::string text = "row,patient_number,truth,found,scores\n";
  for (std::size_t i = 0; i < report.images.size(); ++i) {
    std::vector<mgca::Box> found;
    std::string scores;
    for (const auto& one : report.images[i].found) {
      found.push_back(one.box);
      scores += (scores.empty() ? "" : " ") + console::number(one.score, 4);
    }
    text += std::to_string(split.record(report.records[i]).row) + "," + std::to_string(patients[i]) + "," + text_of(report.images[i].truth) + "," + text_of(found) + "," + scores + "\n";
  }
  return text;
}

downstream::Row measured(const mgca::DetectionReport& report) {
  std::int64_t boxes = 0, found = 0;
  for (const auto& one : report.images) {
    boxes += static_cast<std::int64_t>(one.truth.size());
    found += static_cast<std::int64_t>(one.found.size());
  }
  downstream::Row row{.name = "all", .counts = {{"images", static_cast<std::int64_t>(report.images.size())}, {"boxes", boxes}, {"found", found}}};
  row.measures = {{"mAP_40_75", downstream::estimate(report.map)}, {"published_mAP_40_75", downstream::estimate(report.published_map)},
                  {"mAP_50_95", downstream::estimate(report.coco_map)}, {"AP50", downstream::estimate(report.coco_ap50)}};
  for (std::size_t i = 0; i < report.sensitivity.size(); ++i) {
    row.measures["sensitivity_at_" + console::number(mgca::metrics::kFalsePositiveRates[i], 3)] = downstream::estimate(report.sensitivity[i]);
  }
  return row;
}

void detect(const DetectCommand& o, mgca::Ranks* ranks) {
  if (!o.pack.empty()) mgca::fail(mgca::ErrorKind::argument, "detect: a pack holds pictures fitted into a square, detection squashes them; leave out --pack");
  const auto config = downstream::tables(o, "detect");
  const mgca::PairStudies data(config);
  auto tower = downstream::open_tower(o, "detect");
  const auto chosen = detect_recipe(o, config.table, tower);
  downstream::Results<mgca::DetectProtocol> results{.task = "detect", .library = study::version(), .named_protocol = chosen.record(), .protocol = chosen.recipe};
  const auto& p = results.protocol;
  downstream::require_parts(p.training.batch_size, ranks);
  const DetectSplit train = mgca::data::subset_of_percent(data, p.percent), valid = mgca::split_of(data, "valid"), test = mgca::split_of(data, p.split);
  bool any = false;
  for (std::int64_t i = 0; i < train.size(); ++i) any = any || !train.record(i).boxes.empty();
  if (!any) mgca::fail(mgca::ErrorKind::data, "detect: no picture of the training split has a box; name a table of boxes with --boxes, or prepare data that have some: rsna, object-cxr, nih");
  results.data = {.path = (o.data.empty() ? config.table : o.data).string(), .sha256 = mgca::data::fingerprint(data), .labels = {},
                  .records = {{"train", train.size()}, {"valid", valid.size()}, {p.split, test.size()}}};
  results.weights = tower.record;
  downstream::begin(o, results, tower.tower, ranks);
  const BoxSource a(train, p.pictures), b(valid, p.pictures), c(test, p.pictures);
  auto& files = mgca::posix_files();
  for (std::int64_t i = 0; i < o.seeds; ++i) {
    auto training = p.training;
    training.seed += static_cast<std::uint64_t>(i);
    training.run = downstream::resumable(o, training.seed, {{"data", results.data.sha256}}, ranks);
    if (i > 0) tower = downstream::open_tower(o, "detect");
    torch::manual_seed(training.seed);
    mgca::Detector detector(std::visit([&]<class Tower>(const Tower& one) -> std::shared_ptr<mgca::DetectorImpl> {
      if constexpr (mgca::PyramidEncoder<Tower>) return std::make_shared<mgca::DetectorImpl>(one, p.head);
      else return nullptr;  // refused above
    }, tower.tower));
    detector->to(study::parse_device(o.device));
    const auto fitted = mgca::tasks::train_detector(detector, mgca::tasks::TrainingSplits<BoxSource>{a, b}, training, downstream::TellEpochs{});
    const auto report = mgca::tasks::detect(detector, c, training.find, {.resamples = p.resamples, .confidence = p.confidence}, ranks);
    if (!mgca::speaks(ranks)) continue;
    results.seeds.push_back({.seed = training.seed, .training = {{"epochs", static_cast<double>(fitted.progress.epoch)}}, .rows = {measured(report)}});
    const auto name = "seed-" + std::to_string(training.seed);
    mgca::atomic_write(files, o.out / (name + ".csv"), table_of(test, report));
    if (i == 0) std::filesystem::create_directories(o.out / "drawings");
    for (std::size_t k = 0; i == 0 && k < report.images.size() && k < static_cast<std::size_t>(std::max<std::int64_t>(o.drawings, 0)); ++k) {
      const auto png = mgca::io::encode_png(mgca::tasks::drawn(c.picture(report.records[k]), report.images[k]).plane());
      mgca::atomic_write(files, o.out / "drawings" / ("row-" + std::to_string(test.record(report.records[k]).row) + ".png"), std::span<const std::byte>(png));
    }
    detector->to(torch::kCPU);
    mgca::write_weights(o.out / (name + ".safetensors"), {mgca::state_dict(*detector, "model."), {{"task", mgca::to_json_text(p, -1)}}});
  }
  if (!mgca::speaks(ranks)) return;
  results.spread = downstream::spread(results.seeds);
  downstream::write(o.out, mgca::to_json_text(results), results.seeds,
                    {"mAP_40_75", "published_mAP_40_75", "mAP_50_95", "AP50", "sensitivity_at_" + console::number(0.5, 3), "sensitivity_at_" + console::number(2, 3)}, results.named_protocol);
  downstream::forget_training(o);
}

}  // namespace

void add_detect(CLI::App& program) {
  auto o = std::make_shared<DetectCommand>();
  auto* command = program.add_subcommand("detect", "a YOLOv3 on an image tower: mean average precision and FROC with intervals, drawings");
  downstream::add_options(*command, *o);
  command->add_option("--boxes", o->boxes, "CSV with the columns image, label, x, y, w, h in pixels; without one: the data's own")->type_name("CSV");
  command->add_option("--drawings", o->drawings, "pictures drawn with truth (blue) and findings (amber)")->capture_default_str();
  command->footer("Trained on the split train, its best epoch chosen on valid, scored on --split. Writes results.json, results.md, results.tex, boxes of\n"
                  "every picture and weights into --out. Example: mgca detect --data prepared/rsna --run runs/mine --percent 10 --out results/boxes");
  command->callback([o] { downstream::run(*o, "detect", detect); });
}

}  // namespace command
