// An image tower of your own: four members, no base class of ours, no change to the library.
#include <mgca/align/mgca.hpp>
#include <mgca/encoders/bert.hpp>

#include <iostream>

struct PlainCnnConfig {
  int64_t image_size = 32;  // pixels, square
  int64_t width = 16;       // channels
  static void describe(auto& self, auto&& field) {
    field("image_size", self.image_size, "side of the square input, pixels");
    field("width", self.width, "channels");
  }
  void validate() const { MGCA_CHECK(width > 0, "plain_cnn: width must be positive, got ", width); }
};

struct PlainCnnImpl : torch::nn::Module {
  using Config = PlainCnnConfig;
  explicit PlainCnnImpl(const Config& c) : config(c), conv(register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, c.width, 4).stride(4)))) {}
  mgca::Features forward(const mgca::Tensor& images) {
    const auto map = torch::relu(conv(images));  // (B, D, S/4, S/4)
    return {.global = map.mean({2, 3}), .local = map.flatten(2).transpose(1, 2)};
  }
  [[nodiscard]] int64_t global_width() const { return config.width; }
  [[nodiscard]] int64_t local_width() const { return config.width; }
  Config config;
  torch::nn::Conv2d conv;
};
using PlainCnn = mgca::Handle<PlainCnnImpl>;

int main() {
  torch::manual_seed(0);
  using Model = mgca::Mgca<PlainCnn, mgca::Bert>;
  Model model({.image = {.width = 24}, .text = {.vocabulary = 50, .length = 8, .width = 16, .depth = 1, .heads = 2, .intermediate = 32},
               .head_hidden = 32, .embedding = 16, .prototypes = 8});
  const auto ids = torch::randint(5, 50, {4, 8}, torch::kLong), slots = torch::arange(-1, 7).expand({4, 8}).contiguous();
  const mgca::Tokens tokens{.ids = ids, .mask = torch::ones_like(ids), .word_slot = slots, .words = torch::full({4}, 7, torch::kLong)};
  const auto losses = model->losses(torch::randn({4, 3, 32, 32}), tokens);
  losses.total().backward();
  for (const auto& term : losses.terms) std::cout << term.name << ' ' << term.value.item<float>() << '\n';
  std::cout << "ok: a loss of " << losses.total().item<float>() << " through a tower the library has never seen\n";
}
