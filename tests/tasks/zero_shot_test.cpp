#include "catch.hpp"
#include "expect_error.hpp"
#include "tiny_study.hpp"

#include <mgca/tasks/zero_shot.hpp>

using mgca::Embeddings;
using mgca::PromptEmbeddings;
using mgca::PromptEnsemble;
using mgca::PromptSet;
using mgca::PromptSimilarity;
using mgca::Tensor;
using mgca::Tokens;
using mgca::test::expect_error;

namespace {

// A text tower that can be read by eye: a sentence is its first word, and each of four words is an axis.
struct FirstWordModel : mgca::AlignmentModel {
  FirstWordModel() { register_parameter("weight", torch::zeros({1})); }
  Embeddings encode_image(const Tensor& images) override { return {.global = torch::eye(4).slice(0, 0, images.size(0))}; }
  Embeddings encode_text(const Tokens& tokens) override {
    const auto axes = torch::eye(4), none = torch::zeros({4, 4});
    const auto words = torch::cat({none, axes, none.slice(0, 0, 1)}).index_select(0, tokens.ids.flatten()).view({tokens.ids.size(0), -1, 4}).slice(1, 1);  // after [CLS]
    return {.global = words.select(1, 0), .local = words, .valid = words.abs().sum(2) > 0};
  }
  mgca::AlignmentLosses losses(const mgca::AlignmentInput&) override { return {}; }
  Tensor image_features(const Tensor& images) override { return images; }
  int64_t image_width() const override { return 4; }
  int64_t image_size() const override { return 0; }
  int64_t text_length() const override { return 6; }
  int64_t vocabulary() const override { return 9; }
  mgca::Profile profile() const override { return mgca::Profile::fixed; }
};

const mgca::WordPiece& four_words() {
  static const mgca::WordPiece tokenizer(mgca::Vocabulary({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "edema", "effusion", "no", "small", "[MASK]"}), {.length = 6});
  return tokenizer;
}

const PromptSet kPairs{{{.name = "Edema", .present = {"edema"}, .absent = {"no edema"}}, {.name = "Effusion", .present = {"effusion"}, .absent = {"no effusion"}}}};

}  // namespace

TEST_CASE("zero_shot: the score is the similarity with the finding less that with its negation", "[tasks][fast]") {
  FirstWordModel model;
  const PromptEmbeddings prompts(model, kPairs, four_words(), {});
  CHECK(prompts.names() == std::vector<std::string>{"Edema", "Effusion"});
  const Embeddings images{.global = torch::tensor({{0.6F, 0.0F, 0.8F, 0.0F}, {0.0F, 1.0F, 0.0F, 0.0F}})};
  CHECK(torch::allclose(prompts.scores(images), torch::tensor({{-0.2F, -0.8F}, {0.0F, 1.0F}})));
}

TEST_CASE("zero_shot: prompts are averaged to a unit vector, or the nearest counts", "[tasks][fast]") {
  FirstWordModel model;
  const PromptSet set{{{.name = "Fluid", .present = {"edema", "effusion"}, .absent = {}}}};
  const Embeddings images{.global = torch::tensor({{1.0F, 0.0F, 0.0F, 0.0F}})};
  CHECK(PromptEmbeddings(model, set, four_words(), {}).scores(images).sum().allclose(torch::tensor(std::sqrt(0.5F))));
  CHECK(PromptEmbeddings(model, set, four_words(), {.ensemble = PromptEnsemble::highest}).scores(images).sum().allclose(torch::tensor(1.0F)));
}

TEST_CASE("zero_shot: local similarity averages what each word finds among the patches", "[tasks][fast]") {
  FirstWordModel model;
  const PromptSet set{{{.name = "Edema", .present = {"small edema"}, .absent = {}}}};
  const PromptEmbeddings prompts(model, set, four_words(),
                                 {.ensemble = PromptEnsemble::highest, .similarity = PromptSimilarity::global_and_local, .temperature = 0.01});
  // Patches along "edema" and between: "edema" finds its own (1), "small" finds nothing but the other patch (0.6 on its axis).
  const Embeddings images{.global = torch::tensor({{0.0F, 0.0F, 0.0F, 1.0F}}),
                          .local = torch::tensor({{{1.0F, 0.0F, 0.0F, 0.0F}, {0.0F, 0.8F, 0.0F, 0.6F}}})};
  CHECK(prompts.scores(images).sum().allclose(torch::tensor((1.0F + (1.0F + 0.6F) / 2) / 2), 1e-4, 1e-4));
}

TEST_CASE("zero_shot: what does not fit is refused with the class", "[tasks][fast]") {
  FirstWordModel model;
  const auto embed = [&](const PromptSet& set, const mgca::ZeroShotOptions& options = {}) { (void)PromptEmbeddings(model, set, four_words(), options); };
  expect_error([&] { embed({{{.name = "Edema", .present = {"..."}, .absent = {}}}}); }, {"'Edema'", "no word"});
  expect_error([&] { embed(kPairs, {.similarity = PromptSimilarity::global_and_local}); }, {"ensemble to highest"});
  const mgca::test::TinyStudy study;
  auto tiny = mgca::test::tiny_model();
  const PromptEmbeddings unknown(*tiny, mgca::text::negation_prompts(std::vector<std::string>{"noodle"}), study.tokenizer, {});
  expect_error([&] { (void)mgca::tasks::zero_shot(*tiny, study.source, unknown); }, {"no label 'noodle'", "nodule"});
}

TEST_CASE("zero_shot: columns follow the prompts, labels with them, for any batch size, and the mode is restored", "[tasks][fast]") {
  const mgca::test::TinyStudy study;
  auto model = mgca::test::tiny_model();
  model->train();
  const PromptEmbeddings both(*model, mgca::text::negation_prompts(std::vector<std::string>{"pneumothorax", "nodule"}), study.tokenizer, {});
  const auto [scores, records] = mgca::tasks::zero_shot(*model, study.source, both, 7);
  const auto again = mgca::tasks::zero_shot(*model, study.source, both).scores;
  CHECK(model->is_training());
  CHECK((records.size() == 24 && records.front() == 0 && records.back() == 23));
  REQUIRE(scores.values.size() == 48);
  for (std::size_t i = 0; i < 48; ++i) CHECK(scores.values[i] == Approx(again.values[i]).margin(1e-5));
  for (int64_t i = 0; i < 24; ++i) {
    CHECK(scores.labels[static_cast<std::size_t>(2 * i)] == (study.studies.record(i).labels[4] == 1 ? 1 : 0));
    CHECK(scores.labels[static_cast<std::size_t>(2 * i + 1)] == (study.studies.record(i).labels[0] == 1 ? 1 : 0));
  }
}

TEST_CASE("zero_shot: standardised scores have mean 0 and deviation 1 in each class and keep its order", "[tasks][fast]") {
  const auto out = mgca::tasks::standardised({.values = {1, 5, 3, 5, 8, 5}, .labels = {}, .known = {}, .classes = 2});
  CHECK(out.values[0] + out.values[2] + out.values[4] == Approx(0).margin(1e-6));
  CHECK(out.values[0] * out.values[0] + out.values[2] * out.values[2] + out.values[4] * out.values[4] == Approx(3));
  CHECK((out.values[0] < out.values[2] && out.values[2] < out.values[4]));
  CHECK((out.values[1] == 0 && out.values[3] == 0 && out.values[5] == 0));  // a class that tells nothing apart
}
