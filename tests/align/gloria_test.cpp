#include "expect_error.hpp"
#include "tiny_encoders.hpp"
#include "trains.hpp"

#include <mgca/align/gloria.hpp>
#include <mgca/encoders/bert.hpp>

using mgca::test::tiny_tokens;
using TinyGloria = mgca::Gloria<mgca::test::TinyImage, mgca::test::TinyText>;

namespace {

mgca::AlignmentInput six_pairs() { return {.images = torch::randn({6, 3, 8, 8}), .tokens = tiny_tokens({5, 3, 1, 6, 2, 4})}; }

// Says that its words have other channels than its reports.
struct UnevenTextImpl : mgca::test::TinyTextImpl {
  using TinyTextImpl::TinyTextImpl;
  [[nodiscard]] int64_t local_width() const { return 3; }
};

}  // namespace

TEST_CASE("gloria: trains every parameter; the text tower has no heads", "[align][fast]") {
  torch::manual_seed(1);
  TinyGloria model({});
  mgca::test::expect_trains(*model, six_pairs(), 0.02);
  for (const auto& item : mgca::state_dict(*model)) {
    if (item.name.starts_with("text_encoder_q")) CHECK(item.name.starts_with("text_encoder_q.model."));
  }
  const auto text = model->encode_text(tiny_tokens({3, 0}));
  CHECK(torch::allclose(text.global.norm(2, {1}), torch::ones({2})));
  CHECK(text.local[1].eq(0).all().item<bool>());
}

TEST_CASE("gloria: with the published text tower the class token is a word", "[align][fast]") {
  torch::manual_seed(2);
  using Model = mgca::Gloria<mgca::test::TinyImage, mgca::Bert>;
  Model model({.text = {.vocabulary = 20, .length = 8, .width = 16, .depth = 2, .last_layers = 2, .summary = mgca::BertSummary::mean, .class_word = true,
                        .heads = 2, .intermediate = 16, .dropout = 0, .max_positions = 8, .token_types = true}});
  const auto text = model->encode_text(tiny_tokens({5, 0}));
  CHECK(text.local.sizes() == at::IntArrayRef({2, 8, 16}));
  CHECK(torch::equal(text.valid.sum(1), torch::tensor({6, 1}, torch::kLong)));
  auto batch = six_pairs();
  const auto losses = model->losses(batch);
  REQUIRE(losses.terms.size() == 2);
  CHECK(losses.total().isfinite().item<bool>());
  mgca::test::expect_gradients(*model, losses.total(), {"key.bias"});  // a shift of all scores of a query
}

TEST_CASE("gloria: a weight of 0 skips its level", "[align][fast]") {
  torch::manual_seed(3);
  for (const bool whole : {true, false}) {
    TinyGloria model({.global_weight = whole ? 2.0 : 0.0, .local_weight = whole ? 0.0 : 2.0});
    const auto losses = model->losses(six_pairs());
    REQUIRE(losses.terms.size() == 1);
    CHECK(losses.terms[0].name == (whole ? "global" : "local"));
    CHECK(losses.total().item<double>() == Approx(2 * losses.terms[0].value.item<double>()));
    losses.total().backward();
    CHECK(model->img_encoder_q->local_embed->weight.grad().defined() == !whole);
    CHECK(model->img_encoder_q->global_embed->weight.grad().defined() == whole);
  }
}

TEST_CASE("gloria: batches of one and without words have finite losses and gradients", "[align][fast]") {
  torch::manual_seed(4);
  for (const auto& words : {std::vector<int64_t>{3}, {0}, {0, 0, 0}, {0, 4}}) {
    TinyGloria model({});
    const auto total = model->losses(torch::randn({static_cast<int64_t>(words.size()), 3, 8, 8}), tiny_tokens(words)).total();
    total.backward();
    CHECK(total.isfinite().item<bool>());
    for (const auto& p : model->parameters()) CHECK(p.grad().isfinite().all().item<bool>());
  }
}

TEST_CASE("gloria: a text tower of two widths and settings that make no sense are refused", "[align][fast]") {
  mgca::test::expect_error([] { (mgca::Gloria<mgca::test::TinyImage, mgca::Handle<UnevenTextImpl>>({})); }, {"gloria", "5 and 3"});
  mgca::test::expect_error([] { TinyGloria({.word_scale = -1}); }, {"gloria", "scales", "-1"});
  mgca::test::expect_error([] { TinyGloria({.global_weight = 0, .local_weight = 0}); }, {"gloria", "not both 0"});
}
