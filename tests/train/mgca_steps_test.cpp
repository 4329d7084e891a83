#include "catch.hpp"
#include "golden_mgca.hpp"

#include <mgca/train/optimizer.hpp>
#include <mgca/train/schedule.hpp>

#include <set>

using mgca::test::Golden;

namespace {

using Model = mgca::Mgca<mgca::Vit, mgca::Bert>;

mgca::Tensor images_of(const Golden& golden, const std::string& step) {
  return mgca::test::network_input(golden.batch.at(step + "imgs_u8"));
}
mgca::Tokens tokens_of(const Golden& golden, const std::string& step, mgca::Profile profile) {
  return mgca::test::golden_tokens(golden.batch.at(step + "caption_ids"), golden.batch.at(step + "attention_mask"), profile);
}

void check_steps(const std::string& name) {
  INFO(name);
  const Golden golden(name);
  auto model = mgca::test::golden_model<mgca::Vit>(golden);
  model->train();
  const auto& optim = golden.config["optim"];
  const mgca::ScheduleConfig schedule{.rate = optim["lr"], .minimum = optim["min_lr"], .warmup_fraction = optim["warmup_fraction"]};
  mgca::AdamW optimizer(*model, {.weight_decay = optim["weight_decay"], .beta1 = optim["beta1"], .beta2 = optim["beta2"], .epsilon = optim["eps"]});
  std::map<std::string, mgca::Tensor> start;
  for (const auto& item : model->named_parameters()) start[item.key()] = item.value().detach().clone();
  std::map<std::string, std::vector<mgca::Tensor>> seen;
  std::vector<double> rates;
  const auto& epochs = golden.config["epoch_of_step"];
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    const auto step = "step" + std::to_string(i) + ".";
    rates.push_back(mgca::learning_rate(schedule, static_cast<int64_t>(i), optim["total_steps"]));
    optimizer.zero_grad();
    const auto losses = model->losses(images_of(golden, step), tokens_of(golden, step, model->config.profile));
    for (const auto& term : losses.terms) seen["step.loss_" + term.name].push_back(term.weighted().detach());
    for (const auto& [metric, value] : losses.metrics) seen["step." + metric].push_back(100 * value);
    seen["step.loss"].push_back(losses.total().detach());
    losses.total().backward();
    model->after_backward(epochs[i]);
    optimizer.step(rates.back());
  }
  for (const auto& [key, values] : seen) golden.check(key, torch::stack(values).view(-1));
  golden.check("step.lr", torch::tensor(rates, torch::kFloat64));
  std::set<std::string> without;
  for (const auto& key : golden.config["parameters_without_state"]) without.insert(key.get<std::string>());
  for (const auto& [key, value] : optimizer.state()) {
    // Behind softmax shifts and batch norms some gradients are zero but for rounding; their moments are noise.
    const bool noise = key.ends_with("key.bias") || key.ends_with("head.0.bias") || key.ends_with("head.3.bias");
    if (key.starts_with("exp_avg") && noise) CHECK(value.abs().max().item<double>() < 1e-5);
    else if (key.starts_with("exp_avg")) golden.check(key, value);
    else if (key.starts_with("step.")) CHECK(without.count(key.substr(5)) == 0);
  }
  for (const auto& item : model->named_buffers()) {
    if (golden.expected.count("buffer." + item.key())) golden.check("buffer." + item.key(), item.value());
  }
  model->eval();
  const torch::NoGradGuard no_grad;
  const auto after = model->losses(images_of(golden, "step0."), tokens_of(golden, "step0.", model->config.profile));
  std::vector<mgca::Tensor> values;
  for (const auto& term : after.terms) values.push_back(term.value);
  for (const auto& [metric, value] : after.metrics) values.push_back(100 * value);
  golden.check("eval_after", torch::stack(values).view(-1));
  // After that forward, which in the official profile renormalises the prototypes in place.
  for (const auto& item : model->named_parameters()) golden.check("delta." + item.key(), item.value() - start[item.key()]);
}

}  // namespace

TEST_CASE("fit: three steps at the published rate equal the reference", "[train][golden][slow]") { check_steps("mgca_vit_3steps"); }
TEST_CASE("fit: three large steps equal the reference", "[train][golden][slow]") { check_steps("mgca_vit_3steps_lr1e-3"); }
TEST_CASE("fit: three steps of the fixed profile equal its definition", "[train][golden][slow]") { check_steps("mgca_fixed_3steps"); }

TEST_CASE("mgca: one pair, reports without words and mixed precision all train", "[train][fast]") {
  for (const std::string name : {"mgca_vit_3steps", "mgca_fixed_3steps"}) {
    const Golden golden(name);
    auto model = mgca::test::golden_model<mgca::Vit>(golden);
    model->train();
    auto tokens = tokens_of(golden, "step0.", model->config.profile);
    const auto one = [](const mgca::Tensor& x) { return x.slice(0, 0, 1); };
    const auto images = images_of(golden, "step0.");
    const mgca::Tokens single{.ids = one(tokens.ids), .mask = one(tokens.mask), .word_slot = one(tokens.word_slot), .words = one(tokens.words)};
    auto wordless = tokens;
    wordless.word_slot = torch::full_like(tokens.word_slot, -1);
    wordless.words = torch::zeros_like(tokens.words);
    for (const auto& [batch, report] : {std::pair(one(images), single), std::pair(images, wordless)}) {
      model->zero_grad();
      const auto loss = model->losses(batch, report).total();
      loss.backward();
      CHECK(loss.isfinite().item<bool>());
      for (const auto& item : model->named_parameters()) {
        INFO(name << " " << item.key());
        if (item.value().grad().defined()) CHECK(item.value().grad().isfinite().all().item<bool>());
      }
    }
    const mgca::AutocastScope scope(mgca::Precision::bf16, torch::kCPU);
    const auto loss = model->losses(images, tokens).total();
    loss.backward();
    CHECK(loss.scalar_type() == torch::kFloat32);
    CHECK(loss.isfinite().item<bool>());
  }
}
