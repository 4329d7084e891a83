#include "expect_error.hpp"
#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/nn/projection.hpp>

using mgca::test::Golden;

namespace {

template <class Head>
Head golden_head(const Golden& golden, const std::string& name, int64_t in) {
  Head head({.in = in, .hidden = golden.config["model"]["head_hidden"], .out = golden.config["model"]["emb_dim"]});
  mgca::test::fill_by_formula(*head, name, golden.config["weights"]["seed"]);
  head->train(golden.config["mode"] == "train");
  return head;
}

}  // namespace

TEST_CASE("projection: all four heads equal the reference, in evaluation and in training", "[nn][golden][fast]") {
  for (const std::string name : {"mgca_vit_eval", "mgca_vit_mha2"}) {
    const Golden golden(name);
    INFO(name);
    const auto run = [&]<class Head>(const Head&, const std::string& input, const std::string& head, const std::string& output) {
      const auto& x = golden.expected.at(input);
      auto module = golden_head<Head>(golden, head, x.size(-1));
      golden.check(output, module(x));
      for (const auto& item : module->named_buffers()) {
        const auto key = "after_forward." + head + item.key();
        if (golden.expected.count(key)) golden.check(key, item.value());
      }
    };
    run(mgca::GlobalProjection(nullptr), "image.cls", "img_encoder_q.global_embed.", "image.global_pre");
    run(mgca::LocalProjection(nullptr), "image.patch_tokens", "img_encoder_q.local_embed.", "image.local_pre");
    run(mgca::GlobalProjection(nullptr), "text.report_feat", "text_encoder_q.global_embed.", "text.global_pre");
    run(mgca::LocalProjection(nullptr), "text.word_feat", "text_encoder_q.local_embed.", "text.local_pre");
  }
}

TEST_CASE("projection: the gradient reaches every parameter", "[nn][fast]") {
  const std::vector<std::string> without{"head.0.bias", "head.3.bias"};  // a norm follows and takes any constant away
  mgca::GlobalProjection global({.in = 6, .hidden = 8, .out = 4});
  const auto y = global(torch::randn({5, 6}));
  CHECK(y.sizes() == at::IntArrayRef({5, 4}));
  mgca::test::expect_gradients(*global, mgca::test::projected(y), without);
  mgca::LocalProjection local({.in = 6, .hidden = 8, .out = 4});
  const auto z = local(torch::randn({5, 7, 6}));
  CHECK(z.sizes() == at::IntArrayRef({5, 7, 4}));
  mgca::test::expect_gradients(*local, mgca::test::projected(z), without);
}

TEST_CASE("projection: invalid slots come out as zero and send back no gradient", "[nn][fast]") {
  mgca::LocalProjection head({.in = 6, .hidden = 8, .out = 4});
  auto x = torch::randn({2, 3, 6}, torch::requires_grad());
  const auto valid = torch::tensor({{1, 1, 0}, {1, 0, 0}}, torch::kBool);
  const auto y = head(x, valid);
  CHECK(y.sizes() == at::IntArrayRef({2, 3, 4}));
  CHECK(y[0][2].abs().max().item<float>() == 0);
  mgca::test::projected(y).backward();
  CHECK(x.grad()[0][2].abs().max().item<float>() == 0);
  CHECK(x.grad()[0][0].abs().max().item<float>() > 0);
}

TEST_CASE("projection: keys and counts are the published ones", "[nn][fast]") {
  mgca::GlobalProjection head({.in = 768});
  int64_t count = 0;
  for (const auto& item : head->named_parameters()) count += item.value().numel();
  CHECK(count == 1841280);
  CHECK(head->named_parameters().contains("head.0.weight"));
  CHECK(head->named_parameters().contains("head.3.bias"));
  CHECK(head->named_buffers().contains("head.4.running_mean"));
  CHECK_FALSE(head->named_parameters().contains("head.4.weight"));
  mgca::LocalProjection local({.in = 1024});
  CHECK(local->named_parameters()["head.0.weight"].sizes() == at::IntArrayRef({2048, 1024, 1}));
}

TEST_CASE("projection: features of another width are refused with the remedy", "[nn][fast]") {
  mgca::GlobalProjection head({.in = 6, .hidden = 8, .out = 4});
  mgca::test::expect_error([&] { (void)head(torch::zeros({2, 5})); }, {"(..., 6)", "[2, 5]", "in"});
}
