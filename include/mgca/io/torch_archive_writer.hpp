// Tensors as a zip archive that Python reads with torch.load(FILE, weights_only=True): a collections.OrderedDict of them.
// Reference: torch/serialization.py (_save), PyTorchStreamWriter; Python 3.11, Lib/pickletools.py.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/utf8.hpp>
#include <mgca/io/detail/crc32.hpp>
#include <mgca/io/detail/pickle_globals.hpp>
#include <mgca/io/safetensors.hpp>  // TensorSource
#include <mgca/io/tensor_info.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::io {
namespace detail {

// Appends little-endian numbers and text.
class ByteText {
 public:
  std::string text;

  ByteText& number(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFFU);
    return *this;
  }
  ByteText& operator<<(std::string_view more) {
    text += more;
    return *this;
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(text)); }
};

// The pickle of an OrderedDict in protocol 2, without memo.
class PickleWriter {
 public:
  // `under`: the key of an outer dict that holds the one of the tensors; empty: there is none.
  [[nodiscard]] std::string dict(std::span<const TensorInfo> tensors, const std::map<std::string, std::string>& metadata,
                                 const std::string& under) {
    out_ << "\x80\x02";
    ordered_dict();
    out_ << "(";
    if (!under.empty()) {
      string(under);
      ordered_dict();
      out_ << "(";
    }
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      string(tensors[i].name);
      tensor(tensors[i], std::to_string(i));
    }
    out_ << (under.empty() ? "u" : "uu");
    if (!metadata.empty()) {  // an attribute of the outer dict, as torch's own _metadata is
      out_ << "}";
      string("metadata");
      out_ << "}(";
      for (const auto& [key, value] : metadata) {
        string(key);
        string(value);
      }
      out_ << "usb";
    }
    out_ << ".";
    return std::move(out_.text);
  }

 private:
  void ordered_dict() { out_ << "ccollections\nOrderedDict\n)R"; }
  void string(std::string_view text) {
    MGCA_CHECK(text.size() <= UINT32_MAX && first_invalid_utf8(text) == text.size(), "torch_archive: a name or metadata is not UTF-8");
    (out_ << "X").number(text.size(), 4) << text;
  }
  void integer(std::int64_t value) {
    if (value < INT32_MAX) {
      (out_ << "J").number(static_cast<std::uint64_t>(value), 4);
    } else {
      (out_ << "\x8a\x08").number(static_cast<std::uint64_t>(value), 8);
    }
  }
  void integers(std::span<const std::int64_t> values) {
    out_ << "(";
    for (const auto value : values) integer(value);
    out_ << "t";
  }

  // _rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict()); _v3 and the type where no typed storage exists.
  void tensor(const TensorInfo& info, std::string_view key) {
    std::string_view storage, type;
    for (const auto& typed : names::storages) storage = typed.dtype == info.dtype && storage.empty() ? typed.name : storage;
    for (const auto& typed : names::element_types) type = typed.dtype == info.dtype && type.empty() ? typed.name : type;
    MGCA_CHECK(!type.empty(), "torch_archive: tensor '", info.name, "' is of type ", to_string(info.dtype),
               ", which torch does not store; write safetensors");
    const auto bytes = static_cast<std::int64_t>(written_size("torch_archive", info));
    std::vector<std::int64_t> strides(info.shape.size());
    std::int64_t row = 1;
    for (auto i = info.shape.size(); i-- > 0;) {
      strides[i] = row;
      row *= info.shape[i] > 1 ? info.shape[i] : 1;
    }
    out_ << "ctorch._utils\n_rebuild_tensor_v" << (storage.empty() ? "3" : "2") << "\n((";
    string("storage");
    if (storage.empty()) {
      out_ << "ctorch.storage\nUntypedStorage\n";
    } else {
      out_ << "ctorch\n" << storage << "Storage\n";
    }
    string(key);
    string("cpu");
    integer(storage.empty() ? bytes : bytes / static_cast<std::int64_t>(size_of(info.dtype)));
    out_ << "tQ";
    integer(0);
    integers(info.shape);
    integers(strides);
    out_ << "\x89";
    ordered_dict();
    if (storage.empty()) out_ << "ctorch\n" << type << "\n";
    out_ << "tR";
  }

  ByteText out_;
};

// Stored entries whose data begin at multiples of 64, times of zero: the same tensors make the same bytes.
class ZipWriter {
 public:
  ZipWriter(Files& files, const std::filesystem::path& path) : file_(files, path) {}

  void entry(const std::string& name, std::span<const std::byte> bytes) {
    const auto crc = crc32<0xEDB88320U>(bytes);
    const bool large = bytes.size() >= kUnknown;
    const std::uint64_t header = at_;
    ByteText extra;
    if (large) extra.number(1, 2).number(16, 2).number(bytes.size(), 8).number(bytes.size(), 8);
    const auto before = header + 30 + name.size() + extra.text.size() + 4;
    const auto padding = (64 - before % 64) % 64;
    (extra << "FB").number(padding, 2) << std::string(padding, 'Z');
    ByteText local;
    (local << "PK\3\4").number(large ? 45 : 20, 2);
    describe(local, crc, bytes.size(), name.size(), extra.text.size());
    write((local << name << extra.text).bytes());
    write(bytes);

    ByteText far;
    if (large) far.number(bytes.size(), 8).number(bytes.size(), 8);
    if (header >= kUnknown) far.number(header, 8);
    ByteText field;
    if (!far.text.empty()) field.number(1, 2).number(far.text.size(), 2) << far.text;
    (directory_ << "PK\1\2").number(45, 2).number(field.text.empty() ? 20 : 45, 2);
    describe(directory_, crc, bytes.size(), name.size(), field.text.size());
    directory_.number(0, 2).number(0, 2).number(0, 2).number(0, 4).number(std::min(header, kUnknown), 4) << name << field.text;
    ++count_;
  }
  void commit() {
    const auto begin = at_, size = static_cast<std::uint64_t>(directory_.text.size());
    write(directory_.bytes());
    ByteText end;
    if (count_ >= 0xFFFF || begin >= kUnknown || size >= kUnknown) {
      const auto record = at_;
      (end << std::string_view("PK\6\6", 4)).number(44, 8).number(45, 2).number(45, 2).number(0, 8).number(count_, 8).number(count_, 8);
      end.number(size, 8).number(begin, 8) << "PK\6\7";
      end.number(0, 4).number(record, 8).number(1, 4);
    }
    const auto count = std::min<std::uint64_t>(count_, 0xFFFF);
    (end << "PK\5\6")
        .number(0, 4)
        .number(count, 2)
        .number(count, 2)
        .number(std::min(size, kUnknown), 4)
        .number(std::min(begin, kUnknown), 4)
        .number(0, 2);
    write(end.bytes());
    file_.commit();
  }

 private:
  static constexpr std::uint64_t kUnknown = 0xFFFFFFFF;  // stands in zip64 fields

  // Flags to length of the extra field, the same in both headers.
  static void describe(ByteText& out, std::uint32_t crc, std::uint64_t size, std::size_t name, std::size_t extra) {
    const auto short_size = std::min(size, kUnknown);
    out.number(0x0800, 2)
        .number(0, 2)
        .number(0, 2)
        .number(0, 2)
        .number(crc, 4)
        .number(short_size, 4)
        .number(short_size, 4)
        .number(name, 2)
        .number(extra, 2);
  }
  void write(std::span<const std::byte> bytes) {
    file_.write(bytes);
    at_ += bytes.size();
  }

  AtomicFile file_;
  std::uint64_t at_ = 0, count_ = 0;
  ByteText directory_;
};

}  // namespace detail

// Replaces the file as a whole, with never more than one tensor in memory; `metadata` becomes an attribute of the dict that
// torch ignores. With `under` the dict of tensors stands in another under this key, as Lightning's under "state_dict". Throws
// Error(argument) and leaves the old file for names that repeat, bytes that do not fit their shape and types that torch does
// not store.
inline void write_torch_archive(Files& files, const std::filesystem::path& path, std::span<const TensorInfo> tensors,
                                const std::map<std::string, std::string>& metadata, const TensorSource& source,
                                const std::string& under = "") {
  std::set<std::string_view> names;
  for (const auto& tensor : tensors) {
    MGCA_CHECK(names.insert(tensor.name).second, "torch_archive: two tensors have the name '", tensor.name, "'");
  }
  const auto pickle = detail::PickleWriter().dict(tensors, metadata, under);
  detail::ZipWriter zip(files, path);
  const auto text = [](std::string_view bytes) { return std::as_bytes(std::span(bytes)); };
  zip.entry("archive/data.pkl", text(pickle));
  zip.entry("archive/byteorder", text("little"));
  std::vector<std::byte> scratch;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto bytes = source(i, scratch);
    detail::check_written("torch_archive", tensors[i], bytes);
    zip.entry("archive/data/" + std::to_string(i), bytes);
  }
  zip.entry("archive/version", text("3\n"));
  zip.commit();
}

}  // namespace mgca::io
