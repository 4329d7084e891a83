// What a person sees: the only place of the program that prints.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/event.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace console {

// Exit codes of the program, documented in docs/program.md.
enum class Exit : int {
  success = 0,
  unexpected = 1,    // an error nobody foresaw: please report it
  usage = 2,         // the command line is wrong
  config = 3,        // a configuration key or value is wrong
  data = 4,          // a file's content is wrong
  system = 5,        // the operating system refused: missing file, full disk, no memory
  interrupted = 130, // Ctrl-C; the run can be resumed
  terminated = 143,  // SIGTERM; the run can be resumed
};

[[nodiscard]] Exit exit_code(mgca::ErrorKind kind);

void line(std::string_view text);    // one line on standard output
void note(std::string_view text);    // one line on standard error
void heading(std::string_view text);

// A table; columns of numbers are aligned to the right.
void table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

[[nodiscard]] std::string number(double value, int digits = 3);
[[nodiscard]] std::string percent(double fraction, int digits = 1);
[[nodiscard]] std::string count(std::int64_t value);      // 1210, 453 k, 158.4 M
[[nodiscard]] std::string bytes(std::uintmax_t value);    // 23.5 GB
[[nodiscard]] std::string duration(double seconds);

// Progress of one piece of work: a bar on a terminal, otherwise at most one line every `quiet_seconds`.
class Progress {
 public:
  explicit Progress(std::string label, double quiet_seconds = 10);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::int64_t done, std::int64_t total, std::string_view detail);
  void finish();

 private:
  std::string label_;
  double quiet_seconds_;
  bool terminal_;
  bool open_ = false;
  std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace console
