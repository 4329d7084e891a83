// The stack, marks and memo of a pickle machine; what is missing from them is a refusal.
#pragma once

#include <mgca/io/detail/pickle_value.hpp>

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mgca::io::detail {

struct PickleLimits {
  std::size_t values = 2'000'000;
  std::size_t depth = 1000;  // marks open at a time
};

class PickleStack {
 protected:
  explicit PickleStack(const PickleLimits& limits) : limits_(limits) {}

  void push(ValueId id) { stack_.push_back(id); }
  void push(Value value) {
    check_size();
    push(values_.add(std::move(value)));
  }
  void check_size() const {
    if (values_.all.size() >= limits_.values) refuse_archive("more than ", limits_.values, " values");
  }
  void mark() {
    if (marks_.size() >= limits_.depth) refuse_archive("more than ", limits_.depth, " open marks");
    marks_.push_back(stack_.size());
  }
  [[nodiscard]] std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  [[nodiscard]] ValueId pop() {
    if (stack_.size() <= floor()) refuse_archive("a value is taken from an empty stack");
    const auto id = stack_.back();
    stack_.pop_back();
    return id;
  }
  [[nodiscard]] ValueId top() const {
    if (stack_.size() <= floor()) refuse_archive("a value is wanted from an empty stack");
    return stack_.back();
  }
  // What was pushed since the last mark.
  [[nodiscard]] std::vector<ValueId> pop_mark() {
    if (marks_.empty()) refuse_archive("a mark is wanted and none is set");
    std::vector<ValueId> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  void tuple(std::size_t count) {
    std::vector<ValueId> items(count);
    while (count > 0) items[--count] = pop();
    push(Value{.kind = ValueKind::tuple, .items = std::move(items)});
  }

  void remember(std::uint64_t key) { memo_[key] = top(); }
  void remember_next() { remember(memo_.size()); }
  void recall(std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) refuse_archive("the memo has no entry ", key);
    push(found->second);
  }


  void append(const std::vector<ValueId>& items, ValueKind kind) {
    auto& target = values_.at(top());
    if (target.kind == ValueKind::object) {
      for (const auto item : items) target.items.insert(target.items.end(), {kNoValue, item});
    } else if (target.kind == kind) {
      target.items.insert(target.items.end(), items.begin(), items.end());
    } else {
      refuse_archive("items are added to something that is no ", kind == ValueKind::set ? "set" : "list");
    }
  }
  void set_items(const std::vector<ValueId>& items) {
    auto& target = values_.at(top());
    if (target.kind != ValueKind::dict && target.kind != ValueKind::object) refuse_archive("items are set in something that is no dict");
    if (items.size() % 2 != 0) refuse_archive("a key without a value");
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  PickleLimits limits_;
  PickleValues values_;
  std::vector<ValueId> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, ValueId> memo_;
};

}  // namespace mgca::io::detail
