// What happens to records whose picture cannot be read: stated beforehand, counted, and never more than a few.
#pragma once

#include <mgca/core/error.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace mgca {

enum class BadSamples : std::uint8_t {
  fail,     // the first one stops the run
  skip,     // its batch is one smaller; all others stay where they are
  replace,  // another record, drawn by address, takes its place as a whole: picture, report and labels
};
constexpr auto names_of(BadSamples) { return std::to_array<std::string_view>({"fail", "skip", "replace"}); }

struct BadSampleRule {
  BadSamples policy = BadSamples::fail;
  double limit = 0.01;  // share of the records; more bad ones stop the run whatever the policy

  static void describe(auto& self, auto&& field) {
    field("policy", self.policy, "what happens to records whose picture cannot be read");
    field("limit", self.limit, "share of the records; more bad ones stop the run");
  }
  void validate() const { MGCA_CHECK(limit >= 0 && limit <= 1, "bad_samples: limit is a share, 0 to 1, got ", limit); }
};

// The bad records found so far; may be told of one from several threads at once.
class BadSampleList {
 public:
  // `records`: of the whole data set, which the limit is a share of.
  BadSampleList(const BadSampleRule& rule, std::int64_t records) : rule_((rule.validate(), rule)), records_(records) {}

  // Throws Error(kind) with the reason where the policy is to fail, Error(data) with the first rows where there are too many.
  // `why` names the row. A record may be told again.
  void add(std::int64_t row, const std::string& why, ErrorKind kind = ErrorKind::data) {
    if (rule_.policy == BadSamples::fail) fail(kind, why);
    const std::lock_guard lock(mutex_);
    reasons_.try_emplace(row, why);
    if (static_cast<double>(reasons_.size()) <= rule_.limit * static_cast<double>(records_)) return;
    std::string text;
    std::size_t shown = 0;
    for (const auto& [number, reason] : reasons_) {
      if (++shown <= 10) text += "\n  row " + std::to_string(number) + ": " + reason;
    }
    fail(ErrorKind::data, reasons_.size(), " of ", records_, " pictures cannot be read, more than the limit of ", 100 * rule_.limit,
         " %; mend or remove these rows", shown > 10 ? ", the first of them:" : ":", text);
  }
  [[nodiscard]] std::int64_t count() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::int64_t>(reasons_.size());
  }
  // Reasons by row.
  [[nodiscard]] std::map<std::int64_t, std::string> reasons() const {
    const std::lock_guard lock(mutex_);
    return reasons_;
  }
  [[nodiscard]] const BadSampleRule& rule() const { return rule_; }

 private:
  BadSampleRule rule_;
  std::int64_t records_;
  mutable std::mutex mutex_;
  std::map<std::int64_t, std::string> reasons_;
};

}  // namespace mgca
