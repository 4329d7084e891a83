// MoCo v2: each picture's view must be found by another view of it among many keys of earlier pictures, which a slow copy of the
// tower made.
// Reference: He et al., CVPR 2020; Chen et al. 2020 (arXiv 2003.04297); order of a step as in lightning-bolts 0.5.
#pragma once

#include <mgca/align/groups.hpp>
#include <mgca/align/image_only.hpp>
#include <mgca/nn/batch_norm.hpp>
#include <mgca/ops/contrast.hpp>

#include <vector>

namespace mgca {

template <class ImageConfig>
struct MocoConfig {
  ImageConfig image;
  int64_t embedding = 128;     // channels of the keys
  double temperature = 0.07;
  double momentum = 0.999;     // part of itself that the slow copy keeps in a step
  int64_t queue = 65536;       // keys of earlier pictures
  int64_t valid_queue = 0;     // of a queue of held-out pictures' keys, as lightning-bolts has one; 0: evaluation compares with the queue of training
  int64_t micro_group = 0;     // in training towers see so many pictures at once, and batch statistics are theirs; 0: all of a rank

  static void describe(auto& self, auto&& field) {
    field("image", self.image, "image tower");
    field("embedding", self.embedding, "channels of the keys");
    field("temperature", self.temperature, "temperature of the contrast");
    field("momentum", self.momentum, "part of itself that the slow copy of the tower keeps in a step");
    field("queue", self.queue, "keys of earlier pictures");
    field("valid_queue", self.valid_queue, "keys of a queue for evaluation alone; 0: none, it compares with the queue of training");
    field("micro_group", self.micro_group, "in training towers see so many pictures at once, and batch statistics are theirs; 0: all of a rank");
  }
  void validate() const {
    if constexpr (requires { image.validate(); }) image.validate();
    MGCA_CHECK(embedding > 0 && queue > 0 && valid_queue >= 0, "moco: expected positive embedding and queue, and a valid_queue of 0 or more, got ", embedding, ", ",
               queue, " and ", valid_queue);
    MGCA_CHECK(temperature > 0, "moco: temperature must be positive, got ", temperature);
    MGCA_CHECK(momentum >= 0 && momentum < 1, "moco: momentum must lie in [0, 1), got ", momentum);
    MGCA_CHECK(micro_group >= 0, "moco: micro_group must be the pictures of a group, or 0 for the whole batch, got ", micro_group);
  }
};

// Keys in the order they came, oldest overwritten; where the next goes is known to the device alone.
struct KeyQueue {
  Tensor keys;  // (K, D) unit rows, without gradient
  Tensor next;  // (1) int64, row of the next key

  // Writes rows (B, D) one after another, beginning again at row 0 after the last; of more than K the last K stay.
  void push(const Tensor& rows) {
    const torch::NoGradGuard no_grad;
    const auto K = keys.size(0), B = rows.size(0), first = std::max<int64_t>(0, B - K);
    const auto places = (torch::arange(first, B, next.options()) + next).remainder(K);
    keys.index_copy_(0, places, rows.slice(0, first).to(keys.scalar_type()));
    next.add_(B).remainder_(K);
  }
};

template <class Image>
class MocoImpl : public ImageOnlyModel {
 public:
  using Config = MocoConfig<ImageConfigOf<Image>>;
  static constexpr AlignmentNeeds kNeeds{.reports = false, .views = 2};

  explicit MocoImpl(const Config& c)
      : config((c.validate(), c)),
        img_encoder_q(register_module("img_encoder_q", Tower({config.image, config.embedding}))),
        img_encoder_k(register_module("img_encoder_k", Tower({config.image, config.embedding}))),
        queue{register_buffer("queue", ops::unit(torch::randn({config.queue, config.embedding}))), pointer("queue_ptr")},
        valid_queue{config.valid_queue > 0 ? register_buffer("val_queue", ops::unit(torch::randn({config.valid_queue, config.embedding}))) : Tensor(),
                    config.valid_queue > 0 ? pointer("val_queue_ptr") : Tensor()},
        updates_(register_buffer("momentum_updates", torch::zeros({1}, torch::kLong))) {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : img_encoder_k->parameters()) parameter.set_requires_grad(false);
    const auto from = img_encoder_q->parameters(), to = img_encoder_k->parameters();
    for (std::size_t i = 0; i < to.size(); ++i) to[i].data().copy_(from[i]);
  }

  [[nodiscard]] AlignmentNeeds needs() const override { return kNeeds; }

  Embeddings encode_image(const Tensor& images) override {
    const auto features = img_encoder_q->model(images);
    return embedded(features, ops::unit(img_encoder_q->head(features.global)));
  }
  Tensor image_features(const Tensor& images) override { return img_encoder_q->model(images).global; }

  // The contrast of a batch, (B, 1 + K): the partner's key, then the queue's, over the temperature. In training the slow copy moves in the first
  // batch of a step, and the keys, with those of the peers in order of ranks, wait for after_backward(). Evaluation meets no peers and leaves
  // the queue as it is, so that its losses depend neither on the order of batches nor on who evaluates them; in a queue of its own, where there
  // is one, its keys enter at once.
  // Throws Error(argument) where micro_group does not divide a rank's part.
  Tensor logits(const AlignmentInput& batch) {
    require_two_views(batch);
    auto* const peers = is_training() ? batch.peers : nullptr;
    const auto B = batch.images.size(0);
    align::require_whole_groups(B, config.micro_group, peers);
    const auto query = encoded(img_encoder_q, batch.images);
    if (is_training() && waiting_.empty()) move_slow_copy();
    const auto keys = keys_of(batch.second_images, peers);
    const bool own_queue = !is_training() && valid_queue.keys.defined();
    const auto negatives = own_queue ? valid_queue.keys.clone() : queue.keys;
    if (is_training()) waiting_.push_back(keys);
    if (own_queue) valid_queue.push(keys);
    const auto key = keys.narrow(0, peers == nullptr ? 0 : peers->rank() * B, B);
    const auto scope = ops::exact_scope(query);
    return torch::cat({(query * key).sum(1, /*keepdim=*/true), query.mm(negatives.t())}, 1) / config.temperature;
  }

  AlignmentLosses losses(const AlignmentInput& batch) override { return losses_of(logits(batch)); }
  [[nodiscard]] static AlignmentLosses losses_of(const Tensor& all) {  // logits as above
    const auto scope = ops::exact_scope(all);
    return {.terms = {{"nce", (all.logsumexp(1) - all.select(1, 0)).mean(), 1.0}},
            .metrics = {{"acc1", ops::first_column_accuracy(all, 1)}, {"acc5", ops::first_column_accuracy(all, 5)}}};
  }

  // The step's keys enter the queue: its losses have no more use for what was there, and the optimiser's step, which follows, does
  // not look at it. So whoever remembers the buffers and puts them back where a step is skipped (the loop) keeps its keys out.
  void after_backward(int64_t /*epoch*/) override {
    if (!waiting_.empty()) queue.push(torch::cat(waiting_));
    waiting_.clear();
  }

  [[nodiscard]] int64_t image_width() const override { return img_encoder_q->model->global_width(); }
  [[nodiscard]] int64_t image_size() const override { return image_size_of(img_encoder_q->model); }

 private:
  using Tower = Handle<detail::ViewTowerImpl<Image>>;

  Tensor pointer(const char* name) { return register_buffer(name, torch::zeros({1}, torch::kLong)); }

  // copy <- momentum * copy + (1 - momentum) * tower, for parameters. The first time the tower is taken as it is, so that start
  // weights loaded into it need no second door; decided on the device, and remembered in the checkpoint.
  void move_slow_copy() {
    const torch::NoGradGuard no_grad;
    const auto slow = img_encoder_k->parameters(), fast = img_encoder_q->parameters();
    const auto kept = updates_.select(0, 0).gt(0).to(slow.front().scalar_type()) * config.momentum;
    at::_foreach_mul_(slow, kept);
    at::_foreach_add_(slow, at::_foreach_mul(fast, 1 - kept));
    updates_.add_(1);
  }
  // (B, 3, S, S) to unit rows (B, embedding); in training one group after another.
  Tensor encoded(Tower& tower, const Tensor& images) {
    if (!is_training() || config.micro_group == 0) return tower(images);
    std::vector<Tensor> groups;
    for (const auto& group : images.split(config.micro_group)) groups.push_back(tower(group));
    return torch::cat(groups);
  }

  // The keys of all ranks' pictures in order of ranks, (ranks B, embedding). Where norms take statistics from a group of pictures alone, the
  // pictures of all are dealt out like cards, and the keys put back in order: picture k goes to group k modulo their number, nearly so where
  // groups do not fill the batch. So a query's group shares no more pictures with its key's than it must, and what the statistics betray of a group does not tell which key is the partner's.
  // Reference: shuffling BN, He et al. 2020, section 3.3, whose code draws the order at random.
  Tensor keys_of(const Tensor& images, ProcessGroup* peers) {
    const torch::NoGradGuard no_grad;
    const auto of_all = [&](const Tensor& rows) { return peers == nullptr ? rows : peers->gather(rows); };
    const auto B = images.size(0), ranks = peers == nullptr ? 1 : peers->size();
    const auto size = is_training() && config.micro_group > 0 ? config.micro_group : B, groups = ranks * ((B + size - 1) / size);
    if (groups == 1 || !nn::takes_own_statistics(*img_encoder_k)) return of_all(encoded(img_encoder_k, images));
    const auto dealt = torch::arange(ranks * B, queue.next.options()).remainder(groups).argsort(/*stable=*/true, /*dim=*/0, /*descending=*/false);
    const auto mine = peers == nullptr ? dealt : dealt.narrow(0, peers->rank() * B, B);
    const auto keys = of_all(encoded(img_encoder_k, of_all(images).index_select(0, mine)));
    return torch::empty_like(keys).index_copy_(0, dealt, keys);
  }

 public:
  const Config config;
  Tower img_encoder_q, img_encoder_k;  // what is trained, and its slow copy
  KeyQueue queue, valid_queue;  // the second may be undefined

 private:
  Tensor updates_;               // (1) how often the slow copy has moved
  std::vector<Tensor> waiting_;  // keys of this step's batches, of all ranks
};

template <class Image>
using Moco = Handle<MocoImpl<Image>>;

}  // namespace mgca
