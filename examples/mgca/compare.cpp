// mgca compare: is one classifier better than another on the same pictures?
#include "classification.hpp"
#include "command.hpp"
#include "console.hpp"

#include <mgca/core/file.hpp>
#include <mgca/io/csv.hpp>
#include <mgca/metrics/compare.hpp>

#include <CLI/CLI.hpp>

namespace command {

namespace {

struct ScoredResult {
  classification::Results results;
  std::vector<std::int64_t> rows, patients;
  mgca::tasks::Scores scores;
};

ScoredResult read_scored(const std::filesystem::path& folder, std::optional<std::uint64_t> seed) {
  const auto json = folder / "results.json";
  ScoredResult out{.results = mgca::from_json_text<classification::Results>(mgca::read_text_file(json), json.string())};
  if (out.results.seeds.empty()) mgca::fail(mgca::ErrorKind::data, json.string(), ": holds no result of any seed");
  const auto path = classification::scores_file(folder, seed.value_or(out.results.seeds.front().seed));
  auto table = mgca::io::CsvTable::read(path);
  const auto row = table.column("row"), patient = table.column("patient_number");
  std::vector<std::pair<std::size_t, std::size_t>> columns;
  for (const auto& label : out.results.data.labels) columns.emplace_back(table.column(label), table.column(label + " logit"));
  out.scores.classes = static_cast<std::int64_t>(columns.size());
  table.for_each([&](const mgca::io::CsvRow& line) {
    out.rows.push_back(line.integer_at(row).value_or(-1));
    out.patients.push_back(line.integer_at(patient).value_or(-1));
    for (const auto& [label, logit] : columns) {
      const auto truth = line.integer_at(label);
      out.scores.known.push_back(truth ? 1 : 0);
      out.scores.labels.push_back(truth.value_or(0) == 1 ? 1 : 0);
      out.scores.values.push_back(static_cast<float>(line.number_at(logit).value_or(0)));
    }
  });
  return out;
}

void require_same_test(const ScoredResult& a, const ScoredResult& b) {
  const auto& one = a.results.data;
  const auto& two = b.results.data;
  std::string what;
  if (one.labels != two.labels) what = "the labels";
  else if (one.sha256 != two.sha256) what = "the data";
  else if (a.results.protocol.split != b.results.protocol.split) what = "the split";
  else if (a.rows != b.rows || a.scores.labels != b.scores.labels || a.scores.known != b.scores.known) what = "the pictures scored";
  if (!what.empty()) mgca::fail(mgca::ErrorKind::data, "compare: ", what, " differ between the two results; score both on the same pictures");
}

void compare_results(const std::filesystem::path& first, const std::filesystem::path& second, std::int64_t resamples) {
  const auto a = read_scored(first, {}), b = read_scored(second, {});
  require_same_test(a, b);
  const auto number = [](double value) { return console::number(value, 3); };
  const auto p = [&](const std::optional<double>& value) { return value ? console::number(*value, 4) : std::string("undefined"); };
  std::vector<std::vector<std::string>> rows;
  const auto C = static_cast<std::size_t>(a.scores.classes);
  for (std::size_t c = 0; c < C; ++c) {
    const auto x = mgca::metrics::column(a.scores.table(), static_cast<std::int64_t>(c)), y = mgca::metrics::column(b.scores.table(), static_cast<std::int64_t>(c));
    const auto found = mgca::metrics::delong_test({.first = x.scores, .second = y.scores}, x.labels);
    auto& row = rows.emplace_back(std::vector<std::string>{a.results.data.labels[c]});
    if (!found) row.insert(row.end(), {"undefined", "undefined", "undefined", "undefined"});
    else row.insert(row.end(), {number(found->first.area), number(found->second.area),
                                number(found->difference) + " [" + number(found->low) + ", " + number(found->high) + "]", p(found->p_value)});
  }
  // The macro mean: both on the same resamples of patients.
  const auto macro = [&](const ScoredResult& s) {
    return [&s](const mgca::Resample& draw) {
      mgca::tasks::Scores drawn{.classes = s.scores.classes};
      for (const auto i : draw.indices) {
        const auto from = static_cast<std::ptrdiff_t>(i * s.scores.classes), to = from + static_cast<std::ptrdiff_t>(s.scores.classes);
        drawn.values.insert(drawn.values.end(), s.scores.values.begin() + from, s.scores.values.begin() + to);
        drawn.labels.insert(drawn.labels.end(), s.scores.labels.begin() + from, s.scores.labels.begin() + to);
        drawn.known.insert(drawn.known.end(), s.scores.known.begin() + from, s.scores.known.begin() + to);
      }
      return mgca::metrics::macro_roc_auc(drawn.table()).mean;
    };
  };
  const auto test = mgca::metrics::paired_bootstrap(static_cast<std::int64_t>(a.rows.size()), std::pair(macro(a), macro(b)),
                                                    {.resamples = resamples, .groups = a.patients});
  const auto& d = test.difference;
  const auto mean = [&](const ScoredResult& s) {
    const auto found = mgca::metrics::macro_roc_auc(s.scores.table()).mean;
    return found ? number(*found) : std::string("undefined");
  };
  rows.push_back({"macro mean", mean(a), mean(b), d.estimate && d.low ? number(*d.estimate) + " [" + number(*d.low) + ", " + number(*d.high) + "]" : "undefined", p(test.p_value)});
  console::table({"AUROC", first.string(), second.string(), "difference [95 %]", "p"}, rows);
  console::line("  labels: DeLong's paired test over pictures; macro mean: paired bootstrap over patients, " + std::to_string(resamples) + " resamples;");
  console::line("  scores of the first seed of each; p is not corrected for the number of labels");
}

}  // namespace

void add_compare(CLI::App& program) {
  struct CompareCommand {
    std::filesystem::path first, second;
    std::int64_t resamples = 1000;
  };
  auto o = std::make_shared<CompareCommand>();
  auto* command = program.add_subcommand("compare", "paired tests of two results of mgca classify on the same pictures");
  command->add_option("first", o->first, "folder of the first result")->required()->type_name("FOLDER");
  command->add_option("second", o->second, "folder of the second")->required()->type_name("FOLDER");
  command->add_option("--resamples", o->resamples, "of the bootstrap")->capture_default_str();
  command->footer("Example: mgca compare results/mine results/random");
  command->callback([o] { compare_results(o->first, o->second, o->resamples); });
}

}  // namespace command
