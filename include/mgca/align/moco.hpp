// MoCo v2: each picture's view must be found by another view of it among many keys of earlier pictures, which a slow copy of the
// tower made.
// Reference: He et al., CVPR 2020; Chen et al. 2020 (arXiv 2003.04297); order of a step as in lightning-bolts 0.5.
#pragma once

#include <mgca/align/image_only.hpp>
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
  int64_t valid_queue = 65536; // of the queue for evaluation

  static void describe(auto& self, auto&& field) {
    field("image", self.image, "image tower");
    field("embedding", self.embedding, "channels of the keys");
    field("temperature", self.temperature, "temperature of the contrast");
    field("momentum", self.momentum, "part of itself that the slow copy of the tower keeps in a step");
    field("queue", self.queue, "keys of earlier pictures");
    field("valid_queue", self.valid_queue, "keys of earlier pictures in evaluation");
  }
  void validate() const {
    if constexpr (requires { image.validate(); }) image.validate();
    MGCA_CHECK(embedding > 0 && queue > 0 && valid_queue > 0, "moco: expected positive embedding, queue and valid_queue, got ", embedding, ", ",
               queue, ", ", valid_queue);
    MGCA_CHECK(temperature > 0, "moco: temperature must be positive, got ", temperature);
    MGCA_CHECK(momentum >= 0 && momentum < 1, "moco: momentum must lie in [0, 1), got ", momentum);
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
        valid_queue{register_buffer("val_queue", ops::unit(torch::randn({config.valid_queue, config.embedding}))), pointer("val_queue_ptr")},
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

  // The contrast of a batch, (B, 1 + K): the partner's key, then the queue's, over the temperature. In training the slow copy moves in
  // the first batch of a step, and the keys, with those of the peers in order of ranks, wait for after_backward(); in evaluation they enter the
  // queue for evaluation at once.
  Tensor logits(const AlignmentInput& batch) {
    require_two_views(batch);
    const auto query = img_encoder_q(batch.images);
    if (is_training() && waiting_.empty()) move_slow_copy();
    const auto key = key_of(batch.second_images);
    const auto negatives = is_training() ? queue.keys : valid_queue.keys.clone();
    if (is_training()) waiting_.push_back(batch.peers == nullptr ? key : batch.peers->gather(key));
    else valid_queue.push(key);
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
  Tensor key_of(const Tensor& images) {
    const torch::NoGradGuard no_grad;
    return img_encoder_k(images);
  }

 public:
  const Config config;
  Tower img_encoder_q, img_encoder_k;  // what is trained, and its slow copy
  KeyQueue queue, valid_queue;

 private:
  Tensor updates_;               // (1) how often the slow copy has moved
  std::vector<Tensor> waiting_;  // keys of this step's batches, of all ranks
};

template <class Image>
using Moco = Handle<MocoImpl<Image>>;

}  // namespace mgca
