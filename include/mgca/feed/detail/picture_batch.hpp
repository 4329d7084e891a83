// The image half of every batch: stored pictures, augmented by address, in one tensor; and labels as a tensor.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/random.hpp>
#include <mgca/feed/detail/picture_store.hpp>
#include <mgca/image/augment.hpp>
#include <mgca/tensor/torch.hpp>

#include <cstring>
#include <span>
#include <vector>

namespace mgca::detail {

struct PictureBatch {
  Tensor images;                 // (B, 1, S, S) uint8
  Tensor second_images = {};     // (B, 1, S, S) uint8: the same pictures at view 1 of their addresses; undefined unless asked for
  std::vector<int64_t> records;  // what each shows; fewer than were asked for where bad ones are skipped
};

// Calls `seen(record, key)` for each picture in order, with the address its augmentation was drawn at, so that whatever goes with it
// (a sentence, a box, a mask) is drawn or turned likewise. `second`: what happens to a second view of each picture; null: there is none.
// Throws Error(data) where no picture of a batch can be read.
template <Dataset D, class Seen>
[[nodiscard]] PictureBatch picture_batch(const PictureStore<D>& store, const Augmentation& how, std::span<const int64_t> places, RandomKey key,
                                         Seen&& seen, const Augmentation* second = nullptr) {
  const auto B = static_cast<int64_t>(places.size()), S = how.crop;
  const auto pixels = static_cast<std::size_t>(S * S);
  PictureBatch out{.images = torch::empty({B, 1, S, S}, torch::kUInt8), .records = {}};
  if (second != nullptr) out.second_images = torch::empty_like(out.images);
  const auto room_in = [&](const Tensor& images) -> Plane<uint8_t> {  // for the next picture
    return {.pixels = {images.data_ptr<uint8_t>() + out.records.size() * pixels, pixels}, .height = S, .width = S};
  };
  store.fetch(places);
  for (const auto place : places) {
    key.sample = static_cast<uint64_t>(place);
    GreyImage room;
    const auto found = store.seen_at(place, key, room);
    if (!found) continue;
    image::augment_into(room_in(out.images), found->picture, how, key);
    if (second != nullptr) {
      auto other = key;
      other.view = 1;
      image::augment_into(room_in(out.second_images), found->picture, *second, other);
    }
    seen(found->record, key);
    out.records.push_back(found->record);
  }
  if (out.records.empty() && B > 0)
    fail(ErrorKind::data, "none of the ", B, " pictures of a batch can be read; use larger batches, or replace bad records instead of skipping them");
  const auto seen_count = static_cast<int64_t>(out.records.size());
  out.images = out.images.slice(0, 0, seen_count);
  if (second != nullptr) out.second_images = out.second_images.slice(0, 0, seen_count);
  return out;
}

// (B, C) float32: 1 present, 0 absent, NaN unknown.
template <Dataset D>
[[nodiscard]] Tensor labels_of(const D& data, std::span<const int64_t> records) {
  const auto C = data.label_names().size();
  auto out = torch::empty({static_cast<int64_t>(records.size()), static_cast<int64_t>(C)}, torch::kFloat32);
  if (C == 0) return out;
  auto* row = out.data_ptr<float>();
  for (const auto record : records) {
    std::memcpy(row, data.record(record).labels.data(), C * sizeof(float));
    row += C;
  }
  return out;
}

}  // namespace mgca::detail
