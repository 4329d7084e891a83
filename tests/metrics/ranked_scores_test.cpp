#include "catch.hpp"

#include <mgca/core/random.hpp>
#include <mgca/metrics/bootstrap.hpp>
#include <mgca/metrics/ranked_scores.hpp>

TEST_CASE("RocAreas: of eight resamples at once they are those of each, with ties, lost labels and groups", "[metrics][fast]") {
  mgca::RandomStream random({.seed = 3}, mgca::Use::test);
  mgca::metrics::RocAreas areas;
  for (const double places : {4.0, 1e6}) {
    std::vector<float> scores;
    std::vector<std::uint8_t> labels;
    for (int i = 0; i < 600; ++i) {
      labels.push_back(i == 7 || i == 310 ? 1 : 0);  // some resamples have neither
      scores.push_back(static_cast<float>(std::round(places * random.uniform()) + labels.back()));
    }
    areas.findings.emplace_back(scores, labels);
  }
  std::vector<std::int64_t> groups(600);
  for (std::size_t i = 0; i < 600; ++i) groups[i] = static_cast<std::int64_t>(i / 2);
  for (const auto& by : {std::vector<std::int64_t>{}, groups}) {
    const mgca::BootstrapOptions options{.resamples = 51, .seed = 2, .groups = by};
    const auto together = mgca::metrics::bootstrap(600, areas, options), each = mgca::metrics::bootstrap(600, [&](const mgca::Resample& r) { return areas(r); }, options);
    REQUIRE(together.size() == 2);
    for (std::size_t s = 0; s < 2; ++s) {
      CHECK((together[s].estimate == each[s].estimate && together[s].low == each[s].low && together[s].high == each[s].high));
      CHECK(together[s].undefined == each[s].undefined);
      CHECK(each[s].undefined > 0);
    }
  }
  CHECK_THROWS_AS((void)mgca::metrics::bootstrap(601, areas), mgca::Error);
}
