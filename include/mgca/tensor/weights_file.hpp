// State dicts in files: written as .safetensors, read from every kind of weight file.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/io/safetensors.hpp>
#include <mgca/io/weight_file.hpp>
#include <mgca/tensor/state_dict.hpp>

#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace mgca {

[[nodiscard]] inline torch::ScalarType scalar_type_of(io::Dtype dtype) {
  switch (dtype) {
    case io::Dtype::boolean: return torch::kBool;
    case io::Dtype::u8: return torch::kUInt8;
    case io::Dtype::i8: return torch::kInt8;
    case io::Dtype::i16: return torch::kInt16;
    case io::Dtype::i32: return torch::kInt32;
    case io::Dtype::i64: return torch::kInt64;
    case io::Dtype::u16: return torch::kUInt16;
    case io::Dtype::u32: return torch::kUInt32;
    case io::Dtype::u64: return torch::kUInt64;
    case io::Dtype::f16: return torch::kHalf;
    case io::Dtype::bf16: return torch::kBFloat16;
    case io::Dtype::f32: return torch::kFloat32;
    case io::Dtype::f64: return torch::kFloat64;
    case io::Dtype::f8_e4m3: return torch::kFloat8_e4m3fn;
    case io::Dtype::f8_e5m2: return torch::kFloat8_e5m2;
    case io::Dtype::f8_e4m3fnuz: return torch::kFloat8_e4m3fnuz;
    case io::Dtype::f8_e5m2fnuz: return torch::kFloat8_e5m2fnuz;
    case io::Dtype::f8_e8m0: return torch::kFloat8_e8m0fnu;
    case io::Dtype::c64: return torch::kComplexFloat;
    case io::Dtype::c128: return torch::kComplexDouble;
    default: break;
  }
  fail(ErrorKind::data, "weights: dtype ", to_string(dtype), " has no tensor type here");
}

[[nodiscard]] inline io::Dtype dtype_of(torch::ScalarType type) {
  switch (type) {
    case torch::kBool: return io::Dtype::boolean;
    case torch::kUInt8: return io::Dtype::u8;
    case torch::kInt8: return io::Dtype::i8;
    case torch::kInt16: return io::Dtype::i16;
    case torch::kInt32: return io::Dtype::i32;
    case torch::kInt64: return io::Dtype::i64;
    case torch::kUInt16: return io::Dtype::u16;
    case torch::kUInt32: return io::Dtype::u32;
    case torch::kUInt64: return io::Dtype::u64;
    case torch::kHalf: return io::Dtype::f16;
    case torch::kBFloat16: return io::Dtype::bf16;
    case torch::kFloat32: return io::Dtype::f32;
    case torch::kFloat64: return io::Dtype::f64;
    default: break;
  }
  fail(ErrorKind::argument, "weights: tensors of type ", torch::toString(type), " cannot be written");
}

// An own copy of a tensor's bytes as a CPU tensor.
[[nodiscard]] inline Tensor to_tensor(io::Dtype dtype, const std::vector<std::int64_t>& shape, std::span<const std::byte> bytes) {
  auto tensor = torch::empty(shape, torch::TensorOptions(scalar_type_of(dtype)));
  MGCA_CHECK(tensor.nbytes() == bytes.size(), "weights: ", bytes.size(), " bytes for a tensor of ", tensor.nbytes());
  if (!bytes.empty()) std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
  return tensor;
}
[[nodiscard]] inline Tensor to_tensor(const io::TensorRecord& record) { return to_tensor(record.dtype, record.shape, record.bytes); }

// Tensors of a dict as contiguous CPU memory that outlives the records pointing into it.
class WeightRecords {
 public:
  explicit WeightRecords(const StateDict& dict) {
    for (const auto& [name, value] : dict) {
      held_.push_back(value.detach().to(torch::kCPU).contiguous());
      const auto& tensor = held_.back();
      records_.push_back({.name = name,
                          .dtype = dtype_of(tensor.scalar_type()),
                          .shape = tensor.sizes().vec(),
                          .bytes = {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}});
    }
  }
  [[nodiscard]] const std::vector<io::TensorRecord>& records() const { return records_; }

 private:
  std::vector<Tensor> held_;
  std::vector<io::TensorRecord> records_;
};

struct Weights {
  StateDict tensors;
  std::map<std::string, std::string> metadata;
};

// One tensor of a weight file, read when it is asked for. Keeps references to the file and the entry.
[[nodiscard]] inline OfferedTensor offered(const io::WeightFile& file, const io::TensorInfo& info) {
  return {info.name, info.shape, [&file, &info] {
            try {
              std::vector<std::byte> scratch;
              auto tensor = to_tensor(info.dtype, info.shape, file.bytes(info, scratch));
              file.release(info);
              return tensor;
            } catch (const Error& error) {
              const std::string what = error.what(), path = file.path().string();
              fail(error.kind(), what.starts_with(path) ? "" : path + ": tensor '" + info.name + "': ", what);
            }
          }};
}

// Copies the tensors of a file into the module, one after another; see load_state_dict above.
inline LoadReport load_state_dict(torch::nn::Module& module, const io::WeightFile& file, Completeness completeness = Completeness::required) {
  std::vector<OfferedTensor> all;
  for (const auto& info : file.tensors()) all.push_back(offered(file, info));
  return load_state_dict(module, all, completeness);
}

// Reads a weight file of any kind: .safetensors, sharded ones, .pth, .pt, .ckpt, .bin. Throws Error(system) for an unreadable
// and Error(data) for a damaged file.
[[nodiscard]] inline Weights read_weights(const std::filesystem::path& path) {
  const auto file = io::WeightFile::open(path);
  Weights weights{.tensors = {}, .metadata = file.metadata()};
  for (const auto& info : file.tensors()) weights.tensors.push_back({info.name, offered(file, info).read()});
  return weights;
}

// Replaces the file atomically.
inline void write_weights(const std::filesystem::path& path, const Weights& weights) {
  const WeightRecords held(weights.tensors);
  io::write_safetensors(path, held.records(), weights.metadata);
}

}  // namespace mgca
