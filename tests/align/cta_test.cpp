#include "align_golden.hpp"
#include "gradient_check.hpp"

using mgca::test::Golden;

namespace {

void check_branch(const Golden& golden, const std::string& branch, const mgca::CtaBranch& actual,
                  const mgca::Tensor& present) {  // (B, L) where the reference stores values
  const auto of = [&](const char* name) { return "cta." + branch + "." + name; };
  const auto both = present.unsqueeze(1).logical_and(present.unsqueeze(2));
  if (actual.attention.defined()) {
    golden.check(of("attention"), actual.attention.masked_fill(present.logical_not().unsqueeze(2), 0));
  }
  golden.check(of("out"), actual.attended);
  golden.check(of("sim"), actual.contrast.similarity.masked_fill(both.logical_not(), 0));
  golden.check(of("ce_row"), actual.contrast.row.masked_fill(present.logical_not(), 0));
  golden.check(of("ce_col"), actual.contrast.column.masked_fill(present.logical_not(), 0));
  golden.check(of("weights"), actual.weights);
  golden.check(of("loss"), actual.loss);
}

// Embeddings of B pairs; report b has counts[b] words in `slots` slots.
struct Random {
  mgca::Embeddings image, text;
  Random(std::vector<int64_t> counts, int64_t slots) {
    const auto B = static_cast<int64_t>(counts.size());
    const auto options = torch::TensorOptions(torch::kFloat64);
    text.valid = torch::arange(slots).unsqueeze(0).lt(torch::tensor(counts).view({B, 1}));
    image.local = mgca::ops::unit(torch::randn({B, 6, 4}, options));
    image.attention = torch::rand({B, 6}, options);
    text.local =
        mgca::ops::unit(torch::randn({B, slots, 4}, options)).masked_fill(text.valid.logical_not().unsqueeze(2), 0);
    text.attention = torch::rand({B, slots}, options).masked_fill(text.valid.logical_not(), 0);
  }
};

mgca::Cta small_cta(mgca::LocalAttention attention) {
  mgca::Cta cta({.width = 4, .attention = attention, .heads = attention == mgca::LocalAttention::learned ? 2 : 1});
  cta->to(torch::kFloat64);
  return cta;
}

}  // namespace

TEST_CASE("cta: every intermediate of both branches equals the reference", "[align][golden][fast]") {
  for (const std::string name : {"mgca_vit_eval", "mgca_vit_mha2", "mgca_vit_oneway", "mgca_fixed_vit_eval"}) {
    INFO(name);
    const Golden golden(name);
    const mgca::test::StoredEmbeddings stored(golden);
    auto cta = mgca::test::golden_cta(golden);
    const auto out = cta(stored.image, stored.text);
    const bool fixed = mgca::test::profile_of(golden) == mgca::Profile::fixed;
    const auto words = fixed ? stored.text.valid : torch::ones_like(stored.text.valid);
    check_branch(golden, "word", out.words, words);
    if (golden.config["model"]["bidirectional"]) {
      const auto patches = words.any(1, true).expand({words.size(0), stored.image.local.size(1)});
      check_branch(golden, "patch", out.patches, patches);
    }
    golden.check("cta.loss", out.loss);
  }
}

TEST_CASE("cta: the reference's gradients arrive at the embeddings and the learned attention",
          "[align][golden][fast]") {
  for (const std::string name : {"mgca_vit_eval", "mgca_vit_mha2", "mgca_vit_oneway", "mgca_fixed_vit_eval"}) {
    INFO(name);
    const Golden golden(name);
    const mgca::test::StoredEmbeddings stored(golden);
    const auto& model = golden.config["model"];
    auto cta = mgca::test::golden_cta(golden);
    (cta(stored.image, stored.text).loss * model["lambda_2"].get<double>()).backward();
    golden.check("grad_of.image.local", stored.image.local.grad());
    golden.check("grad_of.text.local", stored.text.local.grad());
    for (const auto& item : cta->named_parameters()) {
      INFO(item.key());
      CHECK(item.value().grad().defined() == model["use_local_atten"].get<bool>());
      if (item.value().grad().defined()) golden.check("grad." + item.key(), item.value().grad());
    }
  }
}

TEST_CASE("cta: padding changes nothing", "[align][fast]") {
  torch::manual_seed(1);
  for (const auto attention : {mgca::LocalAttention::dot, mgca::LocalAttention::learned}) {
    const Random few({4, 2, 0, 1}, 4);
    auto padded = few;
    padded.text.valid = torch::constant_pad_nd(few.text.valid, {0, 3});
    padded.text.local = torch::constant_pad_nd(few.text.local, {0, 0, 0, 3});
    padded.text.attention = torch::constant_pad_nd(few.text.attention, {0, 3});
    auto cta = small_cta(attention);
    CHECK(torch::allclose(cta(few.image, few.text).loss, cta(padded.image, padded.text).loss, 1e-12, 1e-12));
  }
}

TEST_CASE("cta: reports without words are left out of the mean", "[align][fast]") {
  torch::manual_seed(2);
  const Random all({3, 0, 2}, 4);
  const auto kept = torch::tensor({0, 2});
  const auto take = [&](const mgca::Embeddings& side) {
    return mgca::Embeddings{.local = side.local.index_select(0, kept),
                            .attention = side.attention.index_select(0, kept),
                            .valid = side.valid.defined() ? side.valid.index_select(0, kept) : mgca::Tensor()};
  };
  for (const auto attention : {mgca::LocalAttention::dot, mgca::LocalAttention::learned}) {
    auto cta = small_cta(attention);
    CHECK(torch::allclose(cta(all.image, all.text).loss, cta(take(all.image), take(all.text)).loss, 1e-12, 1e-12));
  }
}

TEST_CASE("cta: a batch without any word has loss zero and finite gradients", "[align][fast]") {
  torch::manual_seed(3);
  for (const auto attention : {mgca::LocalAttention::dot, mgca::LocalAttention::learned}) {
    for (const auto profile : {mgca::Profile::official, mgca::Profile::fixed}) {
      Random none({0, 0}, 4);
      none.image.local.set_requires_grad(true);
      none.text.local.set_requires_grad(true);
      mgca::Cta cta({.width = 4, .attention = attention, .profile = profile});
      cta->to(torch::kFloat64);
      const auto loss = cta(none.image, none.text).loss;
      loss.backward();
      CHECK(std::isfinite(loss.item<double>()));
      if (profile == mgca::Profile::fixed) CHECK(loss.item<double>() == 0);
      CHECK(none.image.local.grad().isfinite().all().item<bool>());
      CHECK(none.text.local.grad().isfinite().all().item<bool>());
    }
  }
}

TEST_CASE("cta: gradients agree with differences", "[align][fast]") {
  torch::manual_seed(4);
  for (const auto attention : {mgca::LocalAttention::dot, mgca::LocalAttention::learned}) {
    const Random random({3, 0, 1}, 3);
    auto cta = small_cta(attention);
    mgca::test::check_gradients(
        [&](const auto& in) {
          auto image = random.image;
          auto text = random.text;
          image.local = mgca::ops::unit(in[0]);
          text.local = in[1].masked_fill(text.valid.logical_not().unsqueeze(2), 0);
          return cta(image, text).loss;
        },
        {torch::randn({3, 6, 4}, torch::kFloat64), random.text.local});
  }
}

TEST_CASE("cta: a convolutional tower has uniform patch weights and normalised mixtures in both profiles",
          "[align][fast]") {
  torch::manual_seed(5);
  for (const auto profile : {mgca::Profile::official, mgca::Profile::fixed}) {
    Random random({3, 2}, 3);
    random.image.attention = mgca::Tensor();
    mgca::Cta cta({.width = 4, .attention = mgca::LocalAttention::dot, .profile = profile});
    const auto out = cta(random.image, random.text);
    CHECK(torch::allclose(out.patches.weights, torch::full({2, 6}, 1.0 / 6, torch::kFloat64)));
    CHECK(torch::allclose(out.patches.attended.norm(2, -1), torch::ones({2, 6}, torch::kFloat64)));
  }
}
