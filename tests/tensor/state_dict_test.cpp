#include "expect_error.hpp"
#include "small_module.hpp"

using mgca::test::copy;
using mgca::test::equal;
using mgca::test::names;
using mgca::test::Small;


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
                           {"missing: fc.weight (nearest in the file: extra.weight)", "unexpected: extra.weight (nearest in the model: fc.weight)", "shape of fc.bias: expected [3], found [5]",
                            "norm.running_mean"});
  CHECK(equal(before, mgca::state_dict(*model)));
  const auto report = mgca::load_state_dict(*model, dict, mgca::Completeness::optional);
  CHECK(report.missing.size() == 1);
  CHECK(report.unexpected.size() == 1);
  CHECK(report.reshaped.size() == 5);
}

TEST_CASE("state_dict: loading converts the type and copies into the module's own memory", "[tensor][fast]") {
  Small model({}), other({});
  auto dict = copy(mgca::state_dict(*other));
  for (auto& [name, value] : dict) {
    if (value.is_floating_point()) value = value.to(torch::kFloat64);
  }
  const auto* memory = model->fc->weight.const_data_ptr();
  CHECK(mgca::load_state_dict(*model, dict).complete());
  CHECK(equal(mgca::state_dict(*model), mgca::state_dict(*other)));
  CHECK(model->fc->weight.const_data_ptr() == memory);
  CHECK(model->fc->weight.requires_grad());
}

TEST_CASE("state_dict: a prefix stands before every name, and the tensors are the module's", "[tensor][fast]") {
  Small model({});
  const auto dict = mgca::state_dict(*model, "tower.");
  CHECK(dict.front().name == "tower.fc.weight");
  const torch::NoGradGuard no_grad;
  dict.front().value.fill_(3);
  CHECK(model->fc->weight.eq(3).all().item<bool>());
}

TEST_CASE("state_dict: a source that fails half-way leaves the module as it was", "[tensor][fast]") {
  Small model({}), other({});
  std::vector<mgca::OfferedTensor> offered;
  int reads = 0;
  for (const auto& [name, value] : copy(mgca::state_dict(*other))) {
    offered.push_back({name, value.sizes().vec(), [&reads, value = value] {
                         if (++reads == 5) mgca::fail(mgca::ErrorKind::data, "disk.pth: damaged");
                         return value;
                       }});
  }
  const auto before = copy(mgca::state_dict(*model));
  mgca::test::expect_error([&] { mgca::load_state_dict(*model, offered); }, {"disk.pth: damaged"});
  CHECK(equal(before, mgca::state_dict(*model)));
  offered[1].name = offered[0].name;
  mgca::test::expect_error([&] { mgca::load_state_dict(*model, offered); }, {"'fc.weight' is offered twice"});
}

TEST_CASE("state_dict: numbers that are complex do not become real ones", "[tensor][fast]") {
  Small model({});
  auto dict = copy(mgca::state_dict(*model));
  const auto before = copy(dict);
  dict.back().value = dict.back().value.to(torch::kComplexFloat);
  mgca::test::expect_error([&] { mgca::load_state_dict(*model, dict); }, {"norm.num_batches_tracked", "Long here", "ComplexFloat there"});
  CHECK(equal(before, mgca::state_dict(*model)));
}
