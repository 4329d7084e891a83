// Several ranks against one process with the joined batch.
#include "rank_steps.hpp"
#include "expect_error.hpp"
#include "tiny_encoders.hpp"

#include <mgca/align/clip.hpp>
#include <mgca/align/convirt.hpp>
#include <mgca/align/gloria.hpp>
#include <mgca/align/moco.hpp>
#include <mgca/align/simclr.hpp>
#include <mgca/align/supervised.hpp>
#include <mgca/core/config.hpp>

#include <limits>
#include <optional>

namespace {

using mgca::AlignmentInput;
using mgca::Negatives;
using mgca::Profile;
using mgca::SinkhornScope;
using mgca::test::TinyImage;
using mgca::test::TinyMgca;
using mgca::test::TinyText;
using TinySimClrModel = mgca::SimClr<TinyImage>;
using TinyMocoModel = mgca::Moco<TinyImage>;
using NormedMocoModel = mgca::Moco<mgca::test::TinyNormedImage>;
using TinySupervisedModel = mgca::Supervised<TinyImage>;

// Six studies; the third and fourth report have no word, and the labels of some are not known.
AlignmentInput six_studies() {
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  return {.images = torch::randn({6, 3, 8, 8}, torch::kFloat64),
          .tokens = mgca::test::tiny_tokens({5, 3, 0, 0, 2, 4}),
          .second_images = torch::randn({6, 3, 8, 8}, torch::kFloat64),
          .labels = torch::tensor({{1.0, 0.0}, {unknown, unknown}, {unknown, 1.0}, {1.0, 1.0}, {0.0, unknown}, {unknown, unknown}}, torch::kFloat64)};
}

// Copies of one model in double precision, in training mode; with `still` its heads' batch norms use their running statistics.
template <class Model>
std::vector<std::shared_ptr<mgca::AlignmentModel>> copies(const typename Model::Config& config, std::size_t count, bool still) {
  std::vector<std::shared_ptr<mgca::AlignmentModel>> all;
  for (std::size_t i = 0; i < count; ++i) {
    Model model(config);
    mgca::test::to_double(*model);
    if (i > 0) mgca::load_state_dict(*model, mgca::state_dict(*all.front()));
    for (const auto& child : model->named_modules()) {
      if (still && child.key().ends_with("_embed")) child.value()->eval();
    }
    all.push_back(model.ptr());
  }
  return all;
}

// Every model with configurations that fit the small towers and gather what there is to gather.
template <class Claim>
void for_every_objective(Claim claim) {
  for (const bool learned : {true, false}) {
    claim.template operator()<TinyMgca>({.head_hidden = 10, .embedding = 8, .prototypes = 7, .learned_attention = learned});
  }
  claim.template operator()<TinyMgca>({.head_hidden = 10, .embedding = 8, .prototypes = 7, .sinkhorn_scope = SinkhornScope::global,
                                       .negatives = Negatives::gathered, .profile = Profile::official});
  claim.template operator()<mgca::ConVirt<TinyImage, TinyText>>({.head_hidden = 10, .embedding = 8});
  claim.template operator()<mgca::Gloria<TinyImage, TinyText>>({});
  claim.template operator()<mgca::Clip<TinyImage, TinyText>>({.embedding = 8});
  claim.template operator()<TinySimClrModel>({.embedding = 4});
}

// A group that nobody may use.
struct Forbidden : mgca::ProcessGroup {
  int64_t rank() const override { return 0; }
  int64_t size() const override { return 2; }
  mgca::Collective start_sum(const mgca::Tensor&) override { mgca::fail(mgca::ErrorKind::system, "a sum"); }
  mgca::Collective start_copy(const mgca::Tensor&, int64_t) override { mgca::fail(mgca::ErrorKind::system, "a copy"); }
  mgca::Collective start_gather(const mgca::Tensor&, const mgca::Tensor&) override { mgca::fail(mgca::ErrorKind::system, "a gather"); }
};

// A group that remembers how many numbers a rank gave to be gathered, call by call.
struct Recording : mgca::ProcessGroup {
  explicit Recording(mgca::ProcessGroup& real) : group(real) {}
  int64_t rank() const override { return group.rank(); }
  int64_t size() const override { return group.size(); }
  mgca::Collective start_sum(const mgca::Tensor& tensor) override { return group.start_sum(tensor); }
  mgca::Collective start_copy(const mgca::Tensor& tensor, int64_t from) override { return group.start_copy(tensor, from); }
  mgca::Collective start_gather(const mgca::Tensor& mine, const mgca::Tensor& all) override {
    gathered.push_back(mine.numel());
    return group.start_gather(mine, all);
  }
  mgca::ProcessGroup& group;
  std::vector<int64_t> gathered;
};

// Pictures in two views; nothing else is looked at.
AlignmentInput pictures(int64_t count) {
  return {.images = torch::randn({count, 3, 8, 8}, torch::kFloat64), .second_images = torch::randn({count, 3, 8, 8}, torch::kFloat64)};
}

template <class Config>
Config per_rank(Config config) {
  config.negatives = Negatives::per_rank;
  if constexpr (requires { config.sinkhorn_scope; }) config.sinkhorn_scope = SinkhornScope::per_rank;
  return config;
}

}  // namespace

TEST_CASE("ranks: with gathered negatives every loss, metric and gradient of two and three ranks is that of one process", "[align][fast]") {
  torch::manual_seed(1);
  const auto batch = six_studies();
  const auto claim = [&]<class Model>(const typename Model::Config& config) {
    for (const std::size_t world : {2, 3}) {
      INFO(world << " ranks: " << mgca::to_json_text(config));
      const auto models = copies<Model>(config, world + 1, /*still=*/true);
      const auto expected = mgca::test::train_steps(*models.front(), {batch});
      for (const auto& found : mgca::test::train_ranks({models.begin() + 1, models.end()}, {batch})) {
        const auto off = mgca::test::deviation(found, expected);
        INFO(off.where);
        CHECK(off.value < 1e-10);
        CHECK(off.metric < 1e-6);
        CHECK(off.gradient < 1e-10);
      }
    }
  };
  for_every_objective(claim);
  claim.operator()<TinyMocoModel>({.embedding = 4, .queue = 7});
  claim.operator()<TinySupervisedModel>({.classes = 2});
}

TEST_CASE("ranks: with their own negatives two ranks are two groups of one process, norms in training included", "[align][fast]") {
  torch::manual_seed(2);
  const std::vector<AlignmentInput> batches{six_studies(), six_studies()};
  for_every_objective([&]<class Model>(typename Model::Config config) {
    config = per_rank(config);
    const auto ranks = copies<Model>(config, 2, /*still=*/false);
    config.micro_group = 3;
    const auto groups = copies<Model>(config, 1, /*still=*/false).front();
    mgca::load_state_dict(*groups, mgca::state_dict(*ranks.front()));
    INFO(mgca::to_json_text(config));
    const auto off = mgca::test::deviation(mgca::test::train_ranks(ranks, batches).front(), mgca::test::train_steps(*groups, batches));
    INFO(off.where);
    CHECK(off.value < 1e-12);
    CHECK(off.metric < 1e-6);
    CHECK(off.gradient < 1e-10);
  });
}

TEST_CASE("ranks: who compares per rank, as the published profile does, or in groups, asks no other rank", "[align][fast]") {
  torch::manual_seed(3);
  Forbidden nobody;
  auto batch = six_studies();
  batch.peers = &nobody;
  for_every_objective([&]<class Model>(typename Model::Config config) {
    INFO(mgca::to_json_text(config));
    const auto losses_of = [&](const typename Model::Config& c) { return copies<Model>(c, 1, false).front()->losses(batch).total(); };
    mgca::test::expect_error([&] { (void)losses_of(config); }, {"a gather"});
    CHECK_NOTHROW(losses_of(per_rank(config)));
    if constexpr (requires { config.profile; }) {
      config.negatives = {};
      config.profile = Profile::official;
      if constexpr (requires { config.sinkhorn_scope; }) config.sinkhorn_scope = {};
      CHECK_NOTHROW(losses_of(config));
      config.profile = Profile::fixed;
    }
    for (const int64_t size : {3, 6}) {
      config.micro_group = size;
      CHECK_NOTHROW(losses_of(config));
    }
  });
}

TEST_CASE("ranks: balanced assignment is joined by itself, whoever the negatives are", "[align][fast]") {
  torch::manual_seed(4);
  const auto batch = six_studies();
  const auto values = [&](Negatives negatives, SinkhornScope scope) {
    torch::manual_seed(5);
    const auto models = copies<TinyMgca>({.head_hidden = 10, .embedding = 8, .prototypes = 7, .sinkhorn_scope = scope, .negatives = negatives}, 2, true);
    return mgca::test::train_ranks(models, {batch}).front().front().values;
  };
  auto both = values(Negatives::gathered, SinkhornScope::global), ita = values(Negatives::gathered, SinkhornScope::per_rank),
       cpa = values(Negatives::per_rank, SinkhornScope::global), none = values(Negatives::per_rank, SinkhornScope::per_rank);
  CHECK((both["ita"] == ita["ita"] && cpa["ita"] == none["ita"]));
  CHECK((both["cpa"] == cpa["cpa"] && ita["cpa"] == none["cpa"]));
  CHECK(std::abs(both["ita"] - none["ita"]) > 0.1);
  CHECK(std::abs(both["cpa"] - none["cpa"]) > 1e-3);
}

TEST_CASE("ranks: the keys of all enter the queue in order of ranks, batch after batch", "[align][fast]") {
  torch::manual_seed(6);
  const std::vector<AlignmentInput> batches{six_studies(), six_studies()};  // of one step
  const auto models = copies<TinyMocoModel>({.embedding = 4, .queue = 17}, 3, false);
  const auto step = [&](mgca::AlignmentModel& model, mgca::ProcessGroup* group) {
    for (const auto& batch : batches) {
      auto own = group == nullptr ? batch : mgca::align::rows(batch, 3 * group->rank(), 3);
      own.peers = group;
      (void)model.losses(own);
    }
    model.after_backward(0);
  };
  const auto before = models[2]->named_buffers()["queue"].clone();
  step(*models[2], nullptr);
  mgca::test::on_ranks(2, [&](mgca::ProcessGroup& group) { step(*models[static_cast<std::size_t>(group.rank())], &group); });
  for (const std::string name : {"queue", "queue_ptr"}) {
    const auto first = models[0]->named_buffers()[name], second = models[1]->named_buffers()[name];
    CHECK(torch::equal(first, second));
    CHECK(torch::allclose(first, models[2]->named_buffers()[name], 1e-12, 1e-14));
  }
  CHECK(models[0]->named_buffers()["queue_ptr"].item<int64_t>() == 12);
  CHECK((models[0]->named_buffers()["queue"] - before).abs().sum(1).gt(0).sum().item<int64_t>() == 12);
}

TEST_CASE("ranks: MoCo's keys meet other ranks' pictures in their norms, as in groups of one process", "[align][fast]") {
  torch::manual_seed(7);
  const std::vector<AlignmentInput> batches{pictures(12), pictures(12)};
  const NormedMocoModel::Config config{.embedding = 4, .queue = 30};
  const auto train = [&](int64_t world, int64_t micro_group) {
    auto own = config;
    own.micro_group = micro_group;
    torch::manual_seed(8);
    const auto models = copies<NormedMocoModel>(own, static_cast<std::size_t>(world), false);
    std::vector<std::vector<mgca::test::StepRecord>> steps;
    if (world == 1) steps.push_back(mgca::test::train_steps(*models.front(), batches));
    else steps = mgca::test::train_ranks(models, batches);
    return std::pair(std::move(steps), models);
  };
  struct Split {
    int64_t world, micro_group;  // 0: a rank's part is the group
    int64_t alone;               // the groups of one process
  };
  for (const auto& one : std::vector<Split>{{2, 0, 6}, {3, 0, 4}, {2, 3, 3}}) {
    INFO(one.world << " ranks in groups of " << one.micro_group);
    const auto alone = train(1, one.alone), ranks = train(one.world, one.micro_group);
    for (const auto& steps : ranks.first) {
      const auto off = mgca::test::deviation(steps, alone.first.front());
      INFO(off.where);
      CHECK(off.value < 1e-12);
      CHECK(off.metric < 1e-6);
      CHECK(off.gradient < 1e-10);
    }
    for (const auto& rank : ranks.second) {
      CHECK(torch::equal(rank->named_buffers()["queue"], ranks.second.front()->named_buffers()["queue"]));
      CHECK(torch::allclose(rank->named_buffers()["queue"], alone.second.front()->named_buffers()["queue"], 1e-10, 1e-12));
    }
  }
  const auto two = train(2, 0);
  CHECK(mgca::test::deviation(two.first.front(), train(1, 0).first.front()).value > 1e-3);
  mgca::test::on_ranks(2, [&](mgca::ProcessGroup& group) {  // a rank's own pictures alone would give other keys, each of them
    auto& model = *two.second[static_cast<std::size_t>(group.rank())]->as<mgca::MocoImpl<mgca::test::TinyNormedImage>>();
    auto own = mgca::align::rows(batches[0], 6 * group.rank(), 6);
    own.peers = &group;
    const auto first = model.queue.next.item<int64_t>() + 6 * group.rank();
    (void)model.losses(own);
    model.after_backward(0);
    const auto places = torch::arange(first, first + 6).remainder(30);
    const torch::NoGradGuard no_grad;
    const auto apart = (model.queue.keys.index_select(0, places) - model.img_encoder_k(own.second_images)).abs().amax(1).min().item<double>();
    mgca::test::require(apart > 1e-3, "a key is " + std::to_string(apart) + " from that of its own rank's statistics");
  });
  mgca::test::on_ranks(2, [&](mgca::ProcessGroup& group) {
    auto own = mgca::align::rows(batches[0], 6 * group.rank(), 6);
    own.peers = &group;
    NormedMocoModel uneven({.embedding = 4, .queue = 30, .micro_group = 4});
    mgca::test::require_error([&] { (void)uneven->losses(own); }, {"6 samples", "groups of 4", "micro_group must divide the part"});
  });
}

TEST_CASE("ranks: MoCo's pictures stay where they are without batch statistics and with those of all, and only keys travel", "[align][fast]") {
  torch::manual_seed(9);
  const auto batch = pictures(6);
  const auto travelled = [&]<class Model>(bool synchronised) {
    const auto models = copies<Model>({.embedding = 4, .queue = 17}, 2, false);
    std::vector<int64_t> numbers;
    mgca::test::on_ranks(2, [&](mgca::ProcessGroup& group) {
      Recording peers(group);
      auto& model = *models[static_cast<std::size_t>(group.rank())];
      if (synchronised) mgca::nn::synchronise_batch_norms(model, &group);
      auto own = mgca::align::rows(batch, 3 * group.rank(), 3);
      own.peers = &peers;
      (void)model.losses(own);
      if (group.rank() == 1) numbers = peers.gathered;
    });
    return numbers;
  };
  const std::vector<int64_t> keys{3 * 4};
  CHECK(travelled.operator()<TinyMocoModel>(false) == keys);
  CHECK(travelled.operator()<NormedMocoModel>(true) == keys);
  CHECK(travelled.operator()<NormedMocoModel>(false) == std::vector<int64_t>{3 * 3 * 8 * 8, 3 * 4});
}

TEST_CASE("ranks: groups and what reaches beyond them exclude each other", "[align][fast]") {
  mgca::test::expect_error([] { TinyMgca({.micro_group = 3, .negatives = Negatives::gathered}); }, {"mgca", "groups of 3", "gathered", "leave out micro_group"});
  mgca::test::expect_error([] { TinyMgca({.sinkhorn_scope = SinkhornScope::global, .micro_group = 3}); }, {"mgca", "groups of 3", "sinkhorn_scope"});
  mgca::test::expect_error([] { TinySimClrModel({.micro_group = -1}); }, {"simclr", "micro_group", "-1"});
  const auto config = mgca::from_json_text<TinyMgca::Config>(R"({"negatives": "gathered", "sinkhorn_scope": "per_rank"})", "config");
  CHECK(config.negatives == Negatives::gathered);
  CHECK(config.sinkhorn_scope == SinkhornScope::per_rank);
}
