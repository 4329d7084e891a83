#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/tensor/handle.hpp>
#include <mgca/tensor/weights_file.hpp>

#include <fstream>
#include <vector>

namespace {

struct SmallImpl : torch::nn::Module {
  struct Config {
    int64_t width = 3;
  };
  explicit SmallImpl(const Config& config)
      : fc(register_module("fc", torch::nn::Linear(2, config.width))),
        norm(register_module("norm", torch::nn::BatchNorm1d(config.width))) {}
  torch::nn::Linear fc;
  torch::nn::BatchNorm1d norm;
};
using Small = mgca::Handle<SmallImpl>;

std::vector<std::string> names(const mgca::StateDict& dict) {
  std::vector<std::string> all;
  for (const auto& item : dict) all.push_back(item.name);
  return all;
}

bool equal(const mgca::StateDict& a, const mgca::StateDict& b) {
  if (names(a) != names(b)) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!torch::equal(a[i].value, b[i].value)) return false;
  }
  return true;
}

mgca::StateDict copy(const mgca::StateDict& dict) {
  mgca::StateDict other;
  for (const auto& [name, value] : dict) other.push_back({name, value.detach().clone()});
  return other;
}

}  // namespace

TEST_CASE("state_dict: names follow the members, parameters before buffers", "[tensor][fast]") {
  Small model({});
  CHECK(names(mgca::state_dict(*model)) ==
        std::vector<std::string>{"fc.weight", "fc.bias", "norm.weight", "norm.bias", "norm.running_mean",
                                 "norm.running_var", "norm.num_batches_tracked"});
}

TEST_CASE("state_dict: a dict of another model lists every difference and changes nothing", "[tensor][fast]") {
  Small model({}), other({.width = 5});
  auto dict = copy(mgca::state_dict(*other));
  dict.erase(dict.begin());
  dict.push_back({"extra.weight", torch::zeros({1})});
  const auto before = copy(mgca::state_dict(*model));
  mgca::test::expect_error([&] { mgca::load_state_dict(*model, dict); },
                           {"missing: fc.weight", "unexpected: extra.weight", "shape of fc.bias: expected [3], found [5]",
                            "norm.running_mean"});
  CHECK(equal(before, mgca::state_dict(*model)));
  const auto report = mgca::load_state_dict(*model, dict, mgca::Completeness::optional);
  CHECK(report.missing.size() == 1);
  CHECK(report.unexpected.size() == 1);
  CHECK(report.reshaped.size() == 5);
}

TEST_CASE("weights_file: a model survives the round trip bit for bit, in every dtype", "[tensor][fast]") {
  const mgca::test::Scratch scratch;
  Small model({}), other({});
  mgca::write_weights(scratch / "model.safetensors", {mgca::state_dict(*model), {{"format", "pt"}}});
  const auto weights = mgca::read_weights(scratch / "model.safetensors");
  CHECK(weights.metadata.at("format") == "pt");
  mgca::load_state_dict(*other, weights.tensors);
  CHECK(equal(mgca::state_dict(*model), mgca::state_dict(*other)));

  mgca::StateDict all;
  for (const auto type : {torch::kBool, torch::kUInt8, torch::kInt8, torch::kInt16, torch::kInt32, torch::kInt64, torch::kHalf,
                          torch::kBFloat16, torch::kFloat32, torch::kFloat64}) {
    all.push_back({torch::toString(type), torch::arange(6).view({2, 3}).to(type)});
  }
  all.push_back({"scalar", torch::tensor(2.5)});
  all.push_back({"nothing", torch::zeros({0, 4})});
  mgca::write_weights(scratch / "all.safetensors", {all, {}});
  auto found = mgca::read_weights(scratch / "all.safetensors").tensors;
  REQUIRE(found.size() == all.size());
  for (const auto& [name, value] : all) {
    const auto it = std::find_if(found.begin(), found.end(), [&](const auto& item) { return item.name == name; });
    REQUIRE(it != found.end());
    INFO(name);
    CHECK(it->value.sizes() == value.sizes());
    CHECK(it->value.dtype() == value.dtype());
    CHECK(torch::equal(it->value, value));
  }
}

TEST_CASE("weights_file: a truncated file is refused by name", "[tensor][fast]") {
  const mgca::test::Scratch scratch;
  Small model({});
  mgca::write_weights(scratch / "model.safetensors", {mgca::state_dict(*model), {}});
  std::filesystem::resize_file(scratch / "model.safetensors", std::filesystem::file_size(scratch / "model.safetensors") - 1);
  mgca::test::expect_error([&] { (void)mgca::read_weights(scratch / "model.safetensors"); }, {"model.safetensors"});
  mgca::test::expect_error([&] { (void)mgca::read_weights(scratch / "absent.safetensors"); }, {"absent.safetensors"});
}
