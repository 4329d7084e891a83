// Declarations alone, of what libtorch's c10d/ProcessGroupGloo.hpp names of Gloo: libtorch exports Gloo's symbols and, as a wheel, ships no
// header of it. Nothing here may be constructed or derived from.
#pragma once

#include <chrono>
#include <memory>

namespace gloo {
namespace transport {
class Device;
class UnboundBuffer {
 public:
  virtual ~UnboundBuffer() = 0;
};
}  // namespace transport
class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};
}  // namespace gloo
