// Cells of an experiment: their commands, what they need, and what names them.
#include "experiment_plan.hpp"

#include <mgca/core/file.hpp>
#include <mgca/core/hash.hpp>

#include <algorithm>
#include <array>
#include <fstream>

namespace experiment {

namespace {

std::string json_list(const std::vector<std::string>& texts) { return mgca::Json(texts).dump(); }

class Planner {
 public:
  Planner(Experiment experiment, std::filesystem::path data_root) : root_(std::move(data_root)) {
    plan_.experiment = std::move(experiment);
  }

  Plan made() {
    const auto& e = plan_.experiment;
    for (const auto& data : e.data) {
      if (!data.prepare.empty()) prepare(data);
    }
    for (const auto seed : e.seeds) {
      for (const auto& variant : e.variants) {
        if (variant.pretrained()) pretrain(variant, seed);
        for (const auto& evaluation : e.evaluations) {
          if (!takes_part(variant, evaluation)) continue;
          for (const auto percent : evaluation.percents) judge(variant, seed, evaluation, percent);
        }
      }
    }
    for (const auto& table : e.tables) compare(table);
    return std::move(plan_);
  }

 private:
  // A command that is being written, beside the text that its identity is the hash of.
  struct Writer {
    std::vector<std::string> command;
    std::string identity;
    std::vector<std::size_t> needs;

    Writer& words(const std::vector<std::string>& texts) {
      for (const auto& text : texts) {
        command.push_back(text);
        identity += std::to_string(text.size()) + ":" + text;
      }
      return *this;
    }
    Writer& file(const std::string& path, const std::string& content) {
      command.push_back(path);
      identity += "content:" + content;
      return *this;
    }
    Writer& each(const std::string& option, const std::vector<std::string>& values) {
      for (const auto& value : values) words({option, value});
      return *this;
    }
  };

  void add(const std::string& id, Writer writer, const std::string& result) {
    if (plan_.by_id.contains(id)) return;  // tables may ask for the same comparison
    Cell cell{.id = id,
              .command = std::move(writer.command),
              .identity = mgca::sha256(writer.identity),
              .folder = {},
              .result = {},
              .needs = std::move(writer.needs)};
    cell.folder = "cells/" + id + "-" + cell.identity.substr(0, 8);
    cell.result = cell.out() / result;
    cell.command.insert(cell.command.end(), {"--out", cell.out().string()});
    plan_.by_id.emplace(id, plan_.cells.size());
    plan_.cells.push_back(std::move(cell));
  }

  void need(Writer& writer, const std::string& id) const {
    const auto at = plan_.by_id.at(id);
    writer.needs.push_back(at);
    writer.file(plan_.cells[at].out().string(), plan_.cells[at].identity);
  }

  // A file of the user's, or a folder by its manifest.
  void own_file(Writer& writer, const std::filesystem::path& path, const std::string& advice) {
    const auto whole = std::filesystem::absolute(root_ / path).lexically_normal();
    const auto read = std::filesystem::is_directory(whole) ? whole / "manifest.json" : whole;
    auto [known, fresh] = hashes_.try_emplace(read.string());
    if (fresh && std::filesystem::exists(read)) known->second = hash_of_file(read);
    if (fresh && known->second.empty()) plan_.missing.push_back(read.string() + " is not there; " + advice);
    writer.file(whole.string(), known->second);
  }

  void data(Writer& writer, const std::string& name) {
    writer.words({"--data"});
    const auto& one = data_named(plan_.experiment, name);
    if (!one.prepare.empty()) return need(writer, "data/" + name);
    own_file(writer, one.path,
             "a folder there is made by mgca prepare NAME --raw FOLDER --out " + (root_ / one.path).string() + " (docs/datasets.md)");
  }

  void prepare(const Data& one) {
    Writer writer;
    writer.words({"prepare", one.prepare}).each("--set", one.set);
    add("data/" + one.name, std::move(writer), "manifest.json");
  }

  static std::string pretrain_id(const Variant& variant, std::uint64_t seed) {
    return variant.name + "/seed-" + std::to_string(seed) + "/pretrain";
  }

  void pretrain(const Variant& variant, std::uint64_t seed) {
    const auto& e = plan_.experiment;
    auto overrides = e.overrides;
    overrides.insert(overrides.end(), variant.overrides.begin(), variant.overrides.end());
    Writer writer;
    writer.words({"pretrain", "--model", variant.model, "--device", e.device});
    if (!overrides.empty()) writer.words({"--set", "model.overrides=" + json_list(overrides)});
    for (const auto* key : {"model.seed=", "loader.seed=", "fit.seed="}) writer.words({"--set", key + std::to_string(seed)});
    writer.each("--set", e.set).each("--set", variant.set);
    if (variant.epochs) writer.words({"--set", "fit.epochs=" + std::to_string(*variant.epochs)});
    data(writer, variant.data);
    for (const auto& [option, path] : {std::pair("--image-weights", &variant.image_weights),
                                       {"--text-weights", &variant.text_weights},
                                       {"--vocabulary", &variant.vocabulary}}) {
      if (path->empty()) continue;
      writer.words({option});
      own_file(writer, *path, "docs/weights.md tells where such files come from");
    }
    add(pretrain_id(variant, seed), std::move(writer), "best.safetensors");
  }

  void tower(Writer& writer, const Variant& variant, std::uint64_t seed) {
    if (variant.random) {
      writer.words({"--random", variant.model});
      for (const auto* from : {&std::as_const(plan_.experiment.overrides), &variant.overrides}) {
        for (const auto& text : *from) {
          if (text.starts_with("image.")) writer.words({"--tower", text.substr(6)});
        }
      }
    } else if (!variant.weights.empty()) {
      writer.words({"--weights"});
      own_file(writer, variant.weights, "docs/weights.md tells where such files come from");
    } else {
      writer.words({"--run"});
      need(writer, pretrain_id(variant, seed));
    }
  }

  void judge(const Variant& variant, std::uint64_t seed, const Evaluation& evaluation, int percent) {
    Writer writer;
    writer.words({std::string(mgca::to_string(evaluation.task)), "--device", plan_.experiment.device});
    tower(writer, variant, seed);
    data(writer, evaluation.data);
    if (!evaluation.protocol.empty()) writer.words({"--protocol", evaluation.protocol});
    if (!evaluation.data_set.empty()) writer.words({"--dataset", evaluation.data_set});
    if (trains(evaluation.task)) writer.words({"--percent", std::to_string(percent), "--seed", std::to_string(seed)});
    writer.each("--set", evaluation.set).words(evaluation.options);
    for (const auto& [option, path] : evaluation.files)
      own_file(writer.words({option}), path, "evaluation '" + evaluation.name + "' reads it");
    add(result_id(variant, seed, evaluation, percent), std::move(writer), "results.json");
  }

  void compare(const TableSpec& table) {
    const auto& e = plan_.experiment;
    const auto reference = reference_of(e, table);
    if (reference.empty()) return;
    const auto& against = variant_named(e, reference);
    for (const auto& column : table.columns) {
      const auto& evaluation = evaluation_named(e, column.evaluation);
      if (!takes_part(against, evaluation)) continue;
      for (const auto& row : rows_of(e, table)) {
        if (row.variant.empty() || row.variant == reference || !takes_part(variant_named(e, row.variant), evaluation)) continue;
        Writer writer;
        writer.words({"compare"});
        for (std::size_t i = 0; i < e.seeds.size(); ++i) {
          if (i == 1) writer.words({"--also"});  // all seeds after the first
          need(writer, result_id(variant_named(e, row.variant), e.seeds[i], evaluation, column.percent));
          need(writer, result_id(against, e.seeds[i], evaluation, column.percent));
        }
        writer.words({"--resamples", std::to_string(e.resamples)});
        add(comparison_id(row.variant, reference, evaluation, column.percent), std::move(writer), "compare.json");
      }
    }
  }

  std::filesystem::path root_;
  std::map<std::string, std::string> hashes_;  // of the user's files; empty: not there
  Plan plan_;
};

std::string judged_as(const Evaluation& evaluation, int percent) {
  return evaluation.name + (trains(evaluation.task) ? "-" + std::to_string(percent) : "");
}

}  // namespace

std::string hash_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  mgca::Sha256 hash;
  std::array<char, 1 << 16> piece{};
  while (file.read(piece.data(), piece.size()), file.gcount() > 0)
    hash.update(std::string_view(piece.data(), static_cast<std::size_t>(file.gcount())));
  if (!file.eof()) mgca::fail_system(path, "read", errno);
  return hash.hex_digest();
}

const Cell* Plan::find(const std::string& id) const {
  const auto it = by_id.find(id);
  return it == by_id.end() ? nullptr : &cells[it->second];
}

std::string result_id(const Variant& variant, std::uint64_t seed, const Evaluation& evaluation, int percent) {
  return variant.name + "/seed-" + std::to_string(seed) + "/" + judged_as(evaluation, percent);
}

std::string comparison_id(const std::string& variant, const std::string& reference, const Evaluation& evaluation, int percent) {
  return "compare/" + judged_as(evaluation, percent) + "/" + variant + "-or-" + reference;
}

Plan make_plan(Experiment experiment, const std::filesystem::path& data_root) {
  experiment.validate();
  return Planner(std::move(experiment), data_root).made();
}

}  // namespace experiment
