// mgca segment: masks from a pretrained image tower, U-Net on a ResNet and SETR on a ViT.
#include "command.hpp"
#include "console.hpp"
#include "data_at.hpp"
#include "evaluate.hpp"
#include "study.hpp"

#include <mgca/catalog/image_tower.hpp>
#include <mgca/data/sources/drawn_masks.hpp>
#include <mgca/data/split.hpp>
#include <mgca/heads/setr.hpp>
#include <mgca/heads/unet.hpp>
#include <mgca/tasks/segment.hpp>
#include <mgca/tensor/weights_file.hpp>
#include <mgca/viz/page_file.hpp>

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace command {

namespace {

// What can be set, and what config.json beside the results holds.
struct SegmentStudy {
  mgca::MaskSourceConfig source{.side = 0};  // 0: the tower's own
  mgca::SegmentConfig task;

  static void describe(auto& self, auto&& field) {
    field("source", self.source, "pictures and masks; side 0: the tower's own");
    field("task", self.task, "training");
  }
};

struct SegmentCommand {
  std::filesystem::path data, weights, out;
  std::string model = "mgca-resnet-small", device = "auto";
  std::vector<std::string> tower, set;
  int percent = 100;
};

// Studies with masks, whatever they were read from: one type, so that the loops are compiled once.
struct MaskedStudies {
  std::vector<mgca::Study> studies;
  std::vector<std::string> names;
  std::function<mgca::GreyImage(std::int64_t)> picture;

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(studies.size()); }
  [[nodiscard]] const mgca::Study& record(std::int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
  [[nodiscard]] mgca::GreyImage image(std::int64_t i) const { return picture(i); }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
};

template <class Data>
MaskedStudies masked(std::shared_ptr<Data> data) {
  MaskedStudies out{.studies = {}, .names = data->label_names(), .picture = [data](std::int64_t i) { return data->image(i); }};
  for (std::int64_t i = 0; i < data->size(); ++i) out.studies.push_back(data->record(i));
  return out;
}

// A prepared folder or table of pairs; or a folder with masks.csv that names a picture for every mask.
MaskedStudies masked_studies(const std::filesystem::path& path) {
  const bool prepared = std::filesystem::exists(path / "manifest.json") || std::filesystem::exists(path / "config.json");
  if (std::filesystem::exists(path / "masks.csv") && !prepared)
    return masked(std::make_shared<mgca::DrawnMasks>(mgca::DrawnMasksConfig{.folder = path}));
  return masked(std::make_shared<mgca::PairStudies>(study::data_at(path)));
}

// A line for each epoch.
struct TellEpochs {
  void after_epoch(const mgca::Progress& at, mgca::Values& values) const {
    console::line("  epoch " + std::to_string(at.epoch + 1) + "/" + std::to_string(at.epochs) + "   loss " +
                  console::number(values.at("loss"), 4) + "   held-out loss " + console::number(values.at("val_loss"), 4) +
                  "   held-out soft Dice " + console::number(values.at("val_soft_dice")));
  }
};

template <class Net>
void train_and_tell(Net net, const MaskedStudies& data, const SegmentStudy& study, const SegmentCommand& o) {
  using Part = mgca::Subset<MaskedStudies>;
  net->to(study::parse_device(o.device));
  auto still = study.source;
  still.augmentation.moved = 0;
  const Part train = mgca::data::subset_of_percent(data, o.percent), valid = mgca::split_of(data, "valid"),
             test = mgca::split_of(data, "test");
  const mgca::MaskSource<Part> a(train, study.source), b(valid, still), c(test, still);
  console::line("  " + std::to_string(train.size()) + " images to learn from, " + std::to_string(valid.size()) + " to choose the epoch, " +
                std::to_string(test.size()) + " to judge");
  mgca::tasks::train_segmenter(net, mgca::tasks::MaskSplits<mgca::MaskSource<Part>>{a, b}, study.task, TellEpochs{});
  const auto found = mgca::tasks::segment(net, c, {.batch_size = study.task.batch_size});

  std::vector<std::vector<std::string>> rows;
  std::string summary = "metric,estimate,low,high\n";
  const auto cell = [](const std::optional<double>& v) { return v ? console::number(*v, 6) : std::string(); };
  const auto add = [&](const std::string& name, const mgca::Interval& i) {
    rows.push_back({name, evaluate::text_of(i)});
    summary += name + "," + cell(i.estimate) + "," + cell(i.low) + "," + cell(i.high) + "\n";
  };
  add("dice", found.mean.dice), add("iou", found.mean.iou), add("hausdorff95", found.mean.hausdorff95);
  console::table({"mean over images", "value [95 % interval]"}, rows);
  if (found.mean.without_distance > 0)
    console::line("  " + std::to_string(found.mean.without_distance) + " images have no outline distance: truth or prediction is empty");

  auto& files = mgca::posix_files();
  mgca::atomic_write(files, o.out / "config.json", mgca::to_json_text(study));
  mgca::atomic_write(files, o.out / "images.csv", found.csv());
  mgca::atomic_write(files, o.out / "summary.csv", summary);
  net->to(torch::kCPU);
  mgca::write_weights(o.out / "segmenter.safetensors", {mgca::state_dict(*net, "model."), {{"task", mgca::to_json_text(study, 0)}}});
  mgca::Page page(
      {.title = "Segmentation", .subtitle = o.data.filename().string() + ", " + std::to_string(o.percent) + " % of the training images"});
  mgca::PageTable table{.columns = {"mean over images", "value", "95 % interval"}};
  for (const auto& [name, i] : {std::pair<std::string, mgca::Interval>("Dice", found.mean.dice),
                                {"Intersection over union", found.mean.iou},
                                {"95 % Hausdorff distance, pixels", found.mean.hausdorff95}})
    table.rows.push_back({{.text = name}, {.text = cell(i.estimate)}, {.text = cell(i.low) + " to " + cell(i.high)}});
  page.section("Scores").table(table);
  page.section("Best and worst", "Outline of the truth blue, of what was found amber; best first.")
      .gallery(mgca::tasks::best_and_worst(net, c, found));
  mgca::viz::write_page(files, o.out / "segment.html", page);
  console::line("  images.csv, summary.csv, segment.html and segmenter.safetensors written to " + o.out.string());
}

void run_segment(const SegmentCommand& o) {
  SegmentStudy study;
  mgca::apply_overrides(study, o.set);
  auto tower = o.weights.empty() ? mgca::random_image_tower({.name = o.model, .overrides = o.tower, .seed = study.task.seed})
                                 : mgca::read_image_tower(o.weights, {.overrides = o.tower, .resample_positions = true}).tower;
  const auto data = masked_studies(o.data);
  std::filesystem::create_directories(o.out);
  torch::manual_seed(study.task.seed);
  if (study.source.side == 0) study.source.side = std::visit([](const auto& t) { return t->image_size(); }, tower);
  if (auto* resnet = std::get_if<mgca::ResNet>(&tower)) return train_and_tell(mgca::unet_on(*resnet), data, study, o);
  const auto& vit = std::get<mgca::Vit>(tower);
  std::vector<std::int64_t> features{512, 256, 128, 64};
  for (auto side = vit->config.patch_size; side < 16 && features.size() > 1; side *= 2) features.erase(features.begin());
  train_and_tell(mgca::setr_on(vit, features), data, study, o);
}

}  // namespace

void add_segment(CLI::App& program) {
  auto o = std::make_shared<SegmentCommand>();
  auto* command = program.add_subcommand("segment", "masks from an image tower: Dice, overlap and outline distance per image");
  command->add_option("--data", o->data, "prepared folder with masks or boxes, or a folder with masks.csv and drawn masks")->required();
  command->add_option("--weights", o->weights, "run folder or weights file of the tower; without: drawn at random");
  command->add_option("--model", o->model, "model whose tower is drawn at random");
  command->add_option("--tower", o->tower, "option of the tower, image_size=512 for example (ViT positions are resampled)");
  command->add_option("--percent", o->percent, "published training subset: 1, 10 or 100");
  command->add_option("--set", o->set, "any option: source.origin=boxes, source.profile=official, task.tower=trained, task.epochs=20");
  command->add_option("--device", o->device, "cpu, cuda, cuda:N or auto");
  command->add_option("--out", o->out, "folder for the results")->required();
  command->footer(
      "A ResNet carries a U-Net, a ViT a SETR. Trained on the split train, its best epoch chosen by valid, scored on test.\n"
      "Example: mgca segment --data prepared/siim --weights runs/mine --percent 10 --out segmented");
  command->callback([o] { run_segment(*o); });
}

}  // namespace command
