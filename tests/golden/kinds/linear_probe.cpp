// A classifier on fixed features: training steps, and the first step's logits and gradients.
#include "../case.hpp"

#include <mgca/heads/linear_probe.hpp>
#include <mgca/train/optimizer.hpp>

#include <vector>

namespace mgca::golden {

namespace {

Answer probe(const Case& one) {
  const auto& config = one.config;
  LinearProbe model({.features = config.at("in_features"),
                     .classes = config.at("classes"),
                     .hidden = config.at("hidden").is_null() ? 0 : config.at("hidden").get<int64_t>()});
  load_weights(*model, config.at("weight_prefix"), one);
  std::map<std::string, Tensor> start;
  for (const auto& item : model->named_parameters()) start[item.key()] = item.value().detach().clone();
  AdamW optimizer(*model, {.weight_decay = config.at("weight_decay"),
                           .beta1 = config.at("betas")[0],
                           .beta2 = config.at("betas")[1],
                           .epsilon = config.at("eps")});
  const auto features = one.input("features").to(one.dtype), labels = one.input("labels").to(one.dtype);  // (S, B, .)
  Answer answer;
  std::vector<Tensor> losses;
  for (int64_t step = 0; step < features.size(0); ++step) {
    optimizer.zero_grad();
    const auto logits = model(features[step]);
    losses.push_back(torch::binary_cross_entropy_with_logits(logits, labels[step]));
    losses.back().backward();
    if (step == 0) {
      answer.tensors["logits"] = logits;
      for (const auto& item : model->named_parameters()) answer.tensors["grad." + item.key()] = item.value().grad().clone();
    }
    optimizer.step(config.at("lr"));
  }
  answer.tensors["losses"] = torch::stack(losses);
  for (const auto& item : model->named_parameters()) answer.tensors["delta." + item.key()] = item.value().detach() - start[item.key()];
  return answer;
}

const Kind linear("linear_probe", probe), hidden("mlp_probe", probe);

}  // namespace

}  // namespace mgca::golden
