// Do two systems differ on the same items? Both are measured on the same resamples: what makes an item hard makes it hard for both, and
// their difference is surer than their intervals.
// Reference: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 16.
#pragma once

#include <mgca/metrics/bootstrap.hpp>

namespace mgca {

struct PairedTest {
  std::optional<double> first = {}, second = {};  // on the items themselves
  Interval difference;                 // first minus second, on the same resamples
  std::optional<double> p_value = {};  // two-sided, never 0: (1 + resamples on the other side of 0) / (1 + resamples)
};

}  // namespace mgca

namespace mgca::metrics {

// Do two systems differ on the same items? `first` and `second` map a Resample to double or std::optional<double>, or both to a
// std::vector of either, as for bootstrap; a vector gives a test for each place.
template <class First, class Second>
[[nodiscard]] auto paired_bootstrap(std::int64_t count, const std::pair<First, Second>& systems, const BootstrapOptions& options = {}) {
  const auto both = [&](const Resample& resample) {
    auto values = detail::values_of(systems.first(resample));
    const auto other = detail::values_of(systems.second(resample));
    MGCA_CHECK(values.size() == other.size(), "paired_bootstrap: the first system has ", values.size(), " values, the second ", other.size());
    values.insert(values.end(), other.begin(), other.end());
    return values;
  };
  const auto replicates = detail::replicate(count, both, options);
  const auto places = replicates.estimates.size() / 2;
  const auto difference = [&](const detail::Values& row, std::size_t s) { return row[s] && row[places + s] ? std::optional(*row[s] - *row[places + s]) : std::nullopt; };
  std::vector<PairedTest> tests;
  for (std::size_t s = 0; s < places; ++s) {
    const auto& estimates = replicates.estimates;
    std::vector<double> values;
    for (const auto& row : replicates.rows) {
      if (const auto d = difference(row, s)) values.push_back(*d);
    }
    tests.push_back({.first = estimates[s], .second = estimates[places + s], .difference = detail::interval_of(difference(estimates, s), values, options), .p_value = {}});
    if (values.empty()) continue;
    const auto not_above = std::count_if(values.begin(), values.end(), [](double d) { return d <= 0; });
    const auto not_below = std::count_if(values.begin(), values.end(), [](double d) { return d >= 0; });
    tests.back().p_value = std::min(1.0, 2 * static_cast<double>(1 + std::min(not_above, not_below)) / static_cast<double>(1 + values.size()));
  }
  if constexpr (detail::is_value_list<std::remove_cvref_t<std::invoke_result_t<const First&, const Resample&>>>)
    return tests;
  else
    return tests.front();
}

}  // namespace mgca::metrics
