#include "expect_error.hpp"
#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/ops/word_pool.hpp>

#include <fstream>
#include <string>
#include <vector>

using mgca::Tensor;
using mgca::test::random_tensor;
namespace ops = mgca::ops;

namespace {

std::vector<std::string> vocabulary() {
  std::ifstream file(std::filesystem::path(MGCA_TESTS_DIR) / ".." / "examples" / "data" / "vocab" / "bert-base-cased-vocab.txt");
  std::vector<std::string> pieces;
  for (std::string line; std::getline(file, line);) pieces.push_back(line);
  REQUIRE(pieces.size() == 28996);
  return pieces;
}

// The published scan, written out: tokens 1 .. T - 2, [SEP] a word of its own and the end, a word left open is lost.
Tensor published_slots(const Tensor& ids) {
  const auto pieces = vocabulary();
  auto slots = torch::full_like(ids, -1);
  for (int64_t b = 0; b < ids.size(0); ++b) {
    int64_t word = -1;
    bool closed = false;
    for (int64_t i = 1; i < ids.size(1) - 1 && !closed; ++i) {
      const auto& piece = pieces[static_cast<std::size_t>(ids[b][i].item<int64_t>())];
      if (!piece.starts_with("##")) ++word;
      slots[b][i] = word;
      closed = piece == "[SEP]";
    }
    if (!closed) slots[b].masked_fill_(slots[b] == word, -1);
  }
  return slots;
}

}  // namespace

TEST_CASE("word_pool: words equal the reference", "[ops][golden][fast]") {
  const mgca::test::Golden golden("mgca_vit_eval");
  golden.check("text.word_feat", ops::word_pool(golden.expected.at("text.hidden.2"), published_slots(golden.batch.at("caption_ids"))));
}

TEST_CASE("word_pool: sums per slot, nothing for tokens without one", "[ops][fast]") {
  const auto pieces = random_tensor({1, 5, 2}, 12);
  const auto slots = torch::tensor({{-1, 0, 0, 2, -1}}, torch::kLong);
  const auto words = ops::word_pool(pieces, slots);
  CHECK(words.sizes() == at::IntArrayRef({1, 4, 2}));
  CHECK(torch::allclose(words[0][0], pieces[0][1] + pieces[0][2]));
  CHECK(words[0][1].abs().sum().item<double>() == 0);
  CHECK(torch::allclose(words[0][2], pieces[0][3]));
  CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return ops::word_pool(x, slots).square().sum(); }, pieces));
}

TEST_CASE("word_pool: shapes that do not fit are refused", "[ops][fast]") {
  mgca::test::expect_error([] { (void)ops::word_pool(torch::zeros({1, 5, 2}), torch::zeros({1, 4}, torch::kLong)); }, {"[1, 5, 2]", "[1, 4]"});
  mgca::test::expect_error([] { (void)ops::word_pool(torch::zeros({1, 5}), torch::zeros({1, 5}, torch::kLong)); }, {"(B, T, D)", "[1, 5]"});
}
