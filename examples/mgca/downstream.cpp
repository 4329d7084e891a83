#include "downstream.hpp"

#include "console.hpp"
#include "data_at.hpp"
#include "study.hpp"

#include <mgca/feed/loader_options.hpp>
#include <mgca/io/weight_file.hpp>
#include <mgca/train/checkpoint.hpp>
#include <mgca/train/agreement.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <type_traits>

namespace downstream {

namespace {

std::string cell(const std::optional<double>& value) { return value ? console::number(*value, 3) : "-"; }

// How one measure of one row reads: with its interval, or with its spread over seeds.
std::string cell(const std::vector<SeedResult>& seeds, const Row& row, const std::string& measure) {
  if (seeds.size() == 1) {
    const auto it = row.measures.find(measure);
    if (it == row.measures.end() || !it->second.value) return "undefined";
    return cell(it->second.value) + (it->second.low ? " [" + cell(it->second.low) + ", " + cell(it->second.high) + "]" : "");
  }
  const auto all = spread(seeds);
  const auto named = all.find(row.name);
  if (named == all.end() || !named->second.contains(measure)) return "undefined";
  const auto& found = named->second.at(measure);
  return cell(found.mean) + " +- " + cell(found.deviation) + (found.seeds < static_cast<std::int64_t>(seeds.size()) ? " (" + std::to_string(found.seeds) + ")" : "");
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
  return text;
}

// What stands below a table.
std::string footer(const NamedRecord& named) {
  if (named.source.empty()) return "No named protocol.";
  std::string text = "Protocol " + named.name + " (" + replaced(named.source, "_", " ") + ")";
  for (const auto& one : named.changed) text += (&one == &named.changed.front() ? ", changed: " : "; ") + one.option + " " + one.here + " instead of " + one.named;
  return text + ".";
}

}  // namespace

void add_options(CLI::App& command, Options& o) {
  command.add_option("--data", o.data, "folder of mgca prepare, or CSV with the columns image and split; without one: the run's pairs")->type_name("PATH");
  command.add_option("--run", o.run, "run folder of mgca pretrain: the image tower of its best weights")->type_name("FOLDER");
  command.add_option("--weights", o.weights, "image tower from a file in any dialect, as for mgca inspect")->type_name("FILE");
  command.add_option("--random", o.random, "image tower of this model, drawn at random: what pretraining must be compared with")->type_name("MODEL");
  command.add_option("--dialect", o.dialect, "layout of --weights; without it: told by the names")->type_name("NAME");
  command.add_option("--tower", o.tower, "an option of the image tower: --tower image_size=512 (a ViT's positions are resampled)")->type_name("KEY=VALUE")->allow_extra_args(false);
  command.add_option("--pack", o.pack, "pictures packed by mgca pack for this tower and these data")->type_name("FILE");
  command.add_option("--out", o.out, "folder for the results")->type_name("FOLDER");
  command.add_option("--protocol", o.protocol, "a named protocol; mgca config --protocols lists them. Other options change it, and the results say so")->type_name("NAME");
  command.add_option("--dataset", o.dataset, "the data set it is asked for; without one: that of the prepared folder")->type_name("NAME");
  command.add_option("--split", o.split, "which split to score")->type_name("NAME")->capture_default_str();
  command.add_option("--percent", o.percent, "published part of the training split: 1, 10 or 100")->capture_default_str();
  command.add_option("--seed", o.seed, "of start weights, order and augmentation; without one: the protocol's, or 42");
  command.add_option("--seeds", o.seeds, "train so often, with --seed and those after it")->capture_default_str();
  command.add_option("--resamples", o.resamples, "of the bootstrap, by patient where patients are known")->capture_default_str();
  command.add_option("--set", o.set, "any option of the protocol in results.json: --set training.rate=1e-3")->type_name("KEY=VALUE")->allow_extra_args(false);
  command.add_option("--device", o.device, "cpu, cuda, cuda:N, or auto: a GPU where there is one")->type_name("NAME")->capture_default_str();
  ranks::add_options(command, o.ranks);
}

void require_sound(const Options& o, const std::string& command) {
  if (o.seeds < 1) mgca::fail(mgca::ErrorKind::argument, command, ": --seeds ", o.seeds, ": expected 1 or more");
  if (o.out.empty()) mgca::fail(mgca::ErrorKind::argument, command, ": --out is missing: a folder for the results");
  (void)study::parse_device(o.device);
}

mgca::PairsConfig tables(const Options& o, const std::string& command) {
  mgca::PairsConfig config;
  if (!o.data.empty()) {
    config = study::data_at(o.data);
  } else if (!o.run.empty()) {
    if (!std::filesystem::exists(o.run / "config.json")) {
      mgca::fail(mgca::ErrorKind::system, o.run.string(), ": not a run folder: it holds no config.json; make one with mgca pretrain --out");
    }
    config = study::read_config(o.run / "config.json").data;
  } else {
    mgca::fail(mgca::ErrorKind::argument, command, ": --data is missing: a folder of mgca prepare, or a CSV with the columns image and split");
  }
  config.report_column.clear();
  if (!o.boxes.empty()) config.boxes = o.boxes;
  if (!o.masks.empty()) config.masks = o.masks;
  return config;
}

Tower open_tower(const Options& o, const std::string& command) {
  const auto device = study::parse_device(o.device);
  if ((o.run.empty() ? 0 : 1) + (o.weights.empty() ? 0 : 1) + (o.random.empty() ? 0 : 1) != 1) {
    mgca::fail(mgca::ErrorKind::argument, command, ": expected one of --run FOLDER, --weights FILE and --random MODEL");
  }
  std::optional<mgca::Preprocessing> how;
  std::optional<mgca::ImageTower> tower;
  WeightsRecord record;
  if (!o.random.empty()) {
    mgca::ModelChoice choice{.name = o.random, .seed = o.seed.value_or(42)};
    for (const auto& text : o.tower) choice.overrides.push_back("image." + text);
    tower = mgca::random_image_tower(choice);
    record.model = o.random;
    record.seed = choice.seed;
  } else {
    auto loaded = mgca::read_image_tower(o.run.empty() ? o.weights : o.run, {.overrides = o.tower, .dialect = o.dialect, .resample_positions = !o.tower.empty()});
    const auto path = o.run.empty() ? o.weights : o.run / "best.safetensors";
    record = {.path = path.string(), .sha256 = mgca::io::WeightFile::open(path).sha256(), .dialect = loaded.report.dialect, .model = {}};
    how = loaded.preprocessing;
    tower = std::move(loaded.tower);
  }
  return std::visit([&](auto& one) {
    one->to(device);
    const auto side = one->config.image_size;
    mgca::PictureConfig pictures{.stored_side = side * 256 / 224, .augmentation = {.crop = side, .random_crop = false}};
    if (how) {
      if (how->stored_side >= side) pictures.stored_side = how->stored_side;
      pictures.local_contrast = how->local_contrast;
    }
    return Tower{.tower = one, .record = std::move(record), .pictures = pictures};
  }, *tower);
}

void require_side(const std::string& command, const std::string& option, std::int64_t side, const Tower& tower) {
  if (side == tower.side()) return;
  mgca::fail(mgca::ErrorKind::argument, command, ": pictures of ", side, " pixels are asked for, this image tower reads ", tower.side(), "; make it read them (--tower image_size=",
             side, std::holds_alternative<mgca::ResNet>(tower.tower) ? " --tower enlarged=0" : "", ") or show it others (--set ", option, "=", tower.side(), ")");
}

void require_parts(std::int64_t batch_size, const mgca::Ranks* ranks) {
  if (ranks != nullptr) mgca::LoaderOptions{.batch_size = batch_size, .world = ranks->size()}.validate();
}

std::vector<Change> tower_changes(const mgca::ImageTower& tower, const std::vector<std::string>& models, bool pyramid) {
  std::vector<Change> changes;
  for (const auto& model : models) {
    auto published = mgca::image_tower_config({.name = model});
    if (published.index() != tower.index()) continue;
    std::visit([&](const auto& one) {
      auto config = one->config;
      auto& theirs = std::get<std::remove_cvref_t<decltype(config)>>(published);
      config.image_size = theirs.image_size;  // the recipe tells the size of pictures
      if constexpr (requires { config.enlarged; }) {
        if (pyramid) config.enlarged = theirs.enlarged;
      }
      for (auto& d : mgca::differences(theirs, config)) changes.push_back({"tower." + d.path, std::move(d.left), std::move(d.right)});
    }, tower);
    return changes;
  }
  if (!models.empty()) changes.push_back({"tower", models.front(), "another family"});
  return changes;
}

void begin(const Options& o, std::map<std::string, std::string> said, const mgca::ImageTower& tower, mgca::Ranks* ranks) {
  if (ranks != nullptr) {
    said["--out"] = o.out.string();  // many jobs, each with its own, are no ranks
    said["--seeds"] = std::to_string(o.seeds);
    said["--pack"] = o.pack.empty() ? "none" : open_pack(o)->identity();
    said["image tower"] = std::visit([](const auto& one) { return mgca::content_hash(mgca::state_dict(*one)); }, tower);
    mgca::require_agreement(*ranks, said);
  }
  if (!mgca::speaks(ranks)) return;
  std::error_code code;
  std::filesystem::create_directories(o.out, code);
  if (code) mgca::fail_system(o.out, "create the folder", code.value());
}

std::shared_ptr<const mgca::ImagePack> open_pack(const Options& o) {
  return o.pack.empty() ? nullptr : std::make_shared<const mgca::ImagePack>(o.pack);
}

mgca::RunContext resumable(const Options& o, std::uint64_t seed, std::map<std::string, std::string> also, mgca::Ranks* ranks) {
  mgca::RunContext run;
  run.folder = o.out / "training" / ("seed-" + std::to_string(seed));
  run.identity = std::move(also);
  run.ranks = ranks;
  run.sink = [](std::string_view event, std::span<const mgca::Field> fields) {
    for (const auto& [name, value] : fields) {
      if (event == "resumed" && name == "epoch") console::line("  goes on in epoch " + std::to_string(std::get<std::int64_t>(value) + 1));
    }
  };
  return run;
}

void forget_training(const Options& o) {
  std::error_code code;
  std::filesystem::remove_all(o.out / "training", code);
  if (code) mgca::fail_system(o.out / "training", "remove", code.value());
}

Spread spread_of(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  Spread s{.mean = 0, .deviation = {}, .seeds = static_cast<std::int64_t>(values.size())};
  for (const double value : values) s.mean += value / n;
  double squares = 0;
  for (const double value : values) squares += (value - s.mean) * (value - s.mean);
  if (values.size() > 1) s.deviation = std::sqrt(squares / (n - 1));
  return s;
}

Estimate estimate(const mgca::Interval& i) { return {.value = i.estimate, .low = i.low, .high = i.high, .undefined = i.undefined}; }

std::map<std::string, std::map<std::string, Spread>> spread(const std::vector<SeedResult>& seeds) {
  std::map<std::string, std::map<std::string, std::vector<double>>> values;
  for (const auto& seed : seeds) {
    for (const auto& row : seed.rows) {
      for (const auto& [measure, found] : row.measures) {
        if (found.value) values[row.name][measure].push_back(*found.value);
      }
    }
  }
  std::map<std::string, std::map<std::string, Spread>> out;
  for (const auto& [row, measures] : values) {
    for (const auto& [measure, list] : measures) {
      out[row][measure] = spread_of(list);
    }
  }
  return out;
}

Table table(const std::vector<SeedResult>& seeds, const std::vector<std::string>& measures) {
  Table made{.header = {""}, .rows = {}};
  for (const auto& measure : measures) made.header.push_back(measure == "auroc" ? "AUROC" : measure == "f1" ? "F1" : measure == "mcc" ? "MCC" : replaced(measure, "_", " "));
  for (const auto& row : seeds.front().rows) {
    auto& line = made.rows.emplace_back(std::vector<std::string>{row.name});
    for (const auto& measure : measures) line.push_back(cell(seeds, row, measure));
  }
  return made;
}

void write_table(const std::filesystem::path& stem, const Table& table, const std::string& note) {
  const auto joined = [](const std::vector<std::string>& cells, const std::string& between) {
    std::string text;
    for (const auto& one : cells) text += (text.empty() && &one == &cells.front() ? "" : between) + one;
    return text;
  };
  const auto escaped = [](const std::string& text) { return replaced(replaced(replaced(text, "_", "\\_"), "%", "\\%"), "+-", "$\\pm$"); };
  std::string markdown = "| " + joined(table.header, " | ") + " |\n|" + replaced(std::string(table.header.size(), '-'), "-", " --- |") + "\n";
  std::string latex = "\\begin{tabular}{l" + std::string(table.header.size() - 1, 'c') + "}\n\\hline\n" + escaped(joined(table.header, " & ")) + " \\\\\n\\hline\n";
  for (const auto& row : table.rows) {
    markdown += "| " + joined(row, " | ") + " |\n";
    latex += escaped(joined(row, " & ")) + " \\\\\n";
  }
  if (!note.empty()) markdown += "\n" + note + "\n";
  latex += "\\hline\n\\end{tabular}\n";
  if (!note.empty()) latex += "\n{\\footnotesize " + replaced(replaced(escaped(note), "{", "\\{"), "}", "\\}") + "}\n";
  auto& files = mgca::posix_files();
  mgca::atomic_write(files, stem.string() + ".md", markdown);
  mgca::atomic_write(files, stem.string() + ".tex", latex);
}

void write(const std::filesystem::path& out, const std::string& json, const std::vector<SeedResult>& seeds, const std::vector<std::string>& measures,
           const NamedRecord& named) {
  const auto made = table(seeds, measures);
  std::filesystem::create_directories(out);
  write_table(out / "results", made, footer(named));
  mgca::atomic_write(mgca::posix_files(), out / "results.json", json + "\n");
  console::table(made.header, made.rows);
  console::line("  " + footer(named));
  console::line("  written to " + (out / "results.json").string() + ", results.md, results.tex");
}

void TellEpochs::after_epoch(const mgca::Progress& at, mgca::Values& values) const {
  std::string text = "  epoch " + std::to_string(at.epoch + 1) + "/" + std::to_string(at.epochs) + "   loss " + console::number(values.at("loss"), 4);
  for (const auto& [name, words, digits] : {std::tuple("val_loss", "held-out loss", 4), std::tuple("val_map", "held-out mAP", 3), std::tuple("val_soft_dice", "held-out soft Dice", 3)}) {
    if (const auto it = values.find(name); it != values.end()) text += "   " + std::string(words) + " " + console::number(it->second, digits);
  }
  console::line(text);
}

}  // namespace downstream
