// mgca prepare: a public data set as it was downloaded in, one folder ready for training out, with an account of every row.
#include "command.hpp"
#include "console.hpp"

#include <mgca/data/prepared_folder.hpp>
#include <mgca/data/sources/chexpert.hpp>
#include <mgca/data/sources/covidx.hpp>
#include <mgca/data/sources/folders.hpp>
#include <mgca/data/sources/mimic_cxr.hpp>
#include <mgca/data/sources/mimic_labels.hpp>
#include <mgca/data/sources/nih.hpp>
#include <mgca/data/sources/object_cxr.hpp>
#include <mgca/data/sources/openi.hpp>
#include <mgca/data/sources/own_pairs.hpp>
#include <mgca/data/sources/rsna.hpp>
#include <mgca/data/sources/siim.hpp>
#include <mgca/data/sources/synthetic_folder.hpp>

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>

namespace command {

namespace {

struct PrepareOptions {
  std::string name;
  std::filesystem::path raw, out;
  std::string protocol, leaks, subsets, missing_images;
  std::uint64_t seed = 0;
  std::vector<std::string> set;
  bool json = false, list = false, pack = false;
};

struct DataSet {
  std::string name, summary;
  std::function<mgca::Prepared(mgca::RawFolder&, const std::vector<std::string>& set, const mgca::PrepareOptions&)> prepare;
  std::function<std::vector<mgca::OptionRow>()> options;  // of --set
};

struct RsnaChoice {
  mgca::RsnaTask task = mgca::RsnaTask::classification;
  static void describe(auto& self, auto&& field) { field("task", self.task, "whose published split: classification, or detection and segmentation"); }
};

// A set that has options of its own.
template <class Config, class Prepare>
DataSet with_options(std::string name, std::string summary, Prepare prepare) {
  return {std::move(name), std::move(summary),
          [prepare](mgca::RawFolder& raw, const std::vector<std::string>& set, const mgca::PrepareOptions& options) {
            Config config;
            mgca::apply_overrides(config, set);
            return prepare(raw, config, options);
          },
          [] { return mgca::option_table(Config{}); }};
}

template <class Prepare>
DataSet without_options(std::string name, std::string summary, Prepare prepare) {
  return {name, std::move(summary),
          [name, prepare](mgca::RawFolder& raw, const std::vector<std::string>& set, const mgca::PrepareOptions& options) {
            if (!set.empty()) mgca::fail(mgca::ErrorKind::argument, "prepare ", name, ": has no options of its own, leave out --set");
            return prepare(raw, options);
          },
          [] { return std::vector<mgca::OptionRow>(); }};
}

const std::vector<DataSet>& data_sets() {
  namespace d = mgca::data;
  static const std::vector<DataSet> sets{
      without_options("mimic-cxr", "MIMIC-CXR-JPG with the reports of MIMIC-CXR: pairs for pretraining", d::prepare_mimic_cxr),
      without_options("mimic-labels", "MIMIC-CXR-JPG with the five labels of CheXpert: classification", d::prepare_mimic_labels),
      without_options("chexpert", "CheXpert: classification, and the 5x200 set", d::prepare_chexpert),
      with_options<RsnaChoice>("rsna", "RSNA pneumonia challenge: classification, detection, segmentation",
                               [](mgca::RawFolder& raw, const RsnaChoice& choice, const mgca::PrepareOptions& options) { return d::prepare_rsna(raw, options, choice.task); }),
      without_options("siim", "SIIM-ACR pneumothorax challenge: segmentation", d::prepare_siim),
      without_options("object-cxr", "Object-CXR: detection of foreign objects", d::prepare_object_cxr),
      without_options("covidx", "COVIDx: classification", d::prepare_covidx),
      without_options("nih", "NIH ChestX-ray14: classification, boxes", d::prepare_nih),
      without_options("openi", "Indiana University collection of Open-i: pairs", d::prepare_openi),
      with_options<mgca::OwnPairsConfig>("pairs", "any CSV of images with reports or labels", d::prepare_pairs),
      with_options<mgca::FoldersConfig>("folders", "a folder per class", d::prepare_folders),
      with_options<mgca::SyntheticConfig>("synthetic", "drawings with reports, labels, boxes and masks whose answer is known", d::prepare_synthetic),
  };
  return sets;
}

const DataSet& data_set(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& one : data_sets()) {
    if (one.name == name) return one;
    names.push_back(one.name);
  }
  mgca::fail(mgca::ErrorKind::argument, "prepare: no data set '", name, "'", mgca::nearest_hint(name, names));
}

void list(const std::string& name) {
  std::vector<std::vector<std::string>> rows;
  if (name.empty()) {
    for (const auto& one : data_sets()) rows.push_back({one.name, one.summary});
    return console::table({"data set", "what"}, rows);
  }
  for (const auto& row : data_set(name).options()) rows.push_back({row.path, row.value, row.type, row.help});
  if (rows.empty()) return console::line(name + " has no options of its own");
  console::table({"--set", "default", "type", "meaning"}, rows);
}

void show(const mgca::PreparedManifest& m) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, count] : m.splits) rows.push_back({name, std::to_string(count.studies), std::to_string(count.patients), count.sha256.substr(0, 16)});
  for (const auto& [percent, count] : m.subsets) {
    if (percent != "100") rows.push_back({"train, " + percent + " %", std::to_string(count.studies), std::to_string(count.patients), count.sha256.substr(0, 16)});
  }
  console::table({"split", "studies", "patients", "SHA-256"}, rows);
  for (const auto& shared : m.shared_patients) {
    console::line("  " + std::to_string(shared.patients) + " patients have studies in both " + shared.first + " and " + shared.second);
  }
  if (!m.dropped.empty()) console::heading("rows left out");
  for (const auto& one : m.dropped) console::line("  " + std::to_string(one.rows) + ": " + one.reason + (one.first.empty() ? "" : " (first: " + one.first + ")"));
  std::int64_t as_expected = 0;
  bool told = false;
  for (const auto& one : m.expected) {
    if (one.expected == one.found) {
      ++as_expected;
      continue;
    }
    if (!told) console::heading("counts that differ from the published ones");
    told = true;
    console::line("  " + one.what + ": " + std::to_string(one.found) + " here, " + std::to_string(one.expected) + " published");
  }
  if (as_expected > 0) console::line("  published counts found again: " + std::to_string(as_expected));
  if (!m.notes.empty()) console::heading("to know");
  for (const auto& note : m.notes) console::line("  " + note);
}

void prepare(const PrepareOptions& o) {
  mgca::PrepareOptions options{.seed = o.seed};
  if (!o.protocol.empty()) options.protocol = mgca::parse_enum<mgca::DataProtocol>(o.protocol);
  if (!o.leaks.empty()) options.leaks = mgca::parse_enum<mgca::Leaks>(o.leaks);
  if (!o.subsets.empty()) options.subsets = mgca::parse_enum<mgca::Subsets>(o.subsets);
  if (!o.missing_images.empty()) options.missing_images = mgca::parse_enum<mgca::MissingImages>(o.missing_images);
  const auto& set = data_set(o.name);
  if (o.out.empty()) mgca::fail(mgca::ErrorKind::argument, "prepare: --out is missing: the folder to write");
  if (o.raw.empty() && o.name != "synthetic") mgca::fail(mgca::ErrorKind::argument, "prepare: --raw is missing: the folder ", o.name, " was unpacked into");
  if (o.raw.empty()) std::filesystem::create_directories(o.out);  // synthetic pictures are drawn beside the tables
  mgca::RawFolder raw(o.raw.empty() ? o.out : o.raw);
  auto prepared = set.prepare(raw, o.set, options);
  prepared.choices = o.set;
  const auto written = mgca::data::write_prepared(prepared, raw, options, o.out);
  if (o.json) return console::line(mgca::to_json_text(written.manifest));
  console::line(o.name + " in " + o.out.string() + (written.changed ? "" : ": everything was there already, nothing was written"));
  show(written.manifest);
  if (o.pack) pack_pictures(o.out, o.out / "images.pack");
  console::line("done: " + std::to_string(prepared.studies.size()) + " studies; look at them with mgca check " + o.out.string());
}

std::string words(const auto& names) {
  std::string all;
  for (const auto name : names) all += (all.empty() ? "" : " | ") + std::string(name);
  return all;
}

}  // namespace

void add_prepare(CLI::App& program) {
  auto o = std::make_shared<PrepareOptions>();
  auto* command = program.add_subcommand("prepare", "a public data set as it was downloaded, made ready for training");
  command->add_option("NAME", o->name, "which data set; --list shows them");
  command->add_option("--raw", o->raw, "folder the data set was unpacked into; nothing in it is changed")->type_name("FOLDER");
  command->add_option("--out", o->out, "folder for tables and manifest; doing it again changes nothing")->type_name("FOLDER");
  command->add_option("--protocol", o->protocol, "whose word counts where paper and released code of MGCA differ: " + words(names_of(mgca::DataProtocol{})) + "; without it: code")->type_name("NAME");
  command->add_option("--leaks", o->leaks, "known leaks between the code's splits: " + words(names_of(mgca::Leaks{})) + "; without it: repaired")->type_name("NAME");
  command->add_option("--subsets", o->subsets, "how 1 % and 10 % of training are drawn: " + words(names_of(mgca::Subsets{})) + "; without it: by_patient")->type_name("NAME");
  command->add_option("--missing-images", o->missing_images, "rows whose image is not there: " + words(names_of(mgca::MissingImages{})) + "; without it: refuse")->type_name("NAME");
  command->add_option("--seed", o->seed, "of what is drawn here; published draws have their own")->type_name("N")->capture_default_str();
  command->add_option("--set", o->set, "an option of this data set, shown by --list with its name; may be repeated")->type_name("KEY=VALUE")->allow_extra_args(false);
  command->add_flag("--list", o->list, "the data sets there are, or the options of the one named");
  auto* pack = command->add_flag("--pack", o->pack, "also pack the pictures at 256 x 256 pixels, the published size, into images.pack; other sizes and tokens: mgca pack");
  command->add_flag("--json", o->json, "the manifest as one JSON value")->excludes(pack);
  command->footer("docs/datasets.md tells where each comes from and how it must lie. Example: mgca prepare chexpert --raw CheXpert-v1.0 --out data/chexpert");
  command->callback([o] {
    if (o->list) return list(o->name);
    if (o->name.empty()) mgca::fail(mgca::ErrorKind::argument, "prepare: which data set? mgca prepare --list shows them");
    prepare(*o);
  });
}

}  // namespace command
