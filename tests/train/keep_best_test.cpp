#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/train/hooks/keep_best.hpp>

#include <limits>

using mgca::test::Scratch;

namespace {

struct Setting {
  Scratch scratch;
  torch::nn::Linear net{2, 1};
  mgca::KeepBest keep;

  explicit Setting(mgca::Better better = mgca::Better::smaller)
      : keep(*net, {.path = scratch / "best.safetensors", .monitor = "score", .better = better, .metadata = {{"model", "toy"}}}) {}

  void epoch(int64_t number, double score) {
    {
      const torch::NoGradGuard no_grad;
      net->weight.fill_(static_cast<double>(number));
    }
    mgca::Values values{{"score", score}};
    keep.after_epoch({.epoch = number}, values);
  }
  // The epoch whose weights are on disk.
  [[nodiscard]] int64_t kept() const {
    const auto weights = mgca::read_weights(scratch / "best.safetensors");
    CHECK(weights.metadata.at("model") == "toy");
    return static_cast<int64_t>(weights.tensors.at(0).value[0][0].item<float>());
  }
};

}  // namespace

TEST_CASE("keep_best: the file holds the weights of the best epoch, in either direction; equal is not better", "[train][fast]") {
  for (const auto better : {mgca::Better::smaller, mgca::Better::larger}) {
    const double sign = better == mgca::Better::smaller ? 1 : -1;
    Setting s(better);
    int64_t number = 1;
    for (const double score : {3., 1., 1., 2.}) s.epoch(number++, sign * score);
    CHECK(s.kept() == 2);
    CHECK(s.keep.epoch() == 2);
    CHECK(*s.keep.best() == sign);
  }
}

TEST_CASE("keep_best: an epoch whose value is no number is never written", "[train][fast]") {
  Setting s;
  s.epoch(1, std::numeric_limits<double>::quiet_NaN());
  s.epoch(2, -std::numeric_limits<double>::infinity());
  CHECK_FALSE(std::filesystem::exists(s.scratch / "best.safetensors"));
  s.epoch(3, 5);
  s.epoch(4, std::numeric_limits<double>::quiet_NaN());
  CHECK(s.kept() == 3);
}

TEST_CASE("keep_best: a name that does not exist is refused with those that do", "[train][fast]") {
  Setting s;
  mgca::Values values{{"loss", 1.0}};
  mgca::test::expect_error([&] { s.keep.after_epoch({}, values); }, {"score", "known: loss"});
}

TEST_CASE("keep_best: a file that cannot be written is named, and the epoch does not count as kept", "[train][fast]") {
  torch::nn::Linear net(2, 1);
  const Scratch scratch;
  mgca::KeepBest keep(*net, {.path = scratch / "missing" / "best.safetensors", .monitor = "score"});
  mgca::Values values{{"score", 1.0}};
  mgca::test::expect_error([&] { keep.after_epoch({}, values); }, {"missing", "best.safetensors"});
  CHECK_FALSE(keep.best().has_value());
}
