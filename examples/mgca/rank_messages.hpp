// What ranks say on standard error, put together: what several say in the same words is shown once.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace ranks {

// Rank 0 speaks for all: its lines are shown at once, as they are. A line of another rank waits a moment for others to say the same, and is shown with all
// that said it, unless rank 0 did. A rank's error, which is the line that begins with "mgca: " and all it says after that, waits until all ranks have ended.
class Messages {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Messages(std::int64_t world) : errors_(static_cast<std::size_t>(world)) {}

  void hear(std::int64_t rank, const std::string& line);
  void show_due();  // what has waited long enough
  // All ranks have ended: shows the rest. An error of all ranks is shown as it is; one that says `known`, which is shown elsewhere, is not.
  void end(const std::string& known);

  [[nodiscard]] std::string error_of_all() const;  // in the same words; empty: there is none

 private:
  struct Line {
    std::string text;
    std::vector<std::int64_t> ranks;  // that said it, in any order
    Clock::time_point since;
  };

  void show_first();
  static void show(const std::string& text, std::vector<std::int64_t> ranks);

  std::vector<Line> lines_;          // of the last moment, oldest first; those of rank 0 are on the screen already
  std::vector<std::string> errors_;  // by rank; empty: none
};

}  // namespace ranks
