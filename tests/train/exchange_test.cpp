#include "catch.hpp"
#include "team.hpp"

using mgca::test::on_ranks;
using mgca::test::require;

TEST_CASE("exchange: texts of all ranks come in order, and rank 0's bytes go to all", "[train][fast]") {
  on_ranks(3, [](mgca::ProcessGroup& group) {
    require(mgca::gather_texts(group, std::string(static_cast<std::size_t>(group.rank()), 'x')) == std::vector<std::string>{"", "x", "xx"}, "texts");
    require(mgca::copy_bytes(group, std::vector<std::byte>(group.rank() == 0 ? 5 : 0, std::byte{7})) == std::vector<std::byte>(5, std::byte{7}), "bytes");
  });
}

TEST_CASE("exchange: rows and values of ranks that have different numbers of them, and none, come in order", "[train][fast]") {
  struct Point {
    int64_t rank = 0;
    double x = 0;
    bool operator==(const Point&) const = default;
  };
  on_ranks(3, [](mgca::ProcessGroup& group) {
    const int64_t rank = group.rank(), count = std::vector<int64_t>{2, 0, 3}[static_cast<std::size_t>(rank)];
    const auto rows = mgca::gather_rows(group, torch::arange(count * 4, torch::kFloat64).view({count, 2, 2}) + 100 * rank);
    const auto expected = torch::cat({torch::arange(8, torch::kFloat64), torch::arange(12, torch::kFloat64) + 200}).view({5, 2, 2});
    require(rows.equal(expected), "rows");
    const auto unknown = rank == 1 ? torch::empty({0, 0}, torch::kFloat64) : torch::ones({1, 3}, torch::kFloat64);  // of no rows nobody knows the length
    require(mgca::gather_rows(group, unknown).equal(torch::ones({2, 3}, torch::kFloat64)), "rows of others");
    require(mgca::gather_rows(group, torch::arange(rank == 1 ? 0 : 2)).equal(torch::tensor({0, 1, 0, 1}, torch::kInt64)), "numbers of others");
    require(mgca::gather_rows(group, torch::empty({0, 3})).sizes() == at::IntArrayRef({0, 3}), "no rows at all");
    std::vector<Point> mine;
    for (int64_t i = 0; i < count; ++i) mine.push_back({.rank = rank, .x = static_cast<double>(i) / 2});
    require(mgca::gather_values(group, mine) == std::vector<Point>{{0, 0}, {0, 0.5}, {2, 0}, {2, 0.5}, {2, 1}}, "values");
    require(mgca::gather_values(group, std::vector<Point>()).empty(), "no values at all");
  });
}

TEST_CASE("exchange: rank 0 speaks, and who is alone", "[train][fast]") {
  CHECK(mgca::speaks(nullptr));
  mgca::test::on_team(2, [](mgca::Ranks& ranks) {
    require(ranks.size() == 2 && mgca::speaks(&ranks) == (ranks.rank() == 0), "rank " + std::to_string(ranks.rank()));
    auto one = torch::ones({1});
    for (auto* group : {&ranks.data, &ranks.control, &ranks.peers}) group->sum(one);  // three groups, each of both
    require(one.item<float>() == 8, "sums");
  });
}
