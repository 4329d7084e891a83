// What the downstream commands (classify, detect, segment) share: data with labels, boxes or masks, an image tower from a run, a file
// or at random, and results as results.json and tables.
#pragma once

#include "ranks.hpp"

#include <mgca/catalog/image_tower.hpp>
#include <mgca/core/config.hpp>
#include <mgca/data/pack.hpp>
#include <mgca/data/sources/pairs.hpp>
#include <mgca/feed/picture_config.hpp>
#include <mgca/metrics/bootstrap.hpp>
#include <mgca/train/fit_options.hpp>
#include <mgca/train/task.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace downstream {

struct Options {
  std::filesystem::path run, weights, data, pack, out;
  std::filesystem::path labels, boxes, masks;  // tables beside --data instead of its own
  std::string random;   // a model whose tower is drawn at random
  std::string dialect;  // of weights
  std::string protocol, dataset;  // a named protocol, and the data set it is asked for where the data do not tell
  std::vector<std::string> columns, set, tower;
  std::string split = "test", device = "auto";
  int percent = 100;          // of the training split
  std::int64_t seeds = 1;
  std::optional<std::uint64_t> seed;  // the first; without one the protocol's, or 42
  std::int64_t resamples = 1000;
  ranks::Options ranks;
};

// --run, --weights, --random, --dialect, --tower, --data, --pack, --out, --protocol, --dataset, --split, --percent, --seed, --seeds,
// --resamples, --set, --device, --ranks and what concerns them.
void add_options(CLI::App& command, Options& options);

// --data, or the pairs the run was trained on; reports are not read. Throws Error(argument) where there is neither.
[[nodiscard]] mgca::PairsConfig tables(const Options& options, const std::string& command);

struct WeightsRecord {
  std::string path, sha256, dialect;  // empty: drawn at random
  std::string model;                  // of a random tower
  std::uint64_t seed = 0;             // of a random tower

  static void describe(auto& self, auto&& field) {
    field("path", self.path, "file of the weights; empty: drawn at random");
    field("sha256", self.sha256, "of the file");
    field("dialect", self.dialect, "its layout");
    field("model", self.model, "of a tower drawn at random");
    field("seed", self.seed, "of a tower drawn at random");
  }
};

struct Tower {
  mgca::ImageTower tower;
  WeightsRecord record;
  mgca::PictureConfig pictures;  // as the tower wants them: sides, local contrast, centre crop

  [[nodiscard]] std::int64_t side() const { return pictures.augmentation.crop; }
};

// The tower anew at every call, on the device. Throws Error(argument) unless exactly one of --run, --weights and --random is given.
[[nodiscard]] Tower open_tower(const Options& options, const std::string& command);

// Throws Error(argument) where pictures of another size than the tower reads are asked for by the option.
void require_side(const std::string& command, const std::string& option, std::int64_t side, const Tower& tower);

// Throws Error(argument) where a batch does not divide among the ranks.
void require_parts(std::int64_t batch_size, const mgca::Ranks* ranks);

// What ranks must have alike before the first picture is read, by name: `said`, and of the command line what is told in results or decides how many there are.
// Then rank 0 makes the folder of the results. Throws Error(config) on all, naming what differs, Error(system).
void begin(const Options& options, std::map<std::string, std::string> said, const mgca::ImageTower& tower, mgca::Ranks* ranks);

// None without --pack.
[[nodiscard]] std::shared_ptr<const mgca::ImagePack> open_pack(const Options& options);

// Where training of a seed is kept while it lasts, so that the same command again goes on after a kill: OUT/training/seed-N. `also`
// is what the recipe and the pictures do not tell of the data and the start. `ranks`: those that train together.
[[nodiscard]] mgca::RunContext resumable(const Options& options, std::uint64_t seed, std::map<std::string, std::string> also, mgca::Ranks* ranks);
// Once the results are written: removes OUT/training.
void forget_training(const Options& options);

// A number with its interval; null where it is undefined.
struct Estimate {
  std::optional<double> value, low, high;
  std::int64_t undefined = 0;  // resamples without a value

  static void describe(auto& self, auto&& field) {
    field("value", self.value, "on the split itself");
    field("low", self.low, "of the interval");
    field("high", self.high, "of the interval");
    field("undefined", self.undefined, "resamples without a value");
  }
};
[[nodiscard]] Estimate estimate(const mgca::Interval& interval);

// One line of the tables: a label, or a mean over them.
struct Row {
  std::string name;
  std::map<std::string, std::int64_t> counts;
  std::map<std::string, Estimate> measures;

  static void describe(auto& self, auto&& field) {
    field("name", self.name, "label, or what the mean is over");
    field("counts", self.counts, "what it was computed from");
    field("measures", self.measures, "with intervals");
  }
};

struct SeedResult {
  std::uint64_t seed = 0;
  std::map<std::string, double> training;  // epochs, best epoch, validation loss, ...
  std::vector<Row> rows;

  static void describe(auto& self, auto&& field) {
    field("seed", self.seed, "of start weights, order and augmentation");
    field("training", self.training, "how training went");
    field("rows", self.rows, "labels and means");
  }
};

// Mean and standard deviation (n - 1) over the seeds in which a measure is defined.
struct Spread {
  double mean = 0;
  std::optional<double> deviation;
  std::int64_t seeds = 0;

  static void describe(auto& self, auto&& field) {
    field("mean", self.mean, "over the seeds");
    field("deviation", self.deviation, "standard deviation; null with one seed");
    field("seeds", self.seeds, "in which the measure is defined");
  }
};
[[nodiscard]] Spread spread_of(const std::vector<double>& values);  // one a seed

struct DataRecord {
  std::string path, sha256;
  std::vector<std::string> labels;
  std::map<std::string, std::int64_t> records;  // used of each split

  static void describe(auto& self, auto&& field) {
    field("path", self.path, "the table or prepared folder");
    field("sha256", self.sha256, "over names, splits, labels, boxes and masks of all records");
    field("labels", self.labels, "in the order of the scores");
    field("records", self.records, "records used of each split");
  }
};

// What is not as a named protocol says; values as JSON.
struct Change {
  std::string option, named, here;

  static void describe(auto& self, auto&& field) {
    field("option", self.option, "of the protocol, or of the image tower");
    field("named", self.named, "as the named protocol says");
    field("here", self.here, "as it was done");
  }
};

// The named protocol that was asked for.
struct NamedRecord {
  std::string name = "no named protocol";
  std::string source, metric, note;
  std::vector<Change> changed;

  static void describe(auto& self, auto&& field) {
    field("name", self.name, "of the protocol");
    field("source", self.source, "where its values were read");
    field("metric", self.metric, "what was published");
    field("note", self.note, "what to know about it");
    field("changed", self.changed, "what is not as it says");
  }
};

// The options of the tower that are not those of the model of its family among `models`. Where the pyramid of a ResNet is used, enlarging
// the input is none of them.
[[nodiscard]] std::vector<Change> tower_changes(const mgca::ImageTower& tower, const std::vector<std::string>& models, bool pyramid);

// results.json. A protocol is a described record with everything that decides the numbers.
template <class Protocol>
struct Results {
  std::string task, library;
  NamedRecord named_protocol = {};
  Protocol protocol;
  DataRecord data;
  WeightsRecord weights;
  std::vector<SeedResult> seeds;
  std::map<std::string, std::map<std::string, Spread>> spread;  // by row and measure

  static void describe(auto& self, auto&& field) {
    field("task", self.task, "what was done");
    field("library", self.library, "version that did it");
    field("named_protocol", self.named_protocol, "by which protocol it was asked for");
    field("protocol", self.protocol, "how, in full");
    field("data", self.data, "on which data");
    field("weights", self.weights, "from which image tower");
    field("seeds", self.seeds, "one result a seed");
    field("spread", self.spread, "mean and standard deviation over the seeds");
  }
};

// As above, with all that is told of the results so far.
template <class Protocol>
void begin(const Options& options, const Results<Protocol>& results, const mgca::ImageTower& tower, mgca::Ranks* ranks) {
  std::map<std::string, std::string> said{{"library", results.library}, {"data", results.data.sha256}};
  for (const auto& row : mgca::option_table(results.protocol)) said["protocol." + row.path] = row.value;
  begin(options, std::move(said), tower, ranks);
}

[[nodiscard]] std::map<std::string, std::map<std::string, Spread>> spread(const std::vector<SeedResult>& seeds);

struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

// A line a row, a column a measure: intervals with one seed, mean and standard deviation with several.
[[nodiscard]] Table table(const std::vector<SeedResult>& seeds, const std::vector<std::string>& measures);

// As Markdown and LaTeX into `stem`.md and `stem`.tex, the note below it.
void write_table(const std::filesystem::path& stem, const Table& table, const std::string& note = {});

// Writes results.json and the table as results.md and results.tex into the folder, and prints it. Below it stands the named protocol and
// what is not as it says.
void write(const std::filesystem::path& out, const std::string& json, const std::vector<SeedResult>& seeds, const std::vector<std::string>& measures,
           const NamedRecord& named = {});

// Throws Error(argument) for what can be told before any process is started.
void require_sound(const Options& options, const std::string& command);

// Runs `work(options, ranks)` alone or as each of several ranks, on the device of each. All of them compute, one writes.
template <class Command>
void run(Command options, const std::string& command, void (*work)(const Command&, mgca::Ranks*)) {
  require_sound(options, command);
  ranks::run(options.ranks, options.device, [&](ranks::Team* team, const std::string& device) {
    options.device = device;
    work(options, team != nullptr ? &team->all() : nullptr);
  });
}

// A hook: a line for each epoch.
struct TellEpochs {
  void after_epoch(const mgca::Progress& at, mgca::Values& values) const;
};

}  // namespace downstream
