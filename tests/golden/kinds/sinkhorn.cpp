// Balanced assignment alone: the plan and its sums after every round.
#include "../case.hpp"

#include <mgca/ops/sinkhorn.hpp>

namespace mgca::golden {

namespace {

Answer sinkhorn(const Case& one) {
  const ops::SinkhornOptions options{.iterations = one.config.at("iterations"), .epsilon = one.config.at("epsilon")};
  const auto scores = one.input("scores").to(one.dtype);  // (B, K)
  Answer answer;
  answer.tensors["codes"] = ops::sinkhorn(scores, options);
  const auto plans = ops::sinkhorn_plans(scores, options);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const auto round = std::to_string(i);
    const auto plan = plans[i].t();  // (K, B)
    answer.tensors["q_kb." + round] = plan;
    answer.tensors["row_sums." + round] = plan.sum(1);
    answer.tensors["col_sums." + round] = plan.sum(0);
  }
  return answer;
}

const Kind sinkhorn_kind("sinkhorn", sinkhorn);

}  // namespace

}  // namespace mgca::golden
