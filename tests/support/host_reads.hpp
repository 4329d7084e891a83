// Which operators made the host wait for the device. On a CPU they cost nothing, so only counting them shows what a GPU
// would wait for.
#pragma once

#include <mgca/tensor/torch.hpp>

#include <ATen/record_function.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace mgca::test {

// Counts while it lives; one at a time. Not inside the fused optimiser kernel: on the CPU it reads its own step counters,
// which lie in host memory; on a GPU it does not.
class HostReads {
 public:
  HostReads() {
    const std::lock_guard lock(mutex());
    seen().clear();
    operators() = 0;
    handle_ = at::addGlobalCallback(at::RecordFunctionCallback(&enter, &leave).scopes({at::RecordScope::FUNCTION}));
  }
  ~HostReads() { at::removeCallback(handle_); }
  HostReads(const HostReads&) = delete;
  HostReads& operator=(const HostReads&) = delete;

  [[nodiscard]] static int64_t operator_count() { return operators(); }
  [[nodiscard]] static std::multiset<std::string> reads() {
    const std::lock_guard lock(mutex());
    return seen();
  }

 private:
  struct Inside : at::ObserverContext {};

  static std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& function) {
    static const std::set<std::string> waiting{"aten::_local_scalar_dense", "aten::item", "aten::is_nonzero", "aten::nonzero", "aten::masked_select",
                                               "aten::equal", "aten::allclose", "aten::_unique", "aten::_unique2", "aten::unique_dim"};
    ++operators();
    const std::string name = function.name();
    if (name == "aten::_fused_adamw_") {
      ++fused();
      return std::make_unique<Inside>();
    }
    if (fused() == 0 && waiting.contains(name)) {
      const std::lock_guard lock(mutex());
      seen().insert(name);
    }
    return nullptr;
  }
  static void leave(const at::RecordFunction&, at::ObserverContext* context) {
    if (context != nullptr) --fused();
  }

  static std::multiset<std::string>& seen() {
    static std::multiset<std::string> names;
    return names;
  }
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }
  static std::atomic<int64_t>& operators() {
    static std::atomic<int64_t> count = 0;
    return count;
  }
  static int& fused() {
    static thread_local int depth = 0;
    return depth;
  }

  at::CallbackHandle handle_;
};

}  // namespace mgca::test
