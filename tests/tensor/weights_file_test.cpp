#include "expect_error.hpp"
#include "paths.hpp"
#include "small_module.hpp"

#include <mgca/tensor/weights_file.hpp>

#include <algorithm>

using mgca::test::equal;
using mgca::test::Small;

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
                          torch::kBFloat16, torch::kFloat32, torch::kFloat64, torch::kUInt16, torch::kUInt32, torch::kUInt64}) {
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

TEST_CASE("weights_file: tensors that no file can hold are refused by type", "[tensor][fast]") {
  const mgca::test::Scratch scratch;
  mgca::test::expect_error([&] { mgca::write_weights(scratch / "c.safetensors", {{{"wave", torch::zeros({2}, torch::kComplexFloat)}}, {}}); }, {"ComplexFloat"});
  CHECK_FALSE(std::filesystem::exists(scratch / "c.safetensors"));
}

TEST_CASE("weights_file: a view is written as what it shows, and read into memory of its own", "[tensor][fast]") {
  const mgca::test::Scratch scratch;
  const auto whole = torch::arange(12, torch::kFloat32).view({3, 4});
  mgca::write_weights(scratch / "view.safetensors", {{{"turned", whole.t()}, {"middle", whole[1]}}, {}});
  const auto found = mgca::read_weights(scratch / "view.safetensors").tensors;
  for (const auto& [name, value] : found) {
    CHECK(value.is_contiguous());
    CHECK(torch::equal(value, name == "turned" ? whole.t() : whole[1]));
  }
}

TEST_CASE("weights_file: a module is filled from a file of torch as from one of safetensors, tensor by tensor", "[tensor][fast]") {
  const auto folder = mgca::test::golden_dir() / "io_tiny";
  const auto torch_file = mgca::read_weights(folder / "state_dict_legacy.pth"), safe = mgca::read_weights(folder / "weights.safetensors");
  std::map<std::string, mgca::Tensor> by_name;
  for (const auto& [name, value] : safe.tensors) by_name.emplace(name, value);
  CHECK(torch_file.tensors.size() == by_name.size());
  for (const auto& [name, value] : torch_file.tensors) {
    INFO(name);
    REQUIRE(by_name.contains(name));
    CHECK(torch::equal(value, by_name.at(name)));
  }
}

TEST_CASE("weights_file: a module is filled straight from a file, and a file that does not fit changes nothing", "[tensor][fast]") {
  const mgca::test::Scratch scratch;
  Small model({}), other({}), wide({.width = 5});
  mgca::write_weights(scratch / "a.safetensors", {mgca::state_dict(*other), {}});
  mgca::write_weights(scratch / "b.safetensors", {mgca::state_dict(*wide), {}});
  const auto before = mgca::test::copy(mgca::state_dict(*model));
  const auto wrong = mgca::io::WeightFile::open(scratch / "b.safetensors");
  mgca::test::expect_error([&] { mgca::load_state_dict(*model, wrong); }, {"shape of fc.weight: expected [3, 2], found [5, 2]"});
  CHECK(equal(before, mgca::state_dict(*model)));
  const auto right = mgca::io::WeightFile::open(scratch / "a.safetensors");
  CHECK(mgca::load_state_dict(*model, right).complete());
  CHECK(equal(mgca::state_dict(*other), mgca::state_dict(*model)));
}
