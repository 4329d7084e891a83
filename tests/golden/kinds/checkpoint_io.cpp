// A model and its optimiser from a Lightning checkpoint: the evaluation of its weights, then the training step that follows.
#include "../model.hpp"

#include <mgca/core/error.hpp>
#include <mgca/tensor/weights_file.hpp>
#include <mgca/train/optimizer.hpp>

#include <vector>

namespace mgca::golden {

namespace {

// The tensors below a dotted path, by the rest of their names.
StateDict below(const Weights& file, const std::string& path) {
  StateDict dict;
  for (const auto& [name, value] : file.tensors) {
    if (name.starts_with(path)) dict.push_back({name.substr(path.size()), value});
  }
  return dict;
}

// Moments by position in the list of parameters -> by name. The count of steps is a tensor, or a number in older files.
void load_moments(AdamW& optimizer, const Weights& checkpoint, const std::vector<std::string>& parameters) {
  const std::string states = "optimizer_states.0.state.";
  auto moments = optimizer.state();  // a fresh one's: the loss scale and the counts of steps
  const auto add = [&](const std::string& key, const Tensor& value) {  // "3.exp_avg"
    const auto dot = key.find('.');
    const auto position = std::stoul(key.substr(0, dot));
    if (position >= parameters.size())
      fail(ErrorKind::data, "checkpoint: the optimiser knows parameter ", position, ", the model has ", parameters.size());
    moments.push_back({key.substr(dot + 1) + "." + parameters[position], value});
  };
  for (const auto& [key, value] : below(checkpoint, states)) add(key, value);
  for (const auto& [key, text] : checkpoint.metadata) {
    if (key.starts_with(states) && key.ends_with(".step")) add(key.substr(states.size()), torch::tensor(std::stof(text)));
  }
  optimizer.load_state(moments);
}

Answer checkpoint_io(const Case& one) {
  const auto checkpoint = read_weights(one.folder / "lightning.ckpt");
  const auto model = any_model(one);
  const auto weights = below(checkpoint, "state_dict.");
  const auto images = network_input(one.input("imgs_u8"), torch::kCPU).to(one.dtype);
  const auto tokens = tokens_of({one.input("caption_ids"), one.input("attention_mask")}, vocabulary_of(one), text_quirks(model->profile()));
  Answer answer;
  load_state_dict(*model, weights);
  model->eval();
  {
    const torch::NoGradGuard no_grad;
    const auto losses = model->losses({.images = images, .tokens = tokens});
    std::vector<Tensor> values;
    for (const auto& term : losses.terms) values.push_back(term.value.to(torch::kFloat64));
    for (const auto& [metric, value] : losses.metrics) values.push_back(100 * value.to(torch::kFloat64));
    answer.tensors["eval.losses"] = torch::stack(values).view(-1);
  }
  load_state_dict(*model, weights);  // an evaluation in the official profile renormalises the prototypes
  model->train();
  const auto& optim = one.config.at("optim");
  AdamW optimizer(
      *model,
      {.weight_decay = optim.at("weight_decay"), .beta1 = optim.at("beta1"), .beta2 = optim.at("beta2"), .epsilon = optim.at("eps")});
  std::vector<std::string> names;
  std::map<std::string, Tensor> start;
  for (const auto& item : model->named_parameters()) {
    names.push_back(item.key());
    start[item.key()] = item.value().detach().clone();
  }
  load_moments(optimizer, checkpoint, names);
  const auto loss = model->losses({.images = images, .tokens = tokens}).total();
  loss.backward();
  model->after_backward(one.config.value("resume_epoch", 2));
  optimizer.step(one.config.at("resume_lr"));
  answer.tensors["resume.loss"] = loss;
  for (const auto& item : model->named_parameters()) {
    answer.tensors["resume.delta." + item.key()] = item.value().detach() - start[item.key()];
    if (item.value().grad().defined())
      answer.tensors[noise_name("resume.delta." + item.key())] = item.value().grad().abs().lt(1e-12).to(torch::kUInt8);
  }
  return answer;
}

const Kind checkpoint_io_kind("checkpoint_io", checkpoint_io);

}  // namespace

}  // namespace mgca::golden
