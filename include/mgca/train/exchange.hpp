// The ranks a training run trains with, and what they pass each other from host to host.
#pragma once

#include <mgca/tensor/process_group.hpp>
#include <mgca/tensor/torch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mgca {

// All groups have the same ranks. There are three because operations of one group must follow each other alike on all ranks, and the loop's
// sums begin in the middle of a backward pass, at moments that may differ from rank to rank.
struct Ranks {
  ProcessGroup& data;     // of the parameters' device: gradients and statistics, by the loop alone
  ProcessGroup& control;  // on the CPU: small exchanges, which wait for no device
  ProcessGroup& peers;    // of the parameters' device: what losses and norms exchange within a step

  [[nodiscard]] int64_t rank() const { return control.rank(); }
  [[nodiscard]] int64_t size() const { return control.size(); }
};

// Is it this process that writes files and speaks? No ranks: it is alone.
[[nodiscard]] inline bool speaks(const Ranks* ranks) { return ranks == nullptr || ranks->rank() == 0; }

// Every rank's text, in order of ranks.
[[nodiscard]] inline std::vector<std::string> gather_texts(ProcessGroup& control, std::string_view mine) {
  const auto lengths = control.gather(torch::tensor({static_cast<int64_t>(mine.size())}));
  const auto* length = lengths.const_data_ptr<int64_t>();
  const auto longest = *std::max_element(length, length + control.size());
  std::vector<std::string> texts(static_cast<std::size_t>(control.size()));
  if (longest == 0) return texts;
  auto padded = torch::zeros({1, longest}, torch::kUInt8);
  std::memcpy(padded.mutable_data_ptr<uint8_t>(), mine.data(), mine.size());
  const auto all = control.gather(padded);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    texts[i].assign(reinterpret_cast<const char*>(all.const_data_ptr<uint8_t>()) + static_cast<int64_t>(i) * longest, static_cast<std::size_t>(length[i]));
  }
  return texts;
}

// Rank 0's bytes, on every rank; what the others pass is not looked at.
[[nodiscard]] inline std::vector<std::byte> copy_bytes(ProcessGroup& control, std::vector<std::byte> bytes) {
  auto size = torch::tensor({static_cast<int64_t>(bytes.size())});
  control.copy(size, 0);
  bytes.resize(static_cast<std::size_t>(*size.const_data_ptr<int64_t>()));
  constexpr std::size_t kPiece = std::size_t{1} << 28;  // what one operation carries
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    const auto piece = std::span(bytes).subspan(at, std::min(kPiece, bytes.size() - at));
    control.copy(torch::from_blob(piece.data(), {static_cast<int64_t>(piece.size())}, torch::kUInt8), 0);
  }
  return bytes;
}

// The rows of all ranks in order of ranks, on the CPU, (n, ...) each; ranks may have different numbers of them, and one that has none need not
// know how long they are: (0, 0) does.
[[nodiscard]] inline Tensor gather_rows(ProcessGroup& control, const Tensor& mine) {
  const auto n = mine.size(0), length = n == 0 ? 0 : mine.numel() / n;
  const auto shapes = control.gather(torch::tensor({n, length}).unsqueeze(0));  // (ranks, 2)
  const auto shape = shapes.accessor<int64_t, 2>();
  int64_t in_all = 0, most = 0, longest = 0;
  for (int64_t rank = 0; rank < control.size(); ++rank) {
    in_all += shape[rank][0];
    most = std::max(most, shape[rank][0]);
    longest = std::max(longest, shape[rank][1]);
  }
  if (in_all == 0) return mine;
  auto padded = torch::zeros({1, most, longest}, mine.options());
  if (n > 0) padded[0].narrow(0, 0, n).copy_(mine.reshape({n, longest}));
  const auto all = control.gather(padded);  // (ranks, most, longest)
  std::vector<Tensor> rows;
  for (int64_t rank = 0; rank < control.size(); ++rank) rows.push_back(all[rank].narrow(0, 0, shape[rank][0]));
  auto sizes = mine.sizes().vec();
  if (n == 0 && c10::multiply_integers(mine.sizes().slice(1)) != longest) sizes = {0, longest};
  sizes[0] = in_all;
  return torch::cat(rows).view(sizes);
}

// The values of all ranks in order of ranks, of one program on machines of one kind: their bytes travel.
template <class T>
  requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::vector<T> gather_values(ProcessGroup& control, std::vector<T> mine) {
  const auto bytes = torch::from_blob(mine.data(), {static_cast<int64_t>(mine.size()), static_cast<int64_t>(sizeof(T))}, torch::kUInt8);
  const Tensor all = gather_rows(control, bytes);
  std::vector<T> values(static_cast<std::size_t>(all.size(0)));
  if (!values.empty()) std::memcpy(static_cast<void*>(values.data()), all.const_data_ptr<uint8_t>(), values.size() * sizeof(T));
  return values;
}

}  // namespace mgca
