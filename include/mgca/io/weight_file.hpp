// One door to files of weights, whoever wrote them: safetensors, sharded sets of them, torch's files old and new.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/core/mapped_file.hpp>
#include <mgca/core/nearest.hpp>
#include <mgca/io/detail/safetensors_index.hpp>
#include <mgca/io/safetensors.hpp>
#include <mgca/io/tensor_info.hpp>
#include <mgca/io/torch_archive.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::io {

enum class WeightContainer : std::uint8_t { safetensors, sharded_safetensors, torch_zip, torch_legacy };
constexpr auto names_of(WeightContainer) {
  return std::to_array<std::string_view>({"safetensors", "sharded safetensors", "torch zip", "torch before 1.6"});
}

struct WeightLimits {
  SafetensorsLimits safetensors;
  TorchArchiveLimits torch;
  std::size_t shards = 10'000;
};

class WeightFile {
 public:
  // Told by content, not by name; a JSON text is the index of a sharded set, whose files lie beside it. Throws Error(system)
  // for an unreadable file, Error(data) for one that is damaged, hostile or of another kind.
  [[nodiscard]] static WeightFile open(const std::filesystem::path& path, const WeightLimits& limits = {}) {
    WeightFile file;
    file.path_ = path;
    const MappedFile start(path);
    const auto bytes = start.bytes();
    if (detail::is_zip(bytes) || detail::is_legacy_torch(bytes)) {
      file.open_torch(limits);
    } else if (is_text(bytes, "{") && !is_safetensors(bytes)) {
      file.open_shards(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), limits);
    } else {
      if (!is_safetensors(bytes) && path.extension() != ".safetensors") refuse_unknown(path, bytes);
      file.open_safetensors(limits);
    }
    for (std::size_t i = 0; i < file.tensors_.size(); ++i) file.index_.emplace(file.tensors_[i].name, i);
    return file;
  }

  [[nodiscard]] WeightContainer container() const { return container_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // In the order of the file, of a sharded set shard by shard. In a torch file a name is the dotted path through nested
  // dicts and lists: "state_dict.img_encoder_q.model.cls_token", "optimizer_states.0.state.3.exp_avg".
  [[nodiscard]] std::span<const TensorInfo> tensors() const { return tensors_; }
  [[nodiscard]] const TensorInfo* find(std::string_view name) const {
    const auto it = index_.find(name);
    return it == index_.end() ? nullptr : &tensors_[it->second];
  }
  // Throws Error(data) with the nearest names.
  [[nodiscard]] const TensorInfo& at(std::string_view name) const {
    if (const auto* found = find(name)) return *found;
    std::vector<std::string> known;
    for (const auto& tensor : tensors_) known.push_back(tensor.name);
    std::string hidden;
    for (const auto& object : skipped()) {
      if (object.tensors > 0) hidden = "; tensors in the object of class '" + object.type + "' at '" + object.path + "' are not read";
    }
    fail(ErrorKind::data, path_.string(), ": no tensor '", name, "'", nearest_hint(name, known), hidden);
  }

  // safetensors: __metadata__, of all shards together; torch: plain values by dotted path, "hyper_parameters.img_encoder" ->
  // "vit_base", as text (true, false, null, decimal numbers).
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return torch_ ? torch_->metadata() : metadata_; }
  // Objects of unknown classes in a torch file.
  [[nodiscard]] std::span<const SkippedObject> skipped() const { return torch_ ? torch_->skipped() : std::span<const SkippedObject>{}; }

  // Row-major, little-endian, not aligned: of the mapped file, or in `scratch` where the file has it in another order. Of a
  // torch file the checksum is looked at now; throws Error(data) if it differs. For one thread at a time.
  [[nodiscard]] std::span<const std::byte> bytes(const TensorInfo& tensor, std::vector<std::byte>& scratch) const {
    const auto i = position(tensor);
    return torch_ ? torch_->bytes(i, scratch) : record(i).bytes;
  }
  // Gives the memory of the tensor's pages back; call it after a tensor is dealt with and a file of any size passes through.
  void release(const TensorInfo& tensor) const {
    const auto i = position(tensor);
    torch_ ? torch_->release(i) : release_pages(record(i).bytes);
  }

  // SHA-256 of the file; of a sharded set, of the digests of index and shards in the order of their names.
  [[nodiscard]] std::string sha256() const {
    if (shards_.size() + (torch_ ? 1 : 0) == 1 && container_ != WeightContainer::sharded_safetensors) return digest(path_);
    Sha256 all;
    all.update(digest(path_));
    for (const auto& name : shard_names_) all.update(digest(path_.parent_path() / name));
    return all.hex_digest();
  }

 private:
  struct Where {
    std::size_t shard = 0, tensor = 0;
  };

  WeightFile() = default;

  static bool is_text(std::span<const std::byte> bytes, std::string_view start) {
    return bytes.size() >= start.size() && std::memcmp(bytes.data(), start.data(), start.size()) == 0;
  }
  static bool is_safetensors(std::span<const std::byte> bytes) {
    std::uint64_t length = 0;
    if (bytes.size() < 10) return false;
    std::memcpy(&length, bytes.data(), 8);
    return length <= bytes.size() - 8 && bytes[8] == std::byte{'{'};
  }
  [[noreturn]] static void refuse_unknown(const std::filesystem::path& path, std::span<const std::byte> bytes) {
    constexpr std::string_view expected = "expected safetensors, an index of such, or a file by torch.save";
    if (is_text(bytes, "version https://git-lfs")) {
      fail(ErrorKind::data, path.string(), ": a Git LFS pointer, not the weights themselves; fetch them with `git lfs pull`");
    }
    if (is_text(bytes, "<")) fail(ErrorKind::data, path.string(), ": a web page, not weights; download the file itself; ", expected);
    if (is_text(bytes, "\x80")) fail(ErrorKind::data, path.string(), ": a bare pickle; ", expected);
    fail(ErrorKind::data, path.string(), ": not a file of weights (", bytes.size(), " bytes, beginning with '0x",
         hex(bytes.first(std::min<std::size_t>(8, bytes.size()))), "'); ", expected);
  }
  static std::string digest(const std::filesystem::path& path) {
    const MappedFile file(path);
    Sha256 hash;
    constexpr std::size_t piece = std::size_t{8} << 20;
    for (std::size_t at = 0; at < file.bytes().size(); at += piece) {
      const auto part = file.bytes().subspan(at, std::min(piece, file.bytes().size() - at));
      hash.update(part);
      release_pages(part);
    }
    return hash.hex_digest();
  }

  [[nodiscard]] std::size_t position(const TensorInfo& tensor) const {
    const auto it = index_.find(tensor.name);
    if (it == index_.end()) fail(ErrorKind::argument, path_.string(), ": no tensor '", tensor.name, "'");
    return it->second;
  }
  [[nodiscard]] const TensorRecord& record(std::size_t i) const { return shards_[where_[i].shard].tensors()[where_[i].tensor]; }

  void open_torch(const WeightLimits& limits) {
    torch_ = TorchArchive::read(path_, limits.torch);
    container_ = torch_->legacy() ? WeightContainer::torch_legacy : WeightContainer::torch_zip;
    tensors_.assign(torch_->tensors().begin(), torch_->tensors().end());
  }
  void open_safetensors(const WeightLimits& limits) {
    add_shard(Safetensors::read(path_, limits.safetensors));
    metadata_ = shards_[0].metadata();
  }
  void add_shard(Safetensors shard) {
    shards_.push_back(std::move(shard));
    const auto records = shards_.back().tensors();
    for (std::size_t i = 0; i < records.size(); ++i) {
      tensors_.push_back({records[i].name, records[i].dtype, records[i].shape});
      where_.push_back({shards_.size() - 1, i});
    }
  }

  void open_shards(std::string_view text, const WeightLimits& limits) {
    container_ = WeightContainer::sharded_safetensors;
    detail::SafetensorsIndex index;
    try {
      index = detail::read_safetensors_index(text, limits.safetensors.tensors);
    } catch (const detail::HeaderProblem& problem) {
      fail(ErrorKind::data, path_.string(), ": not the index of a sharded set of safetensors: ", problem.what());
    }
    for (const auto& [tensor, shard] : index.weight_map) shard_names_.insert(shard);
    if (shard_names_.size() > limits.shards) {
      fail(ErrorKind::data, path_.string(), ": names ", shard_names_.size(), " shards, at most ", limits.shards, " are read");
    }
    for (const auto& name : shard_names_) open_shard(index, name, limits);
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < tensors_.size(); ++i) total += record(i).bytes.size();
    for (const auto& [tensor, shard] : index.weight_map) {
      const auto& records = shards_[static_cast<std::size_t>(std::distance(shard_names_.begin(), shard_names_.find(shard)))];
      if (records.find(tensor) == nullptr) {
        fail(ErrorKind::data, path_.string(), ": tensor '", tensor, "' is not in its shard '", shard, "'");
      }
    }
    if (index.total_size && *index.total_size != total) {
      fail(ErrorKind::data, path_.string(), ": total_size is ", *index.total_size, ", the tensors of all shards have ", total, " bytes");
    }
  }
  void open_shard(const detail::SafetensorsIndex& index, const std::string& name, const WeightLimits& limits) {
    const auto path = path_.parent_path() / name;
    std::error_code code;
    if (!std::filesystem::exists(path, code)) {
      fail(ErrorKind::system, path_.string(), ": the shard '", name, "' is missing; it belongs beside the index");
    }
    const auto first = tensors_.size();
    add_shard(Safetensors::read(path, limits.safetensors));
    for (auto i = first; i < tensors_.size(); ++i) {
      const auto known = index.weight_map.find(tensors_[i].name);
      if (known == index.weight_map.end()) {
        fail(ErrorKind::data, path_.string(), ": tensor '", tensors_[i].name, "' of shard '", name, "' is not in the index");
      }
      if (known->second != name) {
        fail(ErrorKind::data, path_.string(), ": tensor '", tensors_[i].name, "' is in shard '", name, "', the index says '", known->second,
             "'");
      }
    }
    for (const auto& [key, value] : shards_.back().metadata()) metadata_.emplace(key, value);
  }

  std::filesystem::path path_;
  WeightContainer container_ = WeightContainer::safetensors;
  std::optional<TorchArchive> torch_;  // else the shards have the tensors
  std::vector<Safetensors> shards_;
  std::set<std::string> shard_names_;
  std::vector<TensorInfo> tensors_;
  std::vector<Where> where_;  // of tensors_, in the shards
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace mgca::io
