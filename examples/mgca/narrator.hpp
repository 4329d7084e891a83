// Tells a person what the loop reports.
#pragma once

#include "console.hpp"
#include "study.hpp"

#include <mgca/core/event.hpp>

#include <span>
#include <string>
#include <string_view>

namespace study {

// An event sink of mgca::fit and of loaders.
class Narrator {
 public:
  explicit Narrator(Lines lines) : lines_(lines), progress_("  training", lines == Lines::per_epoch ? 10 : 60) {}
  void operator()(std::string_view event, std::span<const mgca::Field> fields);
  void finish() { progress_.finish(); }

 private:
  void warn(const std::string& text);

  Lines lines_;
  console::Progress progress_;
  std::string held_out_;
};

}  // namespace study
