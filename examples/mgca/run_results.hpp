// Results of a run that is scored without more training: what retrieve, zeroshot and ground share.
#pragma once

#include "downstream.hpp"
#include "study.hpp"

#include <mgca/metrics/bootstrap.hpp>

#include <span>
#include <utility>

namespace run_results {

struct Options : study::RunOptions {
  std::filesystem::path out;
  std::int64_t resamples = 1000;
};

// --run, --data, --device, --split, --out, --resamples.
void add_options(CLI::App& command, Options& options);

// --out, or a folder of the task's name in the run's; made where it is missing.
[[nodiscard]] std::filesystem::path folder(const Options& options, const std::string& task);

[[nodiscard]] downstream::WeightsRecord weights(const study::RunOptions& options);

// The hash is over the tables without reports, so that it is that of classify for the same data and labels.
[[nodiscard]] downstream::DataRecord data(const study::Study& study, const std::vector<std::string>& labels, const std::map<std::string, std::int64_t>& records);

// Mean over those that have a value, with its interval; `groups` has the patient of each.
[[nodiscard]] mgca::Interval mean_of(std::span<const std::optional<double>> values, std::span<const std::int64_t> groups, std::int64_t resamples);

// Nothing is trained, so there is one result; `seed` is that of what was drawn, 0 where nothing was.
template <class Protocol>
void write(const std::filesystem::path& out, downstream::Results<Protocol> results, downstream::SeedResult found, const std::vector<std::string>& measures) {
  results.library = study::version();
  results.seeds.push_back(std::move(found));
  results.spread = downstream::spread(results.seeds);
  downstream::write(out, mgca::to_json_text(results), results.seeds, measures, results.named_protocol);
}

}  // namespace run_results
