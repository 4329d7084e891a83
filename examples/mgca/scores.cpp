#include "scores.hpp"

#include "console.hpp"
#include "study.hpp"

#include <mgca/core/file.hpp>
#include <mgca/io/csv.hpp>
#include <mgca/viz/page_file.hpp>
#include <mgca/viz/reliability.hpp>

#include <cstdio>

namespace scores {

namespace {

std::filesystem::path file_of(const std::filesystem::path& out, std::uint64_t seed) { return out / ("scores-seed" + std::to_string(seed) + ".csv"); }

downstream::Row measured_row(const std::string& name, const mgca::Measures& measures) {
  downstream::Row out{.name = name, .counts = {}, .measures = {}};
  for (std::size_t m = 0; m < mgca::kMeasures; ++m) out.measures[std::string(names_of(mgca::Measure{})[m])] = downstream::estimate(measures.all[m]);
  return out;
}

// Nine digits give the same float back.
std::string exact(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

}  // namespace

void write(const std::filesystem::path& out, std::uint64_t seed, const std::vector<std::string>& labels, const Scored& scored) {
  std::string text = "row,patient_number";
  for (const auto& name : labels) text += "," + mgca::io::csv_cell(name) + "," + mgca::io::csv_cell(name + " logit");
  text += "\n";
  const auto& s = scored.scores;
  for (std::size_t i = 0, at = 0; i < scored.rows.size(); ++i) {
    text += std::to_string(scored.rows[i]) + "," + std::to_string(scored.patients[i]);
    for (std::int64_t c = 0; c < s.classes; ++c, ++at) text += "," + (s.known[at] != 0 ? std::to_string(int{s.labels[at]}) : std::string()) + "," + exact(s.values[at]);
    text += "\n";
  }
  mgca::atomic_write(mgca::posix_files(), file_of(out, seed), text);
}

Scored read(const std::filesystem::path& out, std::uint64_t seed, const std::vector<std::string>& labels) {
  Scored found;
  auto table = mgca::io::CsvTable::read(file_of(out, seed));
  const auto row = table.column("row"), patient = table.column("patient_number");
  std::vector<std::pair<std::size_t, std::size_t>> columns;
  for (const auto& label : labels) columns.emplace_back(table.column(label), table.column(label + " logit"));
  found.scores.classes = static_cast<std::int64_t>(columns.size());
  table.for_each([&](const mgca::io::CsvRow& line) {
    const auto whole = [&](std::size_t column) {
      const auto value = line.integer_at(column);
      if (!value) line.wrong(column, "a whole number");
      return *value;
    };
    found.rows.push_back(whole(row));
    found.patients.push_back(whole(patient));
    for (const auto& [label, logit] : columns) {
      const auto truth = line.integer_at(label);
      const auto score = line.number_at(logit);
      if (truth && *truth != 0 && *truth != 1) line.wrong(label, "0, 1 or nothing");
      if (!score) line.wrong(logit, "a number");
      found.scores.known.push_back(truth ? 1 : 0);
      found.scores.labels.push_back(truth.value_or(0) == 1 ? 1 : 0);
      found.scores.values.push_back(static_cast<float>(*score));
    }
  });
  return found;
}

std::vector<downstream::Row> rows_of(const mgca::ClassificationResult& found, const std::vector<std::string>& labels) {
  std::vector<downstream::Row> rows;
  for (std::size_t c = 0; c < found.classes.size(); ++c) {
    const auto& one = found.classes[c];
    auto& made = rows.emplace_back(measured_row(labels[c], one.measures));
    made.counts = {{"present", one.present}, {"absent", one.absent}, {"unknown", one.unknown}};
    if (one.threshold) made.measures["threshold"] = {.value = *one.threshold, .low = {}, .high = {}};
  }
  auto& macro = rows.emplace_back(measured_row("macro mean", found.macro));
  for (std::size_t m = 0; m < mgca::kMeasures; ++m) macro.counts["classes with " + std::string(names_of(mgca::Measure{})[m])] = found.defined[m];
  if (found.kind == mgca::LabelKind::exclusive) {
    auto& all = rows.emplace_back(downstream::Row{.name = "all classes", .counts = {}, .measures = {}});
    all.measures = {{"accuracy", downstream::estimate(found.accuracy)}, {"mcc", downstream::estimate(found.mcc)}};
  }
  return rows;
}

void write_page(const std::filesystem::path& path, const downstream::Table& table, const std::vector<Judged>& seeds, const std::vector<std::string>& labels) {
  mgca::Page page({.title = "Classification", .footer = "Made by mgca " + study::version()});
  mgca::PageTable shown{.columns = table.header, .rows = {}, .note = "With one seed 95 % intervals, patients drawn with replacement; with several mean and standard deviation."};
  for (const auto& row : table.rows) {
    auto& cells = shown.rows.emplace_back();
    for (const auto& text : row) cells.push_back({.text = text});
  }
  page.section("Scores").table(shown);
  for (const auto& [seed, found] : seeds) {
    page.section("Calibration, seed " + std::to_string(seed), "How often a finding was there among pictures that were given a probability, in ten bins. On the dashed line a "
                 "probability means what it says. Lines: 95 % intervals (Wilson); below: the pictures in each bin.");
    std::vector<mgca::Figure> figures;
    mgca::PageTable bins{.columns = {"", "bin", "pictures", "mean probability", "observed"}, .rows = {}, .caption = "Bins that hold pictures"};
    std::vector<mgca::Calibration> every;
    const auto add = [&](const std::string& name, const mgca::Calibration& one, const std::string& caption) {
      figures.push_back({.picture = mgca::Svg{mgca::viz::reliability_chart(one, {.title = "Reliability, " + name})}, .title = name, .caption = caption});
      for (const auto& bin : one.bins) {
        if (bin.count == 0) continue;
        bins.rows.push_back({{.text = name}, {.text = console::number(bin.low, 1) + " to " + console::number(bin.high, 1)}, {.text = std::to_string(bin.count)},
                             {.text = console::number(*bin.mean_probability)}, {.text = console::number(*bin.observed)}});
      }
    };
    for (std::size_t c = 0; c < found.classes.size(); ++c) {
      const auto& one = found.classes[c].reliability;
      if (!one) continue;  // no label is known
      every.push_back(*one);
      add(labels[c], *one, "expected calibration error " + console::number(one->expected_error) + ", Brier score " + console::number(one->brier));
    }
    const auto mean = downstream::estimate(found.macro[mgca::Measure::calibration_error]).value;
    if (!every.empty()) {
      const auto all = mgca::metrics::pooled(every);
      add("all labels together", all, "errors of labels may cancel: " + console::number(all.expected_error) + " together" + (mean ? ", " + console::number(*mean) + " on average" : ""));
    }
    if (!figures.empty()) page.figures(figures).table(bins);
  }
  mgca::viz::write_page(mgca::posix_files(), path, page);
}

}  // namespace scores
