#include "narrator.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <variant>

namespace study {

void Narrator::operator()(std::string_view event, std::span<const mgca::Field> fields) {
  const auto field = [&](std::string_view name) {
    return std::find_if(fields.begin(), fields.end(), [&](const auto& one) { return one.name == name; });
  };
  const auto number = [&](std::string_view name) {
    const auto it = field(name);
    if (it == fields.end()) return std::nan("");
    if (const auto* real = std::get_if<double>(&it->value)) return *real;
    return static_cast<double>(std::get<std::int64_t>(it->value));
  };
  const auto whole = [&](std::string_view name) { return std::to_string(static_cast<std::int64_t>(number(name))); };
  const auto text = [&](std::string_view name) { return std::get<std::string>(field(name)->value); };
  const auto rows = [&] { return text("rows").empty() ? "" : " (rows " + text("rows") + ")"; };
  const auto epoch = [&] { return std::to_string(static_cast<std::int64_t>(number("epoch")) + 1); };
  if (event == "step") {
    progress_.update(static_cast<std::int64_t>(number("step")), static_cast<std::int64_t>(number("steps")),
                     "loss " + console::number(number("loss")) + held_out_);
  } else if (event == "epoch") {
    held_out_ = "  held-out loss " + console::number(number("val_loss"));
    if (lines_ == Lines::per_run) return;
    progress_.finish();
    const double waited = number("loader_seconds") / number("training_seconds");
    console::line("  epoch " + epoch() + "/" + whole("epochs") + "   loss " + console::number(number("loss")) + " " + held_out_ +
                  (field("val_acc5") == fields.end() ? "" : "   held-out top-5 " + console::percent(number("val_acc5"))) +
                  (waited > 0.05 ? "   waited for data " + console::percent(waited) + " of the time; more loader.threads may help" : ""));
  } else if (event == "resumed") {
    console::line("  resuming in epoch " + epoch() + " after step " + whole("step"));
  } else if (event == "checkpoint_unreadable") {
    warn("a checkpoint is passed over: " + text("reason"));
  } else if (event == "checkpoint_failed") {
    warn("no checkpoint was saved after step " + whole("step") + ": " + text("reason"));
  } else if (event == "skipped_steps") {
    warn(whole("in_all") + " steps had gradients that are not finite and were skipped, the last one step " + whole("step") + rows());
  } else if (event == "loader_slow") {
    warn("batch " + whole("batch") + " of epoch " + epoch() + " is not ready after " + whole("seconds") + " s" + rows());
  } else if (event == "bad_samples") {
    warn(whole("count") + " pictures cannot be read" + rows() + "; source.bad says what happens to them");
  } else if (event == "threads_changed") {
    warn("the run began with " + whole("saved") + " compute threads and goes on with " + whole("now") +
         "; results can differ in the last bits");
  } else if (event == "ranks_changed") {
    warn("the run began with " + whole("saved") + " ranks and goes on with " + whole("now") +
         "; results can differ in the last bits, and what is told per rank (negatives, Sinkhorn, batch norms) now has other samples");
  } else if (event == "device_changed" || event == "library_changed") {
    warn("the run began on " + text("saved") + " and goes on with " + text("now") + "; results can differ in the last bits");
  }
}

void Narrator::warn(const std::string& text) {
  progress_.finish();
  console::note("  warning: " + text);
}

}  // namespace study
