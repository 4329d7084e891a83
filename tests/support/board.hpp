// A meeting place of ranks in memory, which can be put out of reach.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/ranks.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace mgca::test {

class Board : public RankStore {
 public:
  void set(const std::string& key, const std::string& value) override {
    reach();
    const std::lock_guard lock(mutex_);
    texts_[key] = value;
  }
  std::optional<std::string> find(const std::string& key) override {
    reach();
    const std::lock_guard lock(mutex_);
    const auto it = texts_.find(key);
    return it == texts_.end() ? std::nullopt : std::optional(it->second);
  }
  std::int64_t add(const std::string& key, std::int64_t amount) override {
    reach();
    const std::lock_guard lock(mutex_);
    return numbers_[key] += amount;
  }

  std::atomic<bool> gone = false, mute = false;  // by an error, in silence

 protected:
  void reach() const {
    while (mute) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (gone) fail(ErrorKind::system, "connection reset");
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> texts_;
  std::map<std::string, std::int64_t> numbers_;
};

// One rank's connection to a board that the others reach.
class Cable : public Board {
 public:
  explicit Cable(std::shared_ptr<Board> board) : board_(std::move(board)) {}
  void set(const std::string& key, const std::string& value) override { reach(), board_->set(key, value); }
  std::optional<std::string> find(const std::string& key) override { return reach(), board_->find(key); }
  std::int64_t add(const std::string& key, std::int64_t amount) override { return reach(), board_->add(key, amount); }

 private:
  std::shared_ptr<Board> board_;
};

}  // namespace mgca::test
