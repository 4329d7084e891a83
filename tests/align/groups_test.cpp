#include "expect_error.hpp"

#include "catch.hpp"
#include "ranks.hpp"

#include <mgca/align/groups.hpp>

using mgca::AlignmentInput;
using mgca::AlignmentLosses;

namespace {

// The largest number of each group, and how many samples it saw.
AlignmentLosses largest(const AlignmentInput& group) {
  return {.terms = {{"largest", group.images.max(), 3.0}}, .metrics = {{"samples", torch::tensor(static_cast<float>(group.images.size(0)))}}};
}

const AlignmentInput kFive{.images = torch::tensor({1.0F, 9.0F, 4.0F, 2.0F, 7.0F}).view({5, 1, 1, 1}), .labels = torch::arange(5).view({5, 1})};

}  // namespace

TEST_CASE("groups: losses and metrics are averaged over samples, the last group may be smaller", "[align][fast]") {
  const auto losses = mgca::align::in_groups(kFive, 2, largest);
  REQUIRE(losses.terms.size() == 1);
  CHECK(losses.terms[0].value.item<double>() == Approx((2 * 9 + 2 * 4 + 7) / 5.0));
  CHECK(losses.terms[0].weight == 3);
  CHECK(losses.metrics[0].value.item<double>() == Approx((2 * 2 + 2 * 2 + 1) / 5.0));
}

TEST_CASE("groups: 0, and groups as large as the batch, are the whole batch in one call", "[align][fast]") {
  for (const int64_t size : {0, 5, 8}) {
    int calls = 0;
    const auto losses = mgca::align::in_groups(kFive, size, [&](const AlignmentInput& group) {
      ++calls;
      CHECK(group.images.data_ptr() == kFive.images.data_ptr());
      return largest(group);
    });
    CHECK(calls == 1);
    CHECK(losses.total().item<double>() == 27);
  }
  mgca::test::expect_error([] { (void)mgca::align::in_groups(kFive, -1, largest); }, {"in_groups", "-1"});
}

TEST_CASE("groups: a rank's part that groups do not fill is refused, for one process would make other groups", "[align][fast]") {
  mgca::test::on_ranks(1, [](mgca::ProcessGroup& group) {
    auto part = kFive;
    part.peers = &group;
    for (const int64_t size : {2, 8}) {
      mgca::test::expect_error([&] { (void)mgca::align::in_groups(part, size, largest); }, {"5 samples", "groups of " + std::to_string(size), "micro_group must divide the part"});
    }
    const auto whole = mgca::align::in_groups(part, 5, [](const AlignmentInput& one) {
      CHECK(one.peers == nullptr);
      return largest(one);
    });
    CHECK(whole.total().item<double>() == 27);
  });
}

TEST_CASE("groups: rows are those of every part of the batch that is there", "[align][fast]") {
  const auto part = mgca::align::rows(kFive, 1, 3);
  CHECK(torch::equal(part.labels, torch::tensor({{1}, {2}, {3}})));
  CHECK(part.images.size(0) == 3);
  CHECK_FALSE(part.second_images.defined());
  CHECK_FALSE(part.tokens.ids.defined());
}
