#include "catch.hpp"
#include "ranks.hpp"

#include <mgca/train/agreement.hpp>

using mgca::test::on_ranks;
using mgca::test::require;
using mgca::test::require_error;

TEST_CASE("agreement: those out of step are named on all, and what one throws, all throw", "[train][fast]") {
  on_ranks(3, [](mgca::ProcessGroup& group) {
    mgca::Ranks ranks{group, group, group};
    require(!mgca::on_all_or_none(&ranks, {.step = 4}, [] {}), "nobody stops");
    require(mgca::on_all_or_none(&ranks, {.step = 4, .stop = group.rank() == 1}, [] {}), "one stops");
    require_error([&] { (void)mgca::on_all_or_none(&ranks, {.step = group.rank() == 1 ? 7 : 6}, [] {}); }, {"rank 0 is at step 6; rank 1 is at step 7;"});
    try {
      (void)mgca::on_all_or_none(&ranks, {}, [&] {
        if (group.rank() == 2) mgca::fail(mgca::ErrorKind::data, "row 3 is damaged");
      });
      require(false, "nothing thrown");
    } catch (const mgca::Error& error) {
      require(error.kind() == mgca::ErrorKind::data, "kind");
      require(error.what() == std::string(group.rank() == 2 ? "row 3 is damaged" : "rank 2 failed: row 3 is damaged"), error.what());
    }
  });
}

TEST_CASE("agreement: rank 0's parameters and buffers go to all, of any type and layout, and a bit that differs is found", "[train][fast]") {
  on_ranks(3, [](mgca::ProcessGroup& group) {
    struct Parts : torch::nn::Module {
      explicit Parts(int64_t shift) {
        register_parameter("picture", (torch::arange(24, torch::kFloat32).view({1, 2, 3, 4}) + shift).contiguous(at::MemoryFormat::ChannelsLast));
        register_parameter("wide", torch::arange(3, torch::kFloat64) + shift);
        register_parameter("half", (torch::arange(3) + shift).to(torch::kBFloat16));
        register_buffer("count", torch::full({}, 5 + shift, torch::kInt64));
        register_buffer("mask", torch::full({3}, shift > 0, torch::kBool));
        register_buffer("nothing", torch::zeros({0}));
      }
    } parts(group.rank());
    mgca::Ranks ranks{group, group, group};
    require_error([&] { mgca::require_same_parameters(parts, ranks, "after epoch 2"); }, {"after epoch 2", "rank 1 in 3 of them, first 'picture'; rank 2 in 3 of them"});
    mgca::copy_state(parts, ranks);
    const Parts expected(0);
    const auto all = mgca::state_dict(parts), wanted = mgca::state_dict(expected);
    for (std::size_t i = 0; i < all.size(); ++i) require(all[i].value.equal(wanted[i].value), all[i].name);
    mgca::require_same_parameters(parts, ranks, "now");
    if (group.rank() == 2) {  // what one loses another wins
      const torch::NoGradGuard no_grad;
      auto bits = parts.named_parameters()["wide"].view(torch::kInt64);
      bits[0] += 1;
      bits[1] -= 1;
    }
    require_error([&] { mgca::require_same_parameters(parts, ranks, "now"); }, {"rank 2 in 1 of them, first 'wide'"});
  });
}

TEST_CASE("agreement: without ranks a call is a call, and an answer one's own", "[train][fast]") {
  int called = 0;
  CHECK(mgca::on_all_or_none(nullptr, {.stop = true}, [&] { ++called; }));
  CHECK_FALSE(mgca::on_all_or_none(nullptr, {}, [&] { ++called; }));
  CHECK(called == 2);
  CHECK(mgca::any_rank(nullptr, true));
  CHECK_FALSE(mgca::any_rank(nullptr, false));
}
