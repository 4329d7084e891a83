// The learning rate of optimiser steps.
#include "../case.hpp"

#include <mgca/train/schedule.hpp>

#include <vector>

namespace mgca::golden {

namespace {

Answer lr_schedule(const Case& one) {
  Answer answer;
  const auto& sets = one.config.at("sets");
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const auto& set = sets[i];
    const ScheduleConfig schedule{.rate = set.at("max_lr"), .minimum = set.at("min_lr"), .warmup_fraction = set.at("warmup_fraction")};
    std::vector<double> rates;
    for (int64_t step = 0; step < set.at("count"); step += set.value("stride", 1))
      rates.push_back(learning_rate(schedule, step, set.at("total_steps")));
    answer.tensors["lr." + std::to_string(i)] = torch::tensor(rates, torch::kFloat64);
  }
  return answer;
}

const Kind lr_schedule_kind("lr_schedule", lr_schedule);

}  // namespace

}  // namespace mgca::golden
