// mgca models: what there is, how large, what it needs and which public weights fit it.
#include "command.hpp"
#include "console.hpp"

#include <mgca/catalog/catalog.hpp>
#include <mgca/catalog/model_cost.hpp>
#include <mgca/tensor/shapes_only.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>

namespace command {

namespace {

struct ModelLine {
  std::string name, summary;
  std::int64_t parameters = 0, trainable = 0;
  double gflop = 0;
  std::int64_t side = 0, views = 1, tokens = 0;
  bool reports = true, labels = false;
  std::vector<mgca::PublicWeights> weights = {};

  static void describe(auto& self, auto&& field) {
    field("name", self.name, "of the catalogue's entry");
    field("summary", self.summary, "what it is");
    field("parameters", self.parameters, "all");
    field("trainable", self.trainable, "those training moves");
    field("gflop", self.gflop, "10^9 floating-point operations of the forward of one picture and its report, two for each multiply-add");
    field("side", self.side, "of the square pictures, pixels");
    field("views", self.views, "of every picture in a step");
    field("tokens", self.tokens, "of a report; 0: it reads none");
    field("reports", self.reports, "whether it needs them");
    field("labels", self.labels, "whether it needs them");
    field("weights", self.weights, "public files that fit it or a tower");
  }
};

struct ModelList {
  std::vector<ModelLine> models;
  static void describe(auto& self, auto&& field) { field("models", self.models, "the models there are"); }
};

// `*` any characters, `?` one.
bool matches_glob(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*') return matches_glob(pattern.substr(1), name) || (!name.empty() && matches_glob(pattern, name.substr(1)));
  return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) && matches_glob(pattern.substr(1), name.substr(1));
}

bool is_wanted(const std::string& filter, const std::string& name) {
  return filter.find_first_of("*?") == std::string::npos ? name.find(filter) != std::string::npos : matches_glob(filter, name);
}

// Of the shapes alone: nothing is drawn and nothing is computed.
std::shared_ptr<mgca::AlignmentModel> shapes_of(const mgca::Catalog::Entry& entry) {
  const mgca::ShapesOnly scope;
  return entry.build({});
}

ModelLine line_of(const mgca::Catalog::Entry& entry) {
  const auto model = shapes_of(entry);
  const auto cost = mgca::cost_of(*model);
  return {.name = entry.name,
          .summary = entry.summary,
          .parameters = cost.parameters,
          .trainable = cost.trainable,
          .gflop = 2e-9 * static_cast<double>(cost.multiply_adds),
          .side = model->image_size(),
          .views = entry.needs.views,
          .tokens = model->text_length(),
          .reports = entry.needs.reports,
          .labels = entry.needs.labels,
          .weights = entry.facts.weights};
}

void print(const ModelList& list) {
  std::vector<std::vector<std::string>> rows, files;
  for (const auto& m : list.models) {
    std::string weights;
    for (const auto& w : m.weights) {
      weights += (weights.empty() ? "" : " ") + w.part;
      const auto same = [&](const auto& row) { return row[0] == w.part && row[1] == w.file; };
      const auto known = std::find_if(files.begin(), files.end(), same);
      if (known == files.end()) files.push_back({w.part, w.file, w.terms, m.name});
      else known->back() += " " + m.name;
    }
    rows.push_back({m.name, console::count(m.parameters), console::count(m.trainable), console::number(m.gflop, 1), (m.views > 1 ? std::to_string(m.views) + " x " : "") + std::to_string(m.side) + " px",
                    m.tokens > 0 ? std::to_string(m.tokens) : "-", m.reports && m.labels ? "reports, labels" : m.reports ? "reports" : m.labels ? "labels" : "-",
                    weights.empty() ? "-" : weights, m.summary});
  }
  console::table({"name", "parameters", "trainable", "GFLOP", "images", "tokens", "needs", "public weights", "what it is"}, rows);
  if (files.empty()) return;
  console::line("");
  console::table({"part", "public weights", "licence", "fit"}, files);
}

}  // namespace

void add_models(CLI::App& program) {
  struct Options {
    std::string filter;
    bool json = false;
  };
  auto o = std::make_shared<Options>();
  auto* command = program.add_subcommand("models", "the models there are: size, work, what they need, which public weights fit");
  command->add_option("filter", o->filter, "a part of the name, or a pattern with * and ?")->type_name("FILTER");
  command->add_flag("--json", o->json, "everything as one JSON value");
  command->footer("GFLOP: 10^9 floating-point operations of the forward of one picture and its report, two for each multiply-add of matrix products,\n"
                  "convolutions and attention; tables of published models often count multiply-adds, half as many.\n"
                  "`mgca config NAME --table` shows every option of a model, docs/weights.md says where the weights are.");
  command->callback([o] {
    ModelList list;
    std::vector<std::string> known;
    for (const auto& entry : mgca::Catalog::standard().entries()) {
      known.push_back(entry.name);
      if (is_wanted(o->filter, entry.name)) list.models.push_back(line_of(entry));
    }
    if (list.models.empty()) mgca::fail(mgca::ErrorKind::argument, "models: no model's name matches '", o->filter, "'", mgca::nearest_hint(o->filter, known));
    if (o->json) console::line(mgca::to_json_text(list));
    else print(list);
  });
}

}  // namespace command
