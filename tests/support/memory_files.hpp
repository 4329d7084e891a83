// Files in memory that forget, on a power failure, some of what was not synced: each unsynced 512-byte block of a file is
// there or not, each unsynced change of a folder happened or not. What was synced stays.
#pragma once

#include <mgca/core/file.hpp>
#include <mgca/core/random.hpp>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

namespace mgca::test {

class MemoryFiles final : public Files {
 public:
  // This disk with power for so many operations; nothing that comes later reaches it.
  [[nodiscard]] MemoryFiles with_power_for(int64_t operations) && {
    left_ = operations;
    return std::move(*this);
  }
  // The same disk after a failure now: one of the legal states, chosen by the seed.
  [[nodiscard]] MemoryFiles after_power_failure(std::uint64_t seed) const {
    RandomStream random({.seed = seed}, Use::test);
    const auto kept = [&] { return random.below(2) == 1; };
    auto names = durable_;
    for (const auto& change : pending_) {
      if (!kept()) continue;
      if (!change.from.empty()) names.erase(change.from);
      if (change.content) names[change.name] = change.content;
      else names.erase(change.name);
    }
    MemoryFiles disk;
    std::map<const Content*, std::shared_ptr<Content>> copies;
    for (const auto& [name, content] : names) {
      auto& copy = copies[content.get()];
      if (!copy) copy = std::make_shared<Content>(survived(*content, kept));
      disk.durable_[name] = disk.names_[name] = copy;
    }
    return disk;
  }

  int create(const std::filesystem::path& path) override {
    operation(path);
    if (names_.contains(path)) fail_system(path, "create", EEXIST);
    auto content = std::make_shared<Content>();
    change({.name = path, .from = {}, .content = content});
    open_.push_back(std::move(content));
    return static_cast<int>(open_.size()) - 1;
  }
  int append(const std::filesystem::path& path, std::size_t size) override {
    if (!names_.contains(path) && size == 0) return create(path);
    operation(path);
    const auto it = names_.find(path);
    if (it == names_.end() || it->second->now.size() < size) fail_system(path, "continue", it == names_.end() ? ENOENT : EINVAL);
    it->second->now.resize(size);
    open_.push_back(it->second);
    return static_cast<int>(open_.size()) - 1;
  }
  std::size_t write(int file, std::span<const std::byte> bytes, const std::filesystem::path& path) override {
    operation(path);
    const auto some = bytes.first(std::min<std::size_t>(bytes.size(), 1000));
    auto& now = open_.at(static_cast<std::size_t>(file))->now;
    now.insert(now.end(), some.begin(), some.end());
    return some.size();
  }
  void sync(int file, const std::filesystem::path& path) override {
    operation(path);
    auto& content = *open_.at(static_cast<std::size_t>(file));
    content.synced = content.now;
  }
  void close(int, const std::filesystem::path& path) override { operation(path); }
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    operation(to);
    change({.name = to, .from = from, .content = names_.at(from)});
  }
  void sync_folder(const std::filesystem::path& folder) override {
    operation(folder);
    const auto inside = [&](const std::filesystem::path& path) { return path.parent_path() == folder; };
    std::erase_if(durable_, [&](const auto& entry) { return inside(entry.first); });
    for (const auto& [name, content] : names_) {
      if (inside(name)) durable_[name] = content;
    }
    std::erase_if(pending_, [&](const Change& change) { return inside(change.name); });
  }
  void remove(const std::filesystem::path& path) override {
    operation(path);
    if (!names_.contains(path)) fail_system(path, "remove", ENOENT);
    change({.name = path, .from = {}, .content = nullptr});
  }
  std::vector<std::string> list(const std::filesystem::path& folder) override {
    operation(folder);
    std::vector<std::string> names;
    for (const auto& [name, content] : names_) {
      if (name.parent_path() == folder) names.push_back(name.filename());
    }
    return names;
  }
  std::vector<std::byte> read(const std::filesystem::path& path) override {
    operation(path);
    const auto it = names_.find(path);
    if (it == names_.end()) fail_system(path, "open", ENOENT);
    return it->second->now;
  }

 private:
  struct Content {
    std::vector<std::byte> now, synced;
  };
  struct Change {  // content null: the name goes
    std::filesystem::path name, from;
    std::shared_ptr<Content> content;
  };

  void operation(const std::filesystem::path& path) {
    if (--left_ < 0) fail_system(path, "reach the disk", EIO);
  }
  void change(Change change) {
    if (!change.from.empty()) names_.erase(change.from);
    if (change.content) names_[change.name] = change.content;
    else names_.erase(change.name);
    pending_.push_back(std::move(change));
  }
  template <class Kept>
  static Content survived(const Content& content, Kept&& kept) {
    auto bytes = content.synced;
    for (std::size_t at = content.synced.size(); at < content.now.size(); at += 512) {
      if (!kept()) continue;  // a later block may have arrived all the same: this one is then a hole of zeros
      const auto end = std::min(at + 512, content.now.size());
      bytes.resize(end);
      std::copy(content.now.begin() + static_cast<std::ptrdiff_t>(at), content.now.begin() + static_cast<std::ptrdiff_t>(end),
                bytes.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return {bytes, bytes};
  }

  std::map<std::filesystem::path, std::shared_ptr<Content>> names_, durable_;
  std::vector<Change> pending_;
  std::vector<std::shared_ptr<Content>> open_;
  int64_t left_ = INT64_MAX;
};

}  // namespace mgca::test
