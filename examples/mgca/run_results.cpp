#include "run_results.hpp"

#include "command.hpp"

#include <mgca/data/fingerprint.hpp>
#include <mgca/io/weight_file.hpp>

#include <CLI/CLI.hpp>

namespace run_results {

void add_options(CLI::App& command, Options& o) {
  command::add_run_options(command, o);
  command::add_split_option(command, o);
  command.add_option("--out", o.out, "folder for the results; without one: a folder in the run's")->type_name("FOLDER");
  command.add_option("--resamples", o.resamples, "of the bootstrap, by patient where patients are known")->capture_default_str();
}

std::filesystem::path folder(const Options& o, const std::string& task) {
  const auto out = o.out.empty() ? o.run / task : o.out;
  std::error_code code;
  std::filesystem::create_directories(out, code);
  if (code) mgca::fail_system(out, "create the folder", code.value());
  return out;
}

downstream::WeightsRecord weights(const study::RunOptions& o) {
  const auto path = o.run / "best.safetensors";
  return {.path = path.string(), .sha256 = mgca::io::WeightFile::open(path).sha256(), .dialect = "mgca", .model = {}};
}

downstream::DataRecord data(const study::Study& study, const std::vector<std::string>& labels, const std::map<std::string, std::int64_t>& records) {
  auto without_reports = study.config.data;
  without_reports.report_column.clear();
  return {.path = study.config.data.table.string(), .sha256 = mgca::data::fingerprint(mgca::PairStudies(without_reports)), .labels = labels, .records = records};
}

mgca::Interval mean_of(std::span<const std::optional<double>> values, std::span<const std::int64_t> groups, std::int64_t resamples) {
  std::vector<double> known;
  std::vector<std::int64_t> patients;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i]) continue;
    known.push_back(*values[i]);
    patients.push_back(groups[i]);
  }
  if (known.empty()) return {};
  const auto mean = [&](const mgca::Resample& draw) {
    double sum = 0;
    for (const auto i : draw.indices) sum += known[static_cast<std::size_t>(i)];
    return std::optional<double>(sum / static_cast<double>(draw.indices.size()));
  };
  return mgca::metrics::bootstrap(static_cast<std::int64_t>(known.size()), mean, {.resamples = resamples, .groups = patients});
}

}  // namespace run_results
