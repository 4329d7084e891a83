#include "catch.hpp"
#include "ranks.hpp"

#include <mgca/align/negatives.hpp>

#include <mutex>
#include <string>

using mgca::Negatives;
using mgca::Profile;

TEST_CASE("negatives: the published code compares per rank, the repaired one gathers, and either can be chosen", "[align][fast]") {
  CHECK(mgca::negatives_of({}, Profile::official) == Negatives::per_rank);
  CHECK(mgca::negatives_of({}, Profile::fixed) == Negatives::gathered);
  for (const auto profile : {Profile::official, Profile::fixed}) {
    for (const auto choice : {Negatives::per_rank, Negatives::gathered}) CHECK(mgca::negatives_of(choice, profile) == choice);
  }
}

TEST_CASE("negatives: both sides are gathered in order of ranks, and the mean of what ranks divide by their share of a count is that of all", "[align][fast]") {
  std::mutex mutex;
  std::string wrong;
  double mean = 0, none = 0;
  mgca::test::on_ranks(3, [&](mgca::ProcessGroup& group) {
    const auto rank = static_cast<double>(group.rank());
    const auto [first, second] = mgca::align::gathered_pairs(torch::full({1, 2}, rank), torch::full({1, 2}, 10 + rank), &group);
    const auto order = torch::arange(3, torch::kFloat).view({3, 1}).expand({3, 2});
    const auto some = torch::full({}, rank, torch::kFloat64);  // 0, 1 and 2 of 3
    const auto share = mgca::count_per_rank(some, &group);
    const auto nothing = mgca::count_per_rank(torch::zeros({}, torch::kFloat64), &group);
    const std::lock_guard lock(mutex);
    if (!torch::equal(first, order) || !torch::equal(second, order + 10)) wrong += "rank " + std::to_string(group.rank()) + " ";
    mean += (some * 5 / share).item<double>() / 3;
    none += (1 / nothing).item<double>() / 3;
  });
  CHECK(wrong.empty());
  CHECK(mean == Approx(5));
  CHECK(none == Approx(3));  // of ones, over a count of 0 taken as 1
  CHECK(mgca::count_per_rank(torch::full({}, 4.0F), nullptr).item<float>() == 4);
}
