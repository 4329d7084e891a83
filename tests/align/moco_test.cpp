#include "expect_error.hpp"
#include "host_reads.hpp"
#include "tiny_encoders.hpp"

#include <mgca/align/moco.hpp>
#include <mgca/core/config.hpp>
#include <mgca/train/optimizer.hpp>

using mgca::Tensor;
using TinyMoco = mgca::Moco<mgca::test::TinyImage>;
using NormedMoco = mgca::Moco<mgca::test::TinyNormedImage>;

namespace {

TinyMoco tiny_moco(int64_t queue = 7, double momentum = 0.9) {
  torch::manual_seed(5);
  return TinyMoco({.embedding = 4, .momentum = momentum, .queue = queue});
}
mgca::AlignmentInput two_views(int64_t B) {
  return {.images = torch::randn({B, 3, 8, 8}), .second_images = torch::randn({B, 3, 8, 8})};
}
int64_t place(const mgca::KeyQueue& queue) { return queue.next.item<int64_t>(); }
NormedMoco normed_moco(int64_t micro_group, int64_t queue = 20) {
  torch::manual_seed(5);
  return NormedMoco({.embedding = 4, .momentum = 0.9, .queue = queue, .micro_group = micro_group});
}
// What a tower in training makes of some pictures that it sees together.
Tensor seen_together(NormedMoco& model, const Tensor& images, const std::vector<int64_t>& pictures) {
  return model->img_encoder_k(images.index_select(0, torch::tensor(pictures)));
}

}  // namespace

TEST_CASE("moco: a step reaches every parameter of the tower, none of its slow copy, and waits for nothing", "[align][fast]") {
  auto model = tiny_moco();
  mgca::AdamW optimizer(*model, {});
  {
    const mgca::test::HostReads watch;
    const auto losses = model->losses(two_views(3));
    losses.total().backward();
    model->after_backward(0);
    optimizer.step(1e-3);
    CHECK(mgca::test::HostReads::reads() == std::multiset<std::string>{});
  }
  for (const auto& item : model->named_parameters()) {
    INFO(item.key());
    const bool slow = item.key().starts_with("img_encoder_k.");
    CHECK(item.value().grad().defined() == !slow);
    if (!slow) CHECK(item.value().grad().abs().max().item<float>() > 0);
  }
}

TEST_CASE("moco: a batch is compared with the queue as it was, and its keys enter after it", "[align][fast]") {
  auto model = tiny_moco();
  const auto before = model->queue.keys.clone();
  const auto batch = two_views(3);
  const auto logits = model->logits(batch);
  const auto query = model->img_encoder_q(batch.images), key = model->img_encoder_k(batch.second_images);
  CHECK(torch::allclose(logits, torch::cat({(query * key).sum(1, true), query.mm(before.t())}, 1) / 0.07, 1e-4, 1e-4));
  CHECK(torch::equal(model->queue.keys, before));
  model->after_backward(0);
  CHECK(torch::allclose(model->queue.keys.slice(0, 0, 3), key));
  CHECK(torch::equal(model->queue.keys.slice(0, 3), before.slice(0, 3)));
  CHECK(place(model->queue) == 3);
  model->after_backward(0);  // a step without a batch brings no keys
  CHECK(place(model->queue) == 3);
}

TEST_CASE("moco: keys are written round the end of the queue, and of more than it holds the last stay", "[align][fast]") {
  const auto rows = [](int64_t from, int64_t to) { return torch::arange(from, to, torch::kFloat32).unsqueeze(1); };
  mgca::KeyQueue queue{rows(0, 5).clone(), torch::tensor({3}, torch::kLong)};
  queue.push(rows(10, 14));
  CHECK(torch::equal(queue.keys.flatten(), torch::tensor({12.F, 13.F, 2.F, 10.F, 11.F})));
  CHECK(place(queue) == 2);
  queue.push(rows(20, 27));  // two more than there is room for: they would have been overwritten
  CHECK(torch::equal(queue.keys.flatten(), torch::tensor({23.F, 24.F, 25.F, 26.F, 22.F})));
  CHECK(place(queue) == 4);
}

TEST_CASE("moco: the slow copy is the tower at first, whatever was loaded into it, and then follows once in a step of several batches",
          "[align][fast]") {
  auto model = tiny_moco();
  const auto slow = model->img_encoder_k->model->proj->weight, fast = model->img_encoder_q->model->proj->weight;
  CHECK(torch::equal(slow, fast));
  const torch::NoGradGuard no_grad;
  fast.fill_(0.5);  // start weights
  (void)model->losses(two_views(2));
  CHECK(torch::equal(slow, fast));
  model->after_backward(0);
  fast.fill_(1.5);
  (void)model->losses(two_views(2));
  (void)model->losses(two_views(3));
  CHECK(torch::allclose(slow, torch::full_like(slow, 0.9 * 0.5 + 0.1 * 1.5)));
  model->after_backward(0);
  CHECK(place(model->queue) == 7 % 7);  // 2 + 2 + 3 keys
}

TEST_CASE("moco: evaluation compares with the queue of training, changes nothing, and meets nobody", "[align][fast]") {
  struct Forbidden : mgca::ProcessGroup {
    int64_t rank() const override { return 1; }
    int64_t size() const override { return 2; }
    mgca::Collective start_sum(const Tensor&) override { mgca::fail(mgca::ErrorKind::system, "a sum"); }
    mgca::Collective start_copy(const Tensor&, int64_t) override { mgca::fail(mgca::ErrorKind::system, "a copy"); }
    mgca::Collective start_gather(const Tensor&, const Tensor&) override { mgca::fail(mgca::ErrorKind::system, "a gather"); }
  } nobody;
  auto model = normed_moco(2);
  (void)model->losses(two_views(6));
  model->after_backward(0);
  model->eval();
  std::map<std::string, Tensor> before;
  for (const auto& [name, value] : mgca::state_dict(*model)) before[name] = value.detach().clone();
  auto first = two_views(3), second = two_views(4);
  first.peers = &nobody;
  const auto logits = model->logits(first);
  const auto query = model->img_encoder_q(first.images), key = model->img_encoder_k(first.second_images);
  CHECK(torch::equal(logits, torch::cat({(query * key).sum(1, true), query.mm(model->queue.keys.t())}, 1) / 0.07));
  (void)model->logits(second);
  CHECK(torch::equal(model->logits(first), logits));  // whatever was evaluated in between
  for (const auto& [name, value] : mgca::state_dict(*model)) {
    INFO(name);
    CHECK(torch::equal(value, before[name]));
  }
  model->train();
  auto two = two_views(2);
  two.peers = &nobody;
  mgca::test::expect_error([&] { (void)model->logits(two); }, {"a gather"});
}

TEST_CASE("moco: a queue for evaluation, where one is asked for, takes held-out keys, and nothing else changes", "[align][fast]") {
  torch::manual_seed(5);
  TinyMoco model({.embedding = 4, .queue = 7, .valid_queue = 3});
  model->eval();
  std::map<std::string, Tensor> before;
  for (const auto& [name, value] : mgca::state_dict(*model)) before[name] = value.detach().clone();
  const auto batch = two_views(2);
  const auto logits = model->logits(batch);
  const auto query = model->img_encoder_q(batch.images);
  CHECK(torch::equal(logits.slice(1, 1), query.mm(before["val_queue"].t()) / 0.07));
  logits.sum().backward();  // the queue's new keys do not reach back
  for (const auto& [name, value] : mgca::state_dict(*model)) {
    INFO(name);
    CHECK(torch::equal(value, before[name]) == !name.starts_with("val_queue"));
  }
  CHECK(place(model->valid_queue) == 2);
  mgca::test::expect_error([] { TinyMoco({.queue = 7, .valid_queue = -1}); }, {"valid_queue", "-1"});
}

TEST_CASE("moco: in groups a query sees the statistics of its neighbours, its key those of pictures from all groups, and keys come back in order", "[align][fast]") {
  auto model = normed_moco(2), apart = normed_moco(0);
  const auto batch = two_views(6);
  const auto before = model->queue.keys.clone();
  const auto logits = model->logits(batch);
  model->after_backward(0);
  const auto keys = model->queue.keys.slice(0, 0, 6);
  for (const int64_t i : {0, 1, 2}) {
    CHECK(torch::allclose(keys.index_select(0, torch::tensor({i, i + 3})), seen_together(apart, batch.second_images, {i, i + 3}), 1e-5, 1e-5));
    const auto query = seen_together(apart, batch.images, {2 * i, 2 * i + 1});  // the slow copy is the tower still
    CHECK(torch::allclose(logits.slice(0, 2 * i, 2 * i + 2), torch::cat({(query * keys.slice(0, 2 * i, 2 * i + 2)).sum(1, true), query.mm(before.t())}, 1) / 0.07, 1e-5, 1e-4));
  }
  const auto whole = apart->img_encoder_k(batch.second_images);
  CHECK((keys - whole).abs().amax(1).min().item<float>() > 1e-3);  // every key had other company than in the whole batch
}

TEST_CASE("moco: groups need not fill the batch, and without batch statistics they change no key", "[align][fast]") {
  const auto batch = two_views(8);
  auto uneven = normed_moco(3), apart = normed_moco(0);
  (void)uneven->losses(batch);
  uneven->after_backward(0);
  for (const auto& group : std::vector<std::vector<int64_t>>{{0, 3, 6}, {1, 4, 7}, {2, 5}}) {
    CHECK(torch::allclose(uneven->queue.keys.index_select(0, torch::tensor(group)), seen_together(apart, batch.second_images, group), 1e-5, 1e-5));
  }
  torch::manual_seed(5);
  TinyMoco plain({.embedding = 4, .queue = 20, .micro_group = 3});
  const auto logits = plain->logits(batch), expected = tiny_moco(20, 0.999)->logits(batch);
  plain->after_backward(0);
  CHECK(torch::allclose(logits, expected, 1e-5, 1e-5));
  CHECK(torch::allclose(plain->queue.keys.slice(0, 0, 8), plain->img_encoder_k(batch.second_images), 1e-5, 1e-6));
}

TEST_CASE("moco: dealing pictures out makes the host wait for nothing", "[align][fast]") {
  auto model = normed_moco(2);
  const auto batch = two_views(6);
  const mgca::test::HostReads watch;
  model->losses(batch).total().backward();
  model->after_backward(0);
  CHECK(mgca::test::HostReads::operator_count() > 20);
  CHECK(mgca::test::HostReads::reads() == std::multiset<std::string>{});
}

TEST_CASE("moco: accuracies are those of the partner's key, ties lost; mixed precision keeps the losses in f32", "[align][fast]") {
  const auto logits = torch::tensor({{3.F, 1.F, 2.F}, {1.F, 2.F, 3.F}, {2.F, 2.F, 1.F}, {1.F, 1.F, 1.F}});
  CHECK(mgca::ops::first_column_accuracy(logits, 1).item<float>() == 0.25F);
  CHECK(mgca::ops::first_column_accuracy(logits, 2).item<float>() == 0.5F);
  CHECK(mgca::ops::first_column_accuracy(logits, 5).item<float>() == 1);
  auto model = tiny_moco();
  const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
  const auto losses = model->losses(two_views(3));
  CHECK(losses.terms[0].value.scalar_type() == torch::kFloat32);
  losses.total().backward();
}

TEST_CASE("moco: a missing second view and settings without sense are refused; the configuration survives JSON", "[align][fast]") {
  auto model = tiny_moco();
  mgca::test::expect_error([&] { (void)model->losses({.images = torch::randn({2, 3, 8, 8})}); }, {"two views", "[2, 3, 8, 8]", "views = 2"});
  mgca::test::expect_error([] { tiny_moco(0); }, {"queue", "0"});
  mgca::test::expect_error([] { tiny_moco(7, 1.0); }, {"momentum", "1"});
  mgca::test::expect_error([] { normed_moco(-1); }, {"micro_group", "-1"});
  TinyMoco::Config config{.queue = 9, .micro_group = 4};
  CHECK(mgca::differences(mgca::from_json_text<TinyMoco::Config>(mgca::to_json_text(config), "config"), config).empty());
}
