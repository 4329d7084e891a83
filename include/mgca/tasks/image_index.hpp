// Images that answer a sentence: their embeddings and paths in one file, searched exactly.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/tensor/weights_file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

class ImageIndex {
 public:
  struct Hit {
    int64_t place;     // of the image in the index
    float similarity;  // cosine
  };
  using Metadata = std::map<std::string, std::string>;  // what the file says of itself: the weights' hash and preprocessing

  // rows (N, d), unit vectors, one for each path. Throws Error(argument) where they do not fit together or a row is no unit vector.
  ImageIndex(const Tensor& rows, std::vector<std::string> paths, Metadata metadata = {})
      : rows_(rows.to(torch::kCPU, torch::kFloat32).contiguous()), paths_(std::move(paths)), metadata_(std::move(metadata)) {
    MGCA_CHECK(rows_.dim() == 2 && rows_.size(0) > 0 && rows_.size(0) == size(), "image_index: expected embeddings (N, d) and N paths, got ", rows_.sizes(),
               " and ", size(), " paths");
    const auto lengths = rows_.norm(2, {1}).contiguous();
    const auto values = span_of<float>(lengths);
    for (std::size_t i = 0; i < values.size(); ++i) {
      MGCA_CHECK(std::abs(values[i] - 1) < 1e-2F, "image_index: the embedding of image ", i + 1, " has length ", values[i], ", expected 1");
    }
  }

  // Throws Error(system) or Error(data) for a file that is no index, or is damaged.
  [[nodiscard]] static ImageIndex read(const std::filesystem::path& path) {
    auto file = read_weights(path);
    Tensor rows, text, ends;
    for (const auto& [name, tensor] : file.tensors) {
      if (name == "image.global") rows = tensor;
      if (name == "path.text") text = tensor;
      if (name == "path.end") ends = tensor;
    }
    const bool whole = rows.defined() && text.defined() && ends.defined() && rows.dim() == 2 && ends.dim() == 1 && text.dim() == 1 &&
                       rows.size(0) == ends.size(0) && text.scalar_type() == torch::kUInt8 && ends.scalar_type() == torch::kLong;
    if (!whole) fail(ErrorKind::data, path.string(), ": no index of images; expected image.global, path.text and path.end; write one with mgca retrieve --write-index");
    const auto characters = span_of<uint8_t>(text);
    std::vector<std::string> paths;
    int64_t from = 0;
    for (const auto end : span_of<int64_t>(ends)) {
      if (end < from || end > text.size(0)) fail(ErrorKind::data, path.string(), ": path ", paths.size() + 1, " lies outside path.text; the file is damaged");
      paths.emplace_back(characters.begin() + from, characters.begin() + end);
      from = end;
    }
    try {
      return ImageIndex(rows, std::move(paths), std::move(file.metadata));
    } catch (const Error& error) {
      fail(ErrorKind::data, path.string(), ": ", error.what());
    }
  }

  // Throws Error(system).
  void write(const std::filesystem::path& path) const {
    std::string text;
    std::vector<int64_t> ends;
    for (const auto& one : paths_) ends.push_back(static_cast<int64_t>((text += one).size()));
    const std::vector<uint8_t> bytes(text.begin(), text.end());
    write_weights(path, {.tensors = {{"image.global", rows_},
                                     {"path.text", tensor_of(std::span<const uint8_t>(bytes), {static_cast<int64_t>(bytes.size())})},
                                     {"path.end", tensor_of(std::span<const int64_t>(ends), {static_cast<int64_t>(ends.size())})}},
                         .metadata = metadata_});
  }

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(paths_.size()); }
  [[nodiscard]] int64_t width() const { return rows_.size(1); }
  [[nodiscard]] const std::string& path(int64_t place) const { return paths_[static_cast<std::size_t>(place)]; }
  [[nodiscard]] const Metadata& metadata() const { return metadata_; }

  // The nearest images of a query (d), nearest first, at most `count`; of equal ones the first of the index. Every image is compared.
  [[nodiscard]] std::vector<Hit> nearest(const Tensor& query, int64_t count) const {
    MGCA_CHECK(query.dim() == 1 && query.size(0) == width(), "image_index: expected a query of ", width(), " numbers, got ", query.sizes(),
               "; was the index written with these weights?");
    MGCA_CHECK(count > 0, "image_index: expected 1 image or more to be asked for, got ", count);
    const torch::NoGradGuard no_grad;
    const auto all = rows_.mv(query.to(torch::kCPU, torch::kFloat32)).contiguous();
    const auto similarity = span_of<float>(all);
    std::vector<int64_t> order(similarity.size());
    std::iota(order.begin(), order.end(), 0);
    const auto kept = static_cast<std::ptrdiff_t>(std::min(count, size()));
    const auto nearer = [&](int64_t a, int64_t b) {
      const float x = similarity[static_cast<std::size_t>(a)], y = similarity[static_cast<std::size_t>(b)];
      return x > y || (x == y && a < b);
    };
    std::nth_element(order.begin(), order.begin() + kept - 1, order.end(), nearer);
    std::sort(order.begin(), order.begin() + kept, nearer);
    std::vector<Hit> out;
    for (std::ptrdiff_t i = 0; i < kept; ++i) out.push_back({order[static_cast<std::size_t>(i)], similarity[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]});
    return out;
  }

 private:
  Tensor rows_;
  std::vector<std::string> paths_;
  Metadata metadata_;
};

}  // namespace mgca
