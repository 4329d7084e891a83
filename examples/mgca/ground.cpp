// mgca ground: where an image shows what a phrase says, measured against boxes.
#include "command.hpp"
#include "evaluate.hpp"

#include <mgca/data/phrase_boxes.hpp>
#include <mgca/io/csv.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/tasks/ground.hpp>
#include <mgca/viz/canvas.hpp>
#include <mgca/viz/heatmap.hpp>

#include <CLI/CLI.hpp>

#include <map>

namespace command {

namespace {

struct GroundCommand {
  study::RunOptions run;
  std::filesystem::path phrases, overlays;
  std::string similarity = "summary";
  bool whole = false;
  std::int64_t shown = 8;
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

struct Column {
  std::string name;
  std::vector<std::optional<double>> values;  // by phrase
};

mgca::Interval mean_of(const std::vector<std::optional<double>>& values, const std::vector<std::size_t>& of) {
  std::vector<double> known;
  for (const auto i : of) {
    if (values[i]) known.push_back(*values[i]);
  }
  if (known.empty()) return {};
  return mgca::metrics::bootstrap(static_cast<std::int64_t>(known.size()), [&](const mgca::Resample& draw) {
    double sum = 0;
    for (const auto i : draw.indices) sum += known[static_cast<std::size_t>(i)];
    return std::optional<double>(sum / static_cast<double>(draw.indices.size()));
  });
}

void ground(const GroundCommand& o) {
  auto study = study::open_run(o.run);
  const auto split = study.split(o.run.split);
  const auto asked = o.phrases.empty() ? phrases_of_boxes(split) : phrases_of_file(o.phrases, split);
  if (asked.phrases.empty()) {
    mgca::fail(mgca::ErrorKind::data, "ground: no image of the split has a box", o.phrases.empty() ? "; pass --phrases FILE, or data with boxes" : " in that file");
  }
  const auto& source = study.config.source;
  const mgca::GroundingOptions options{.similarity = mgca::parse_enum<mgca::PhraseSimilarity>(o.similarity),
                                       .stored_side = o.whole ? source.augmentation.crop : source.stored_side,
                                       .local_contrast = source.local_contrast};
  const auto found = mgca::tasks::ground(*study.model, split, asked.phrases, study.tokenizer, options);

  std::vector<Column> columns{{"hit", {}}, {"contrast-to-noise", {}}, {"mean IoU", {}}, {"mean Dice", {}}, {"chance of a hit", {}}};
  std::map<std::string, std::vector<std::size_t>> by_name;
  std::vector<std::size_t> all;
  std::string csv = "row,finding,hit,contrast,mean_iou,mean_dice,box_share\n";
  std::int64_t lost = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& m = found[i].measure;
    lost += m ? 0 : 1;
    const std::array<std::optional<double>, 5> values{m ? std::optional(m->hit ? 1.0 : 0.0) : std::nullopt, m ? m->contrast : std::nullopt,
                                                      m ? std::optional(m->mean_iou()) : std::nullopt, m ? std::optional(m->mean_dice()) : std::nullopt,
                                                      m ? std::optional(m->box_share) : std::nullopt};
    csv += std::to_string(split.record(asked.phrases[i].record).row) + "," + mgca::io::csv_cell(asked.names[i]);
    for (std::size_t k = 0; k < values.size(); ++k) {
      columns[k].values.push_back(values[k]);
      csv += "," + (values[k] ? console::number(*values[k], 6) : std::string());
    }
    csv += "\n";
    by_name[asked.names[i]].push_back(i);
    all.push_back(i);
  }
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const std::string& name, const std::vector<std::size_t>& of) {
    std::vector<std::string> row{name, std::to_string(of.size())};
    for (const auto& column : columns) row.push_back(evaluate::text_of(mean_of(column.values, of)));
    rows.push_back(std::move(row));
  };
  for (const auto& [name, of] : by_name) add(name, of);
  add("all", all);
  console::table({"finding", "phrases", "pointing game", "contrast-to-noise", "mean IoU", "mean Dice", "chance of a hit"}, rows);
  if (lost > 0) console::line("  " + std::to_string(lost) + " phrases are not measured: the crop leaves nothing of their boxes; --whole shows the model whole pictures");
  mgca::atomic_write(mgca::posix_files(), o.run.run / "ground.csv", csv);
  console::line("  written to " + (o.run.run / "ground.csv").string());
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
  add_run_options(*command, o->run);
  add_split_option(*command, o->run);
  command->add_option("--phrases", o->phrases, "boxes of phrases as of MS-CXR, CSV or JSON; without one: the data's boxes, their labels as phrases")
      ->type_name("FILE");
  command->add_option("--similarity", o->similarity, "summary: of the phrase with each patch; words: mean over its words")->type_name("NAME")->capture_default_str();
  command->add_flag("--whole", o->whole, "the model sees whole pictures instead of their centre");
  command->add_option("--overlays", o->overlays, "folder for pictures of the first maps with their boxes")->type_name("FOLDER");
  command->add_option("--shown", o->shown, "how many")->capture_default_str();
  command->footer("pointing game: the highest point lies in a box. Writes ground.csv into the run folder.\n"
                  "Example: mgca ground --run runs/mine --data prepared/nih --overlays maps");
  command->callback([o] { ground(*o); });
}

}  // namespace command
