#include "expect_error.hpp"
#include "host_reads.hpp"
#include "tiny_encoders.hpp"

#include <mgca/align/simclr.hpp>
#include <mgca/core/config.hpp>

using TinySimClr = mgca::SimClr<mgca::test::TinyImage>;

TEST_CASE("simclr: the loss is NT-Xent of both views' embeddings, its gradient reaches every parameter, nothing waits", "[align][fast]") {
  torch::manual_seed(2);
  TinySimClr model({.embedding = 4, .temperature = 0.5});
  CHECK(model->needs().views == 2);
  const mgca::AlignmentInput batch{.images = torch::randn({4, 3, 8, 8}), .second_images = torch::randn({4, 3, 8, 8})};
  mgca::AlignmentLosses losses;
  {
    const mgca::test::HostReads watch;
    losses = model->losses(batch);
    losses.total().backward();
    CHECK(mgca::test::HostReads::reads() == std::multiset<std::string>{});
  }
  const auto first = model->encode_image(batch.images).global, second = model->encode_image(batch.second_images).global;
  CHECK(losses.total().item<double>() == Approx(mgca::ops::nt_xent(first, second, 0.5).value().item<double>()).epsilon(1e-5));
  CHECK(losses.metrics[0].value.item<float>() == Approx(mgca::ops::pairing_accuracy(first.mm(second.t()), 1).item<float>()));
  for (const auto& item : model->named_parameters()) {
    INFO(item.key());
    CHECK(item.value().grad().abs().max().item<float>() > 0);
  }
}

TEST_CASE("simclr: two views of one picture cost nothing, a missing second view and settings without sense are refused", "[align][fast]") {
  TinySimClr model({.embedding = 4});
  const auto images = torch::randn({1, 3, 8, 8});
  CHECK(model->losses({.images = images, .second_images = images}).total().item<double>() == Approx(0).margin(1e-6));
  mgca::test::expect_error([&] { (void)model->losses({.images = images}); }, {"two views", "[1, 3, 8, 8]"});
  mgca::test::expect_error([&] { (void)model->losses({.images = images, .second_images = torch::randn({2, 3, 8, 8})}); }, {"[2, 3, 8, 8]"});
  mgca::test::expect_error([] { TinySimClr({.temperature = 0}); }, {"temperature", "0"});
  const TinySimClr::Config config{.temperature = 0.3};
  CHECK(mgca::differences(mgca::from_json_text<TinySimClr::Config>(mgca::to_json_text(config), "config"), config).empty());
}
