// Tensors in .pth, .pt, .ckpt and .bin files, as torch.save writes them, without Python and without running anything: the
// pickle inside is read as a fixed small language in which names mean data or a refusal, never a call.
// Reference: torch/serialization.py, torch/_utils.py of PyTorch 2.11.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/mapped_file.hpp>
#include <mgca/core/nearest.hpp>
#include <mgca/io/detail/torch_container.hpp>
#include <mgca/io/detail/torch_outline.hpp>
#include <mgca/io/tensor_info.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::io {

struct TorchArchiveLimits {
  std::size_t zip_entries = 4'000'000;
  std::size_t values = 2'000'000;  // of the pickle; twice as many may be reached, some by several ways
  std::size_t tensors = 1'000'000;
  std::size_t rank = 16;
  std::uint64_t expanded_bytes = std::uint64_t{256} << 20;  // of a tensor that repeats its storage (strides of 0)
};

class TorchArchive {
 public:
  TorchArchive(TorchArchive&&) = default;
  TorchArchive& operator=(TorchArchive&&) = default;
  TorchArchive(const TorchArchive&) = delete;  // the tensors look into the bytes
  TorchArchive& operator=(const TorchArchive&) = delete;

  // The file is mapped; the pickle and every size are checked now, the checksum of a storage when it is first read.
  // Throws Error(system) for an unreadable file, Error(data) for one that is damaged, hostile or of another kind.
  [[nodiscard]] static TorchArchive read(const std::filesystem::path& path, const TorchArchiveLimits& limits = {}) {
    TorchArchive file;
    file.mapped_.emplace(path);
    file.source_ = path.string();
    file.open(file.mapped_->bytes(), limits);
    return file;
  }
  // `source` names the bytes in errors.
  [[nodiscard]] static TorchArchive parse(std::vector<std::byte> bytes, std::string source, const TorchArchiveLimits& limits = {}) {
    TorchArchive file;
    file.held_ = std::move(bytes);
    file.source_ = std::move(source);
    file.open(file.held_, limits);
    return file;
  }

  [[nodiscard]] bool legacy() const { return legacy_; }  // the container from before PyTorch 1.6
  // In the order of the pickle. A name is the dotted path through dicts and lists: "state_dict.prototype_layer.weight".
  [[nodiscard]] std::span<const TensorInfo> tensors() const { return tensors_; }
  // Plain values by dotted path, as text: true, false, null, decimal numbers; what write_torch_archive was given.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  [[nodiscard]] std::span<const SkippedObject> skipped() const { return skipped_; }

  // Row-major, little-endian: of the file where the tensor lies there so, else in `scratch`. Not aligned. The first look at
  // a storage checks its checksum; throws Error(data) if it differs. For one thread at a time.
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t index, std::vector<std::byte>& scratch) const {
    const auto& place = places_.at(index);
    const auto& storage = storages_[place.storage];
    check(index);
    const auto size = size_of(tensors_[index].dtype);
    if (place.contiguous) return storage.bytes.subspan(place.offset * size, place.bytes);
    scratch.resize(place.bytes);
    gather(tensors_[index].shape, place, storage.bytes.data(), scratch.data(), size);
    return scratch;
  }
  // Gives the memory of the tensor's storage back.
  void release(std::size_t index) const {
    if (mapped_) release_pages(storages_[places_.at(index).storage].bytes);
  }

 private:
  struct Place {
    std::size_t storage = 0;   // in storages_
    std::uint64_t offset = 0;  // elements
    std::uint64_t bytes = 0;   // of the row-major tensor
    std::vector<std::int64_t> strides;
    bool contiguous = true;
  };
  struct Storage {
    std::string key;
    std::span<const std::byte> bytes;
    std::optional<Dtype> dtype;
    std::optional<std::uint32_t> unchecked_crc;
  };

  TorchArchive() = default;

  void open(std::span<const std::byte> bytes, const TorchArchiveLimits& limits) {
    try {
      const detail::PickleLimits pickle{.values = limits.values};
      legacy_ = detail::is_legacy_torch(bytes);
      if (!legacy_ && !detail::is_zip(bytes)) detail::refuse_archive("it begins neither like a zip archive nor like an older torch file");
      const auto contents =
          legacy_ ? detail::LegacyReader(bytes, pickle).read() : detail::read_torch_zip(bytes, limits.zip_entries, pickle);
      detail::TorchOutline outline(contents.values, {.tensors = limits.tensors, .visits = 2 * limits.values});
      std::map<std::string, std::size_t, std::less<>> names, known;
      for (auto& named : outline.tensors) {
        try {
          place(contents, contents.values.tensors[named.tensor], known, limits);
        } catch (const detail::ArchiveProblem& problem) {
          detail::refuse_archive("tensor '", named.name, "': ", problem.what());
        }
        if (!names.emplace(named.name, tensors_.size()).second) detail::refuse_archive("two tensors have the name '", named.name, "'");
        tensors_.back().name = std::move(named.name);
      }
      metadata_ = std::move(outline.metadata);
      skipped_ = std::move(outline.skipped);
    } catch (const detail::ArchiveProblem& problem) {
      fail(ErrorKind::data, source_, ": cannot be read as a torch file: ", problem.what());
    }
    for (const auto& object : skipped_) {
      if (!tensors_.empty() || object.tensors == 0) continue;
      fail(ErrorKind::data, source_, ": its ", object.tensors, " tensors stand in an object of the class '", object.type, "' at '",
           object.path, "', which is not made here; in Python, save model.state_dict() instead of the model");
    }
  }

  std::size_t storage(const detail::TorchContents& contents, const detail::StorageName& name,
                      std::map<std::string, std::size_t, std::less<>>& known) {
    const auto [entry, fresh] = known.try_emplace(std::string(name.key), storages_.size());
    if (fresh) {
      const auto found = contents.storages.find(name.key);
      if (found == contents.storages.end()) detail::refuse_archive("the storage '", name.key, "' is not in the file");
      storages_.push_back(
          {.key = std::string(name.key), .bytes = found->second.bytes, .dtype = name.dtype, .unchecked_crc = found->second.crc});
    }
    const auto& storage = storages_[entry->second];
    const auto declared = detail::declared_bytes(name);
    if (!declared || *declared != storage.bytes.size()) {
      detail::refuse_archive("the storage '", name.key, "' has ", storage.bytes.size(), " bytes in the file, the pickle says ", name.count,
                             name.dtype ? " elements of " : " bytes", name.dtype ? to_string(*name.dtype) : "");
    }
    if (storage.dtype != name.dtype) detail::refuse_archive("the storage '", name.key, "' has another element type elsewhere in the file");
    return entry->second;
  }

  static std::vector<std::int64_t> numbers(const detail::PickleValues& values, detail::ValueId id, const char* what) {
    std::vector<std::int64_t> all;
    for (const auto item : values.at(id).items) {
      const auto& number = values.at(item);
      if (number.kind != detail::ValueKind::integer) detail::refuse_archive("its ", what, " has an element that is no integer below 2^63");
      if (number.integer < 0) detail::refuse_archive("its ", what, " has the negative element ", number.integer);
      all.push_back(number.integer);
    }
    return all;
  }

  void place(const detail::TorchContents& contents, const detail::StridedTensor& tensor,
             std::map<std::string, std::size_t, std::less<>>& known, const TorchArchiveLimits& limits) {
    const auto rank = contents.values.at(tensor.shape).items.size();
    if (rank > limits.rank) detail::refuse_archive("it has ", rank, " sides, at most ", limits.rank, " are read");
    TensorInfo info{.name = {}, .dtype = tensor.dtype, .shape = numbers(contents.values, tensor.shape, "shape")};
    Place made{.storage = storage(contents, contents.values.storages[tensor.storage], known), .offset = tensor.offset};
    made.strides = numbers(contents.values, tensor.strides, "strides");
    const auto bytes = byte_count(tensor.dtype, info.shape);
    if (!bytes) detail::refuse_archive("its shape overflows");
    made.bytes = *bytes;
    const std::uint64_t elements = storages_[made.storage].bytes.size() / size_of(tensor.dtype);
    std::uint64_t end = tensor.offset, row = 1;  // behind the last element; elements of an unbroken row so far
    bool fits = true;
    for (auto i = rank; i-- > 0 && *bytes != 0;) {
      const auto side = static_cast<std::uint64_t>(info.shape[i]), stride = static_cast<std::uint64_t>(made.strides[i]);
      std::uint64_t reach = 0;
      fits = fits && !__builtin_mul_overflow(side - 1, stride, &reach) && !__builtin_add_overflow(end, reach, &end);
      made.contiguous = made.contiguous && (side == 1 || stride == row);
      row *= side;
    }
    if (*bytes != 0) fits = fits && !__builtin_add_overflow(end, std::uint64_t{1}, &end);
    if (!fits || end > elements) {
      detail::refuse_archive("its offset, shape and strides reach beyond the ", elements, " elements of the storage '",
                             storages_[made.storage].key, "'");
    }
    if (made.bytes > storages_[made.storage].bytes.size() && made.bytes > limits.expanded_bytes) {
      detail::refuse_archive("it repeats its ", storages_[made.storage].bytes.size(), " bytes up to ", made.bytes, ", over the limit ",
                             limits.expanded_bytes);
    }
    tensors_.push_back(std::move(info));
    places_.push_back(std::move(made));
  }

  // In pieces, so that a storage larger than memory passes through.
  void check(std::size_t index) const {
    auto& storage = storages_[places_[index].storage];
    if (!storage.unchecked_crc) return;
    constexpr std::size_t piece = std::size_t{8} << 20;
    std::uint32_t crc = 0;
    for (std::size_t at = 0; at < storage.bytes.size(); at += piece) {
      const auto part = storage.bytes.subspan(at, std::min(piece, storage.bytes.size() - at));
      crc = detail::crc32<detail::kZipPolynomial>(part, crc);
      if (mapped_ && storage.bytes.size() > 8 * piece) release_pages(part);
    }
    if (crc != *storage.unchecked_crc) {
      fail(ErrorKind::data, source_, ": tensor '", tensors_[index].name, "': the storage '", storage.key,
           "' is damaged: its checksum differs; copy the file again");
    }
    storage.unchecked_crc.reset();
  }

  // Copies element by element in row-major order.
  static void gather(std::span<const std::int64_t> shape, const Place& place, const std::byte* from, std::byte* to, std::size_t size) {
    std::vector<std::int64_t> at(shape.size());
    const auto inner = shape.back(), step = place.strides.back();
    const auto bytes = static_cast<std::int64_t>(size);
    for (std::uint64_t done = 0; done < place.bytes;) {
      auto start = static_cast<std::int64_t>(place.offset);
      for (std::size_t i = 0; i + 1 < shape.size(); ++i) start += at[i] * place.strides[i];
      for (std::int64_t i = 0; i < inner; ++i, done += size) std::memcpy(to + done, from + (start + i * step) * bytes, size);
      for (auto i = shape.size() - 1; i-- > 0;) {
        if (++at[i] < shape[i]) break;
        at[i] = 0;
      }
    }
  }

  std::optional<MappedFile> mapped_;  // one of these two has the bytes
  std::vector<std::byte> held_;
  std::string source_;
  bool legacy_ = false;
  std::vector<TensorInfo> tensors_;
  std::vector<Place> places_;               // of tensors_
  mutable std::vector<Storage> storages_;  // mutable: a checksum is checked once
  std::map<std::string, std::string> metadata_;
  std::vector<SkippedObject> skipped_;
};

}  // namespace mgca::io
