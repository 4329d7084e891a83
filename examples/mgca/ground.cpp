// mgca ground: where an image shows what a phrase says, measured against boxes.
#include "command.hpp"
#include "run_results.hpp"

#include <mgca/core/hash.hpp>
#include <mgca/data/phrase_boxes.hpp>
#include <mgca/data/split.hpp>
#include <mgca/io/csv.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/tasks/ground.hpp>
#include <mgca/viz/canvas.hpp>
#include <mgca/viz/heatmap.hpp>

#include <CLI/CLI.hpp>

#include <map>

namespace command {

namespace {

struct GroundCommand : run_results::Options {
  std::filesystem::path phrases, overlays;
  std::string similarity = "summary";
  bool whole = false;
  std::int64_t shown = 8;
};

// Everything that decides the numbers, with data and weights.
struct GroundProtocol {
  std::string phrases = "the data's boxes, their labels as phrases";
  std::string phrases_sha256;  // of a file
  mgca::GroundingOptions maps;
  bool whole = false;
  std::int64_t crop = 0;
  std::string split = "test";
  std::string interval = "percentile bootstrap, patients drawn with replacement";
  double confidence = 0.95;
  std::int64_t resamples = 1000;

  static void describe(auto& self, auto&& field) {
    field("phrases", self.phrases, "where phrases and boxes come from");
    field("phrases_sha256", self.phrases_sha256, "of the file");
    field("maps", self.maps, "how maps are made and measured");
    field("whole", self.whole, "whether the model sees whole pictures instead of their centre");
    field("crop", self.crop, "side of what the model sees, pixels");
    field("split", self.split, "which split was scored");
    field("interval", self.interval, "how intervals were found");
    field("confidence", self.confidence, "of the intervals");
    field("resamples", self.resamples, "of the bootstrap");
  }
};

struct NamedPhrases {
  std::vector<mgca::GroundedPhrase> phrases;
  std::vector<std::string> names;  // of the finding, for tables
};

// The data's own boxes: the label of a box is the phrase; boxes of one label and image belong together.
NamedPhrases phrases_of_boxes(const study::Study::Split& split) {
  NamedPhrases out;
  for (std::int64_t i = 0; i < split.size(); ++i) {
    std::map<std::string, std::vector<mgca::Box>> by_label;
    for (const auto& one : split.record(i).boxes) by_label[one.label].push_back(one.box);
    for (auto& [label, boxes] : by_label) {
      out.phrases.push_back({.record = i, .phrase = label, .boxes = std::move(boxes)});
      out.names.push_back(label);
    }
  }
  return out;
}

// Of a file in the form of MS-CXR, those of images in the split.
NamedPhrases phrases_of_file(const std::filesystem::path& path, const study::Study::Split& split) {
  std::map<std::string, std::int64_t> records;
  for (std::int64_t i = 0; i < split.size(); ++i) records.emplace(split.record(i).image.generic_string(), i);
  NamedPhrases out;
  std::int64_t elsewhere = 0;
  for (auto& one : mgca::data::read_phrase_boxes(path)) {
    const auto found = records.find(one.image.generic_string());
    if (found == records.end()) {
      ++elsewhere;
      continue;
    }
    out.phrases.push_back({.record = found->second, .phrase = std::move(one.phrase), .boxes = std::move(one.boxes)});
    out.names.push_back(std::move(one.name));
  }
  if (elsewhere > 0) console::note("  " + std::to_string(elsewhere) + " phrases of " + path.string() + " are of images outside the split");
  return out;
}

constexpr std::array<const char*, 5> kGroundMeasures{"pointing_game", "contrast_to_noise", "mean_iou", "mean_dice", "chance_of_a_hit"};

// In their order. A contrast without noise is infinite: no number to average.
std::array<std::optional<double>, 5> values_of(const std::optional<mgca::Grounding>& m) {
  if (!m) return {};
  return {m->hit ? 1.0 : 0.0, m->contrast && std::isfinite(*m->contrast) ? m->contrast : std::nullopt, m->mean_iou(), m->mean_dice(), m->box_share};
}

// What is said of some of the phrases.
downstream::Row row_of(const std::string& name, const std::vector<mgca::GroundedMap>& found, const std::vector<std::size_t>& of, const std::vector<std::int64_t>& patients,
                       std::int64_t resamples) {
  downstream::Row row{.name = name, .counts = {{"phrases", static_cast<std::int64_t>(of.size())}}, .measures = {}};
  std::vector<std::int64_t> groups;
  for (const auto i : of) groups.push_back(patients[i]);
  for (std::size_t k = 0; k < kGroundMeasures.size(); ++k) {
    std::vector<std::optional<double>> values;
    for (const auto i : of) values.push_back(values_of(found[i].measure)[k]);
    if (k == 0) row.counts["measured"] = std::count_if(values.begin(), values.end(), [](const auto& value) { return value.has_value(); });
    row.measures[kGroundMeasures[k]] = downstream::estimate(run_results::mean_of(values, groups, resamples));
  }
  return row;
}

void ground(const GroundCommand& o) {
  auto study = study::open_run(o);
  const auto split = study.split(o.split);
  const auto asked = o.phrases.empty() ? phrases_of_boxes(split) : phrases_of_file(o.phrases, split);
  if (asked.phrases.empty()) {
    mgca::fail(mgca::ErrorKind::data, "ground: no image of the split has a box", o.phrases.empty() ? "; pass --phrases FILE, or data with boxes" : " in that file");
  }
  const auto& source = study.config.source;
  downstream::Results<GroundProtocol> results{.task = "ground", .library = {}, .protocol = {.whole = o.whole, .crop = source.augmentation.crop, .split = o.split, .resamples = o.resamples},
                                              .data = {}, .weights = run_results::weights(o), .seeds = {}, .spread = {}};
  auto& options = results.protocol.maps;
  options.similarity = mgca::parse_enum<mgca::PhraseSimilarity>(o.similarity);
  options.stored_side = o.whole ? source.augmentation.crop : source.stored_side;
  options.local_contrast = source.local_contrast;
  if (!o.phrases.empty()) {
    results.protocol.phrases = o.phrases.string();
    results.protocol.phrases_sha256 = mgca::sha256(mgca::read_text_file(o.phrases));
  }
  const auto found = mgca::tasks::ground(*study.model, split, asked.phrases, study.tokenizer, options);

  std::vector<std::int64_t> records;
  for (const auto& one : asked.phrases) records.push_back(one.record);
  const auto patients = mgca::data::patient_groups(split, records);
  std::map<std::string, std::vector<std::size_t>> by_name;
  std::vector<std::size_t> all;
  std::string csv = "row,patient_number,finding";
  for (const auto* measure : kGroundMeasures) csv += std::string(",") + measure;
  csv += "\n";
  for (std::size_t i = 0; i < found.size(); ++i) {
    csv += std::to_string(split.record(records[i]).row) + "," + std::to_string(patients[i]) + "," + mgca::io::csv_cell(asked.names[i]);
    for (const auto& value : values_of(found[i].measure)) csv += "," + (value ? console::number(*value, 6) : std::string());
    csv += "\n";
    by_name[asked.names[i]].push_back(i);
    all.push_back(i);
  }
  std::vector<downstream::Row> rows;
  std::vector<std::string> names;
  for (const auto& [name, of] : by_name) {
    rows.push_back(row_of(name, found, of, patients, o.resamples));
    names.push_back(name);
  }
  rows.push_back(row_of("all", found, all, patients, o.resamples));
  const auto lost = rows.back().counts.at("phrases") - rows.back().counts.at("measured");
  const auto out = run_results::folder(o, "ground");
  results.data = run_results::data(study, names, {{o.split, split.size()}});
  mgca::atomic_write(mgca::posix_files(), out / "phrases.csv", csv);
  run_results::write(out, results, {.seed = 0, .training = {}, .rows = rows}, {kGroundMeasures.begin(), kGroundMeasures.end()});
  if (lost > 0) console::line("  " + std::to_string(lost) + " phrases are not measured: the crop leaves nothing of their boxes; --whole shows the model whole pictures");
  if (o.overlays.empty()) return;
  std::error_code code;
  std::filesystem::create_directories(o.overlays, code);
  if (code) mgca::fail_system(o.overlays, "create the folder", code.value());
  for (std::size_t i = 0; i < found.size() && static_cast<std::int64_t>(i) < o.shown; ++i) {
    const auto& one = asked.phrases[i];
    const auto decoded = split.image(one.record);
    const auto stored = mgca::data::stored_picture(decoded.plane(), options.stored_side, options.local_contrast);
    const auto seen = mgca::image::augment(stored.plane(), {.crop = found[i].map.height(), .random_crop = false}, {});
    auto picture = mgca::viz::heatmap(found[i].map.plane(), seen.plane()).picture;
    for (const auto& box : found[i].boxes) mgca::viz::draw_box(picture.plane(), box);
    const auto png = mgca::io::encode_png(std::as_const(picture).plane());
    mgca::atomic_write(mgca::posix_files(), o.overlays / ("row-" + std::to_string(split.record(one.record).row) + "-" + std::to_string(i) + ".png"), std::span<const std::byte>(png));
  }
  console::line("  overlays in " + o.overlays.string());
}

}  // namespace

void add_ground(CLI::App& program) {
  auto o = std::make_shared<GroundCommand>();
  auto* command = program.add_subcommand("ground", "where images show what phrases say, against boxes");
  run_results::add_options(*command, *o);
  command->add_option("--phrases", o->phrases, "boxes of phrases as of MS-CXR, CSV or JSON; without one: the data's boxes, their labels as phrases")
      ->type_name("FILE");
  command->add_option("--similarity", o->similarity, "summary: of the phrase with each patch; words: mean over its words")->type_name("NAME")->capture_default_str();
  command->add_flag("--whole", o->whole, "the model sees whole pictures instead of their centre");
  command->add_option("--overlays", o->overlays, "folder for pictures of the first maps with their boxes")->type_name("FOLDER");
  command->add_option("--shown", o->shown, "how many")->capture_default_str();
  command->footer("pointing game: the highest point lies in a box. Writes results.json, results.md, results.tex and phrases.csv, a line for each\n"
                  "phrase, into --out, or ground/ in the run folder.\n"
                  "Example: mgca ground --run runs/mine --data prepared/nih --overlays maps");
  command->callback([o] { ground(*o); });
}

}  // namespace command
