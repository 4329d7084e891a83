// The hooks of a run, and the records of those that have state.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/tensor/state_dict.hpp>
#include <mgca/train/task.hpp>

#include <map>
#include <string>
#include <tuple>
#include <type_traits>

namespace mgca::detail {

template <class... Hooks>
class HookList {
 public:
  explicit HookList(Hooks&... hooks) : hooks_(hooks...) {}

  // In argument order.
  template <class Call>
  void each(Call&& call) {
    std::apply([&](auto&... hook) { (call(hook), ...); }, hooks_);
  }

  // As JSON, by name; the second "keep_best" is "keep_best-2".
  [[nodiscard]] std::map<std::string, std::string> records() {
    std::map<std::string, std::string> all;
    each_described([&](const auto& hook, const std::string& name) { all[name] = to_json_text(hook, -1); });
    return all;
  }
  // The tensors of hooks that have some, as parts of a checkpoint.
  void add_tensors(std::map<std::string, StateDict>& parts) {
    each_described([&](const auto& hook, const std::string& name) {
      if constexpr (requires { hook.state(); }) parts["hook " + name] = hook.state();
    });
  }
  void restore_tensors(const std::map<std::string, StateDict>& parts) {
    each_described([&](auto& hook, const std::string& name) {
      if constexpr (requires { hook.state(); }) {
        const auto part = parts.find("hook " + name);
        hook.load_state(part == parts.end() ? StateDict{} : part->second);  // a part without tensors leaves no trace in the file
      }
    });
  }
  // Throws Error(config) where a record is not exactly its hook's fields.
  void restore(const std::map<std::string, std::string>& records) {
    each_described([&](auto& hook, const std::string& name) {
      const auto json = parse_json(records.at(name), name);
      JsonReader reader;
      std::size_t fields = 0;
      std::remove_cvref_t<decltype(hook)>::describe(hook, [&](const char* key, auto& member, const char*) {
        ++fields;
        if (const auto field = json.find(key); field != json.end()) reader.read(*field, member, key);
        else reader.problems.push_back(std::string(key) + ": missing");
      });
      if (json.size() != fields) {
        reader.problems.push_back("expected " + std::to_string(fields) + " fields, got " + std::to_string(json.size()));
      }
      throw_problems("the checkpoint's record of hook " + name, reader.problems);
    });
  }

 private:
  template <class Call>
  void each_described(Call&& call) {
    std::map<std::string, int> seen;
    each([&](auto& hook) {
      using Hook = std::remove_cvref_t<decltype(hook)>;
      if constexpr (Described<Hook>) {
        const int count = ++seen[std::string(Hook::name)];
        call(hook, std::string(Hook::name) + (count == 1 ? "" : "-" + std::to_string(count)));
      }
    });
  }

  std::tuple<Hooks&...> hooks_;
};

}  // namespace mgca::detail
