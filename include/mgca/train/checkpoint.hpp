// Everything a run needs to go on as if it had never stopped, in one file that is whole or absent.
// A file is one safetensors container; its metadata carries the run's record, a checksum per tensor and a seal over all of it,
// so that any changed bit is found. Generations are tried newest first; a damaged one is reported and left alone.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/core/event.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/tensor/weights_file.hpp>
#include <mgca/train/run_record.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

struct Checkpoint {
  RunRecord record;
  std::map<std::string, StateDict> parts;  // model, optimizer, meter, random, and "hook NAME" of hooks with tensors

  // Throws Error(data) where there is no such part.
  [[nodiscard]] const StateDict& part(const std::string& name) const {
    const auto it = parts.find(name);
    if (it == parts.end()) fail(ErrorKind::data, "the checkpoint of step ", record.step, " has no tensors of the ", name, "; it was not written by fit()");
    return it->second;
  }
};

namespace detail {

inline std::string seal_of(const std::string& record, const std::string& checksums, const std::vector<io::TensorRecord>& tensors) {
  Sha256 hash;
  hash.update(record).update("\n").update(checksums);
  for (const auto& tensor : tensors) {
    hash.update("\n").update(tensor.name).update(to_string(tensor.dtype));
    for (const auto side : tensor.shape) hash.update(" ").update(std::to_string(side));
  }
  return hash.hex_digest();
}

inline std::string checksums_of(const std::vector<io::TensorRecord>& tensors) {
  std::string all;
  for (const auto& tensor : tensors) {
    char text[24];
    std::snprintf(text, sizeof text, "%016llx ", static_cast<unsigned long long>(checksum(tensor.bytes)));
    all += text;
  }
  return all;
}

}  // namespace detail

// SHA-256 that changes with any name, type, shape or bit of the tensors.
[[nodiscard]] inline std::string content_hash(const StateDict& tensors) {
  const WeightRecords held(tensors);
  return detail::seal_of("", detail::checksums_of(held.records()), held.records());
}

namespace detail {

struct CheckpointFile {
  WeightRecords held;
  std::map<std::string, std::string> metadata;

  explicit CheckpointFile(const Checkpoint& checkpoint) : held(joined(checkpoint)) {
    metadata["record"] = to_json_text(checkpoint.record, -1);
    metadata["checksums"] = checksums_of(held.records());
    metadata["seal"] = seal_of(metadata["record"], metadata["checksums"], held.records());
  }
  static StateDict joined(const Checkpoint& checkpoint) {
    StateDict all;
    for (const auto& [part, tensors] : checkpoint.parts) {
      for (const auto& [name, value] : tensors) all.push_back({part + "/" + name, value});
    }
    return all;
  }
};

}  // namespace detail

// Replaces the file as a whole. Throws Error(system).
inline void write_checkpoint(Files& files, const std::filesystem::path& path, const Checkpoint& checkpoint) {
  const detail::CheckpointFile file(checkpoint);
  io::write_safetensors(files, path, file.held.records(), file.metadata);
}
// What write_checkpoint would write.
[[nodiscard]] inline std::vector<std::byte> serialize_checkpoint(const Checkpoint& checkpoint) {
  const detail::CheckpointFile file(checkpoint);
  return io::serialize_safetensors(file.held.records(), file.metadata);
}

// Throws Error(data) for damaged bytes; `path` names them.
[[nodiscard]] inline Checkpoint parse_checkpoint(std::vector<std::byte> bytes, const std::filesystem::path& path) {
  const auto file = io::Safetensors::parse(std::move(bytes), path.string());
  const std::vector<io::TensorRecord> tensors(file.tensors().begin(), file.tensors().end());
  const auto& metadata = file.metadata();
  for (const auto* key : {"record", "checksums", "seal"}) {
    if (!metadata.contains(key)) fail(ErrorKind::data, path.string(), ": not a checkpoint: metadata lacks '", key, "'");
  }
  if (metadata.at("checksums") != detail::checksums_of(tensors) ||
      metadata.at("seal") != detail::seal_of(metadata.at("record"), metadata.at("checksums"), tensors)) {
    fail(ErrorKind::data, path.string(), ": the checkpoint is damaged: its checksums do not match its content");
  }
  const auto json = detail::parse_json(metadata.at("record"), path.string());
  if (const auto format = json.find("format"); format == json.end() || *format != RunRecord::kFormat) {  // first: it says what the other keys mean
    const auto library = json.find("library");
    fail(ErrorKind::data, path.string(), ": checkpoint format ", format == json.end() ? "(absent)" : format->dump(), ", this version reads ",
         RunRecord::kFormat, "; use the version that wrote it (", library == json.end() ? "unknown" : library->dump(), ") or begin anew in another folder");
  }
  Checkpoint checkpoint{.record = from_json_text<RunRecord>(metadata.at("record"), path.string())};
  for (const auto& tensor : tensors) {
    const auto slash = tensor.name.find('/');
    if (slash == std::string::npos) fail(ErrorKind::data, path.string(), ": tensor '", tensor.name, "' belongs to no part");
    checkpoint.parts[tensor.name.substr(0, slash)].push_back({tensor.name.substr(slash + 1), to_tensor(tensor)});
  }
  return checkpoint;
}

// Throws Error(system) for an unreadable file and Error(data) for a damaged one.
[[nodiscard]] inline Checkpoint read_checkpoint(Files& files, const std::filesystem::path& path) { return parse_checkpoint(files.read(path), path); }
[[nodiscard]] inline Checkpoint read_checkpoint(const std::filesystem::path& path) { return read_checkpoint(posix_files(), path); }

// The generations of a run in one folder.
class CheckpointFolder {
 public:
  CheckpointFolder(std::filesystem::path folder, int64_t keep, Files& files = posix_files()) : folder_(std::move(folder)), keep_(keep), files_(&files) {
    MGCA_CHECK(keep >= 2, "checkpoints: keep must be 2 or more, so that a whole generation always exists; got ", keep);
    std::error_code code;
    std::filesystem::create_directories(folder_, code);
    if (code) fail_system(folder_, "create the folder", code.value());
  }

  // A new generation; older ones beyond `keep` go only after it is on disk.
  void save(const Checkpoint& checkpoint) {
    char name[40];
    std::snprintf(name, sizeof name, "step-%010lld.safetensors", static_cast<long long>(checkpoint.record.step));
    write_checkpoint(*files_, folder_ / name, checkpoint);
    auto whole = generations();
    std::erase_if(whole, [&](const std::string& other) { return other > name; });  // a later one could not be read, so it is no substitute
    while (static_cast<int64_t>(whole.size()) > keep_) {
      files_->remove(folder_ / whole.back());
      whole.pop_back();
    }
  }

  // The newest generation that is whole, or nothing where none was ever saved. Damaged ones are reported to the sink.
  // Throws Error(data) naming every file tried if there are some and none is whole.
  [[nodiscard]] std::optional<Checkpoint> newest(const EventSink& sink) const {
    std::string tried;
    for (const auto& name : generations()) {
      try {
        return read_checkpoint(*files_, folder_ / name);
      } catch (const Error& error) {
        tried += std::string("\n  ") + error.what();
        emit(sink, "checkpoint_unreadable", {{"file", (folder_ / name).string()}, {"reason", std::string(error.what())}});
      }
    }
    if (!tried.empty()) fail(ErrorKind::data, folder_.string(), ": no checkpoint is whole; move the folder away to begin anew. Tried:", tried);
    return std::nullopt;
  }

  // File names, newest first.
  [[nodiscard]] std::vector<std::string> generations() const {
    std::vector<std::string> names;
    for (auto& name : files_->list(folder_)) {
      if (name.starts_with("step-") && name.ends_with(".safetensors")) names.push_back(std::move(name));
    }
    std::sort(names.rbegin(), names.rend());
    return names;
  }

 private:
  std::filesystem::path folder_;
  int64_t keep_;
  Files* files_;
};

}  // namespace mgca
