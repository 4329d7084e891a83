// Training steps by the published recipe, then one evaluation of the first batch.
#include "../model.hpp"

#include <mgca/train/optimizer.hpp>
#include <mgca/train/schedule.hpp>

#include <vector>

namespace mgca::golden {

namespace {

Answer mgca_steps(const Case& one) {
  const auto model = any_model(one);
  model->train();
  const auto& optim = one.config.at("optim");
  const ScheduleConfig schedule{.rate = optim.at("lr"), .minimum = optim.at("min_lr"), .warmup_fraction = optim.at("warmup_fraction")};
  AdamW optimizer(
      *model,
      {.weight_decay = optim.at("weight_decay"), .beta1 = optim.at("beta1"), .beta2 = optim.at("beta2"), .epsilon = optim.at("eps")});
  const auto vocabulary = vocabulary_of(one);
  const auto losses_of = [&](const std::string& step) {
    const auto images = network_input(one.input(step + "imgs_u8"), torch::kCPU).to(one.dtype);
    return model->losses({.images = images, .tokens = tokens_of({one.input(step + "caption_ids"), one.input(step + "attention_mask")}, vocabulary,
                                           text_quirks(model->profile()))});
  };
  std::map<std::string, Tensor> start;
  for (const auto& item : model->named_parameters()) start[item.key()] = item.value().detach().clone();

  std::map<std::string, std::vector<Tensor>> seen;
  std::vector<double> rates;
  const auto& epochs = one.config.at("epoch_of_step");
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    rates.push_back(learning_rate(schedule, static_cast<int64_t>(i), optim.at("total_steps")));
    optimizer.zero_grad();
    const auto losses = losses_of("step" + std::to_string(i) + ".");
    losses.total().backward();
    model->after_backward(epochs[i]);
    optimizer.step(rates.back());
    seen["step.loss"].push_back(losses.total().detach());
    for (const auto& term : losses.terms) seen["step.loss_" + term.name].push_back(term.weighted().detach());
    for (const auto& [metric, value] : losses.metrics) seen["step." + metric].push_back(100 * value);
  }
  Answer answer;
  auto& out = answer.tensors;
  for (const auto& [name, values] : seen) out[name] = torch::stack(values).view(-1);
  out["step.lr"] = torch::tensor(rates, torch::kFloat64);
  for (const auto& [name, value] : optimizer.state()) {
    if (name.starts_with("exp_avg")) out[name] = value;
  }
  for (const auto& item : model->named_buffers()) {
    if (!item.key().ends_with("position_ids")) out["buffer." + item.key()] = item.value().clone();
  }
  model->eval();
  const torch::NoGradGuard no_grad;
  const auto after = losses_of("step0.");
  std::vector<Tensor> values;
  for (const auto& term : after.terms) values.push_back(term.value);
  for (const auto& [metric, value] : after.metrics) values.push_back(100 * value);
  for (auto& value : values) value = value.to(torch::kFloat64);
  out["eval_after"] = torch::stack(values).view(-1);
  // After that forward, which in the official profile renormalises the prototypes in place.
  for (const auto& item : model->named_parameters()) out["delta." + item.key()] = item.value() - start[item.key()];
  return answer;
}

const Kind mgca_steps_kind("mgca_steps", mgca_steps);

}  // namespace

}  // namespace mgca::golden
