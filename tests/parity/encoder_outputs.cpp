// encoder_outputs vit|resnet|densenet|bert WEIGHTS INPUTS.safetensors OUT.safetensors OURS.safetensors [KEY=VALUE ...]
// Loads a file of weights of any dialect into one encoder, every tensor required, runs it on INPUTS and writes
// what came out to OUT and the encoder's weights under our names to OURS (mgca convert makes other dialects of that).
// INPUTS of an image encoder: images (B, 3, S, S) float32; OUT: global, local. INPUTS of bert: ids, mask (B, T) int64;
// OUT: hidden.0 (embeddings) to hidden.DEPTH (B, T, D).
#include <mgca/catalog/dialects.hpp>
#include <mgca/core/config.hpp>
#include <mgca/encoders/bert.hpp>
#include <mgca/encoders/densenet.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/encoders/vit.hpp>
#include <mgca/tensor/weights_file.hpp>

#include <iostream>

namespace {

using mgca::StateDict, mgca::Tensor;

Tensor named(const StateDict& tensors, const std::string& name) {
  for (const auto& one : tensors) {
    if (one.name == name) return one.value;
  }
  mgca::fail(mgca::ErrorKind::data, "inputs: no tensor '", name, "'");
}

StateDict outputs(mgca::BertImpl& bert, const StateDict& inputs) {
  StateDict out;
  for (const auto& state : bert.layers({.ids = named(inputs, "ids"), .mask = named(inputs, "mask"), .word_slot = {}, .words = {}}).hidden) {
    out.push_back({"hidden." + std::to_string(out.size()), state});
  }
  return out;
}

StateDict outputs(auto& image_encoder, const StateDict& inputs) {
  const auto features = image_encoder.forward(named(inputs, "images"));
  return {{"global", features.global}, {"local", features.local}};
}

template <class Encoder>
void run(const std::string& trunk, const std::vector<std::string>& arguments) {
  typename Encoder::Config config;
  mgca::apply_overrides(config, {arguments.begin() + 5, arguments.end()});
  Encoder encoder(config);
  const auto file = mgca::io::WeightFile::open(arguments[1]);
  std::vector<std::string> names;
  for (const auto& info : file.tensors()) names.push_back(info.name);
  const auto& dialect = mgca::detect_dialect(names, arguments[1]);
  const auto translation = mgca::translate(names, dialect, arguments[1]);
  std::vector<mgca::OfferedTensor> offers;
  bool has_position_ids = false;
  for (const auto& one : translation.kept) {
    offers.push_back(mgca::offered(file, file.tensors()[one.index]));
    offers.back().name = one.name.substr(trunk.size());
    has_position_ids |= one.name.ends_with(".position_ids");
  }
  if (trunk.starts_with("text") && !has_position_ids) {  // 0, 1, 2, ...: files of newer releases do without
    const auto rows = mgca::state_dict(encoder);
    for (const auto& one : rows) {
      if (one.name.ends_with("position_ids")) offers.push_back({one.name, one.value.sizes().vec(), [value = one.value.clone()] { return value; }});
    }
  }
  (void)mgca::load_state_dict(encoder, offers);
  encoder.eval();
  const torch::NoGradGuard no_grad;
  mgca::write_weights(arguments[3], {.tensors = outputs(encoder, mgca::read_weights(arguments[2]).tensors), .metadata = {}});
  mgca::write_weights(arguments[4], {.tensors = mgca::state_dict(encoder, trunk), .metadata = {}});
  std::cout << arguments[1] << ": " << dialect.name << ", " << offers.size() << " tensors loaded, " << translation.left_out.size() << " left out\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() < 5) mgca::fail(mgca::ErrorKind::argument, "usage: vit|resnet|densenet|bert WEIGHTS INPUTS OUT OURS [KEY=VALUE ...]");
    if (arguments[0] == "vit") run<mgca::VitImpl>("img_encoder_q.model.", arguments);
    else if (arguments[0] == "resnet") run<mgca::ResNetImpl>("img_encoder_q.model.", arguments);
    else if (arguments[0] == "densenet") run<mgca::DenseNetImpl>("img_encoder_q.model.", arguments);
    else if (arguments[0] == "bert") run<mgca::BertImpl>("text_encoder_q.model.", arguments);
    else mgca::fail(mgca::ErrorKind::argument, "unknown encoder '", arguments[0], "'; expected vit, resnet, densenet or bert");
  } catch (const std::exception& error) {
    std::cerr << "encoder_outputs: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
