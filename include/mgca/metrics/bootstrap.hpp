// Confidence intervals by resampling with replacement.
// A test split of a few hundred radiographs moves an AUROC by several points; a number without its interval misleads.
// Every resample has its own random address, so the result depends on the seed alone.
// Reference: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 and 16.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/metrics/detail/resampler.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace mgca {

struct BootstrapOptions {
  std::int64_t resamples = 1000;
  std::uint64_t seed = 0;
  double confidence = 0.95;
  // The patient of each item: whole groups are drawn, because images of one patient are not independent.
  std::span<const std::int64_t> groups = {};
  std::int64_t threads = 0;  // 0: as many as the machine has; the numbers are the same for any
};

// One draw of as many items (or groups) as there are, with replacement; both spans say the same.
struct Resample {
  std::span<const std::int64_t> indices;  // the items drawn, repeated as often as they were drawn
  std::span<const std::uint32_t> times;   // how often each item was drawn
};

// low and high are nothing when the statistic was undefined in every resample.
struct Interval {
  std::optional<double> estimate = {};  // on the items themselves
  std::optional<double> low = {}, high = {};
  double confidence = 0;
  std::int64_t resamples = 0;
  std::int64_t undefined = 0;  // resamples without a value; they are left out of low and high
};

}  // namespace mgca

namespace mgca::metrics {
namespace detail {

using Values = std::vector<std::optional<double>>;

template <class T>
inline constexpr bool is_value_list = false;
template <class T>
inline constexpr bool is_value_list<std::vector<T>> = true;

template <class Result>
Values values_of(const Result& result) {
  if constexpr (is_value_list<Result>)
    return {result.begin(), result.end()};
  else
    return {std::optional<double>(result)};
}

// A statistic that looks at eight resamples at once: byte k of times[i], from the lowest, is how often resample k drew item i.
template <class Statistic>
concept takes_eight = requires(const Statistic& statistic, std::span<const std::uint64_t> times) { statistic.eight(times); };

inline void check_bootstrap(std::int64_t count, const BootstrapOptions& options) {
  MGCA_CHECK(count > 0 && count < (std::int64_t{1} << 31), "bootstrap: expected 1 to 2^31 items, got ", count);
  MGCA_CHECK(options.threads >= 0, "bootstrap: expected 0 threads (all) or more, got ", options.threads);
  MGCA_CHECK(options.resamples > 0, "bootstrap: expected 1 resample or more, got ", options.resamples);
  MGCA_CHECK(options.confidence > 0 && options.confidence < 1, "bootstrap: expected a confidence between 0 and 1, got ",
             options.confidence, "; 95 % is 0.95");
  MGCA_CHECK(options.groups.empty() || options.groups.size() == static_cast<std::size_t>(count),
             "bootstrap: ", options.groups.size(), " groups for ", count, " items");
}

// Between neighbours linearly; `sorted` is not empty.
inline double quantile(std::span<const double> sorted, double part) {
  const double place = part * static_cast<double>(sorted.size() - 1);
  const auto left = static_cast<std::size_t>(place);
  const auto right = std::min(left + 1, sorted.size() - 1);
  return sorted[left] + (place - static_cast<double>(left)) * (sorted[right] - sorted[left]);
}

inline Interval interval_of(std::optional<double> estimate, std::vector<double> values,
                            const BootstrapOptions& options) {
  Interval interval{.estimate = estimate,
                    .confidence = options.confidence,
                    .resamples = options.resamples,
                    .undefined = options.resamples - static_cast<std::int64_t>(values.size())};
  if (values.empty()) return interval;
  std::sort(values.begin(), values.end());
  interval.low = quantile(values, (1 - options.confidence) / 2);
  interval.high = quantile(values, (1 + options.confidence) / 2);
  return interval;
}

// Column s: the defined values of statistic s; `estimates` are those on the items themselves.
struct Replicates {
  Values estimates;
  std::vector<Values> rows;  // a row per resample

  [[nodiscard]] std::vector<double> column(std::size_t s) const {
    std::vector<double> values;
    for (const auto& row : rows) {
      if (row[s]) values.push_back(*row[s]);
    }
    return values;
  }
};

template <class Statistic>
Replicates replicate(std::int64_t count, const Statistic& statistic, const BootstrapOptions& options) {
  check_bootstrap(count, options);
  std::vector<std::int64_t> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  const std::vector<std::uint32_t> once(all.size(), 1U);
  const auto evaluate = [](const auto& answer) {
    auto values = values_of(answer);
    for (const auto& value : values) {
      MGCA_CHECK(!value || !std::isnan(*value), "bootstrap: the statistic returned NaN; return nothing where it is undefined");
    }
    return values;
  };
  Replicates result{.estimates = evaluate(statistic(Resample{all, once})), .rows = {}};
  result.rows.resize(static_cast<std::size_t>(options.resamples));
  constexpr std::int64_t piece = takes_eight<Statistic> ? 8 : 1;
  const std::int64_t pieces = (options.resamples + piece - 1) / piece;
  const ParallelOptions parallel{.threads = options.threads, .grain = 8 / piece};
  std::vector<Resampler> resamplers(static_cast<std::size_t>(threads_for(pieces, parallel)), Resampler(count, options.seed, options.groups));
  parallel_for(
      pieces,
      [&](std::int64_t p, std::int64_t thread) {
        auto& resampler = resamplers[static_cast<std::size_t>(thread)];
        const auto store = [&](std::int64_t r, const auto& answer) {
          auto& row = result.rows[static_cast<std::size_t>(r)];
          row = evaluate(answer);
          MGCA_CHECK(row.size() == result.estimates.size(), "bootstrap: the statistic returned ", row.size(), " values after ", result.estimates.size(),
                     " on the items themselves");
        };
        if constexpr (takes_eight<Statistic>) {
          const auto answers = statistic.eight(resampler.draw_eight(p * piece, options.resamples));
          for (std::int64_t r = p * piece; r < std::min((p + 1) * piece, options.resamples); ++r) store(r, answers[static_cast<std::size_t>(r % piece)]);
        } else {
          const auto [indices, times] = resampler.draw(p);
          store(p, statistic(Resample{indices, times}));
        }
      },
      parallel);
  return result;
}

}  // namespace detail

// Percentile interval of `statistic(const Resample&)`, which returns double, std::optional<double>, or a std::vector of
// either; a vector gives an interval for each place, all on the same resamples. Nothing means undefined.
// A statistic with a member `eight` (metrics/ranked_scores.hpp: RocAreas) is given eight resamples at a time instead.
// Several threads call it at once: it must not change what it shares, or options.threads must be 1.
//   const RankedScores ranked(scores, labels);
//   const auto auc = bootstrap(count, [&](const Resample& r) { return ranked.auc(r); }, {.seed = 7});
// Throws Error(argument) for options outside their range and for NaN.
template <class Statistic>
[[nodiscard]] auto bootstrap(std::int64_t count, const Statistic& statistic, const BootstrapOptions& options = {}) {
  const auto replicates = detail::replicate(count, statistic, options);
  std::vector<Interval> intervals;
  for (std::size_t s = 0; s < replicates.estimates.size(); ++s) {
    intervals.push_back(detail::interval_of(replicates.estimates[s], replicates.column(s), options));
  }
  if constexpr (detail::is_value_list<std::remove_cvref_t<std::invoke_result_t<const Statistic&, const Resample&>>>) {
    return intervals;
  } else {
    return intervals.front();
  }
}

}  // namespace mgca::metrics
