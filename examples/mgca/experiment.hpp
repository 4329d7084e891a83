// An experiment as a file says it: what is pretrained, judged and tabulated. docs/experiment.md explains every key.
#pragma once

#include <mgca/core/config.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace experiment {

enum class Task : std::uint8_t { classify, detect, segment, zeroshot, retrieve, ground };
constexpr auto names_of(Task) {
  return std::to_array<std::string_view>({"classify", "detect", "segment", "zeroshot", "retrieve", "ground"});
}

// Of the training split; for tasks that train nothing there is one result, whatever the percent.
constexpr bool trains(Task task) { return task == Task::classify || task == Task::detect || task == Task::segment; }

struct Data {
  std::string name = {};
  std::filesystem::path path = {};    // folder of mgca prepare, or CSV; below --data-root unless it is absolute
  std::string prepare = {};           // a data set that mgca prepare makes here instead: synthetic
  std::vector<std::string> set = {};  // options of that

  static void describe(auto& self, auto&& field) {
    field("name", self.name, "that variants and evaluations say");
    field("path", self.path, "folder of mgca prepare, or CSV, below --data-root");
    field("prepare", self.prepare, "instead of a path: made here by mgca prepare NAME");
    field("set", self.set, "options of that: count=1000");
  }
};

// One row of the grid: how an image tower, and a text tower with it, came about.
struct Variant {
  std::string name = {}, title = {};
  std::string model = "mgca-resnet-small";
  std::string data = {};                                                         // that it is pretrained on
  std::vector<std::string> overrides = {};                                       // of the model, after the experiment's
  std::vector<std::string> set = {};                                             // of mgca pretrain, after the experiment's
  std::optional<std::int64_t> epochs = {};                                       // 0: the start weights, in a run folder of their own
  std::filesystem::path image_weights = {}, text_weights = {}, vocabulary = {};  // start weights, below --data-root
  std::filesystem::path weights = {};                                            // an image tower from a file; nothing is pretrained
  bool random = false;                                                           // an image tower drawn at random; nothing is pretrained
  std::vector<std::string> evaluations = {};                                     // empty: all

  [[nodiscard]] bool pretrained() const { return weights.empty() && !random; }
  static void describe(auto& self, auto&& field) {
    field("name", self.name, "that tables say, and its folders");
    field("title", self.title, "in tables; empty: the name");
    field("model", self.model, "a name from mgca models");
    field("data", self.data, "that it is pretrained on");
    field("overrides", self.overrides, "options of the model: token_weight=0");
    field("set", self.set, "options of mgca pretrain: loader.batch_size=64");
    field("epochs", self.epochs, "of pretraining; 0: the start weights; null: as set, or the recipe's");
    field("image_weights", self.image_weights, "start weights of the image tower, below --data-root");
    field("text_weights", self.text_weights, "start weights of the text tower, below --data-root");
    field("vocabulary", self.vocabulary, "word pieces, below --data-root; empty: trained on the training reports");
    field("weights", self.weights, "instead of pretraining: an image tower from this file below --data-root");
    field("random", self.random, "instead of pretraining: an image tower of the model, drawn at random");
    field("evaluations", self.evaluations, "that it takes part in; empty: all");
  }
};

struct Evaluation {
  std::string name = {};
  Task task = Task::classify;
  std::string data = {}, protocol = {}, data_set = {};
  std::vector<int> percents{100};
  std::vector<std::string> set = {};                        // of the protocol
  std::vector<std::string> options = {};                    // further words of the command line
  std::map<std::string, std::filesystem::path> files = {};  // options that name a file below --data-root

  static void describe(auto& self, auto&& field) {
    field("name", self.name, "that tables say, and its folders");
    field("task", self.task, "which command judges");
    field("data", self.data, "on which data");
    field("protocol", self.protocol, "a named protocol; mgca config --protocols lists them");
    field("data_set", self.data_set, "that the protocol is asked for; empty: what the data tell");
    field("percents", self.percents, "published parts of the training split");
    field("set", self.set, "options of the protocol: training.rate=1e-3");
    field("options", self.options, "further words of the command line: --standardise");
    field("files", self.files, "options that name a file below --data-root: --prompts");
  }
};

struct Column {
  std::string title = {}, evaluation = {};
  int percent = 100;
  std::string row = {}, measure = {};  // in results.json
  double scale = 1;
  int digits = 3;
  std::string published = {};  // column of the published table

  static void describe(auto& self, auto&& field) {
    field("title", self.title, "in the table");
    field("evaluation", self.evaluation, "whose result");
    field("percent", self.percent, "of it");
    field("row", self.row, "of results.json: macro mean, all, or a label");
    field("measure", self.measure, "of that row: auroc, dice, mAP_40_75, pointing_game, ...");
    field("scale", self.scale, "100 for percent");
    field("digits", self.digits, "behind the point");
    field("published", self.published, "column of the published table");
  }
};

struct Row {
  std::string variant = {}, title = {}, published = {};

  static void describe(auto& self, auto&& field) {
    field("variant", self.variant, "ours; empty: published numbers alone");
    field("title", self.title, "in the table; empty: the variant's");
    field("published", self.published, "row of the published table");
  }
};

struct TableSpec {
  std::string name = {}, title = {}, note = {}, reference = {}, published = {};
  std::vector<Row> rows = {};
  std::vector<Column> columns = {};

  static void describe(auto& self, auto&& field) {
    field("name", self.name, "of its files");
    field("title", self.title, "above it");
    field("note", self.note, "below it");
    field("reference", self.reference, "variant that the others are tested against; empty: the experiment's");
    field("published", self.published, "published table whose numbers stand beside ours");
    field("rows", self.rows, "variants; empty: all");
    field("columns", self.columns, "measures");
  }
};

struct Experiment {
  std::string name = {}, title = {};
  std::vector<Data> data = {};
  std::vector<std::string> overrides = {}, set = {};  // of every pretraining
  std::vector<Variant> variants = {};
  std::vector<Evaluation> evaluations = {};
  std::vector<std::uint64_t> seeds{1};
  std::string reference = {};
  std::vector<TableSpec> tables = {};
  std::int64_t resamples = 1000;
  std::int64_t workers = 1, threads = 1;
  std::string device = "auto";

  static void describe(auto& self, auto&& field) {
    field("name", self.name, "of the experiment");
    field("title", self.title, "above its tables");
    field("data", self.data, "data that are used");
    field("overrides", self.overrides, "options of every pretrained model");
    field("set", self.set, "options of every pretraining");
    field("variants", self.variants, "what is compared");
    field("evaluations", self.evaluations, "by what it is judged");
    field("seeds", self.seeds, "everything once for each");
    field("reference", self.reference, "variant that the others are tested against; empty: no tests");
    field("tables", self.tables, "what is shown");
    field("resamples", self.resamples, "of the paired tests");
    field("workers", self.workers, "cells at a time, unless --worker says");
    field("threads", self.threads, "compute threads of each cell");
    field("device", self.device, "of every cell, unless --device says");
  }
  // Throws Error(config) listing everything that does not fit together. Looks at no file.
  void validate() const;
};

// The one of that name; throws Error(config) with the nearest names.
[[nodiscard]] const Data& data_named(const Experiment& all, const std::string& name);
[[nodiscard]] const Variant& variant_named(const Experiment& all, const std::string& name);
[[nodiscard]] const Evaluation& evaluation_named(const Experiment& all, const std::string& name);
[[nodiscard]] bool takes_part(const Variant& variant, const Evaluation& evaluation);
[[nodiscard]] std::string reference_of(const Experiment& all, const TableSpec& table);
// The rows of a table, all variants where it names none, with their titles.
[[nodiscard]] std::vector<Row> rows_of(const Experiment& all, const TableSpec& table);

// Experiments that come with the program.
[[nodiscard]] std::vector<std::string> preset_names();
[[nodiscard]] std::optional<Experiment> preset(const std::string& name);

}  // namespace experiment
