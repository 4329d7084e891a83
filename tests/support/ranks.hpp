// Ranks as threads of the test's process, each with a group of its own.
#pragma once

#include <mgca/tensor/process_group.hpp>

#include <exception>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mgca::test {

// In `work`, instead of CHECK, which is for one thread.
inline void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}
template <class Call>
void require_error(Call&& call, std::initializer_list<std::string_view> pieces) {
  std::string message;
  try {
    call();
  } catch (const Error& error) {
    message = error.what();
  }
  require(!message.empty(), "no mgca::Error was thrown");
  for (const auto piece : pieces) require(message.find(piece) != std::string::npos, "'" + std::string(piece) + "' is not in: " + message);
}

// Calls `work(rank)` for every rank at once. Throws what the lowest rank that failed has thrown.
template <class Work>
void on_threads(int64_t world, Work&& work) {
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(world));
  {
    std::vector<std::jthread> ranks;
    for (int64_t rank = 0; rank < world; ++rank) {
      ranks.emplace_back([&, rank] {
        try {
          work(rank);
        } catch (...) {
          errors[static_cast<std::size_t>(rank)] = std::current_exception();
        }
      });
    }
  }
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

// Calls `work(group)` on every rank at once; throws as above.
template <class Work>
void on_ranks(int64_t world, Work&& work) {
  const auto store = mgca::local_store();
  on_threads(world, [&](int64_t rank) {
    const auto group = mgca::connect_group(store, {.rank = rank, .world = world}, torch::kCPU, {.timeout = std::chrono::seconds(60)});
    work(*group);
  });
}

}  // namespace mgca::test
