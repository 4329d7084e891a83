#include "console.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <unistd.h>

namespace console {

Exit exit_code(mgca::ErrorKind kind) {
  switch (kind) {
    case mgca::ErrorKind::argument: return Exit::usage;
    case mgca::ErrorKind::config: return Exit::config;
    case mgca::ErrorKind::data: return Exit::data;
    case mgca::ErrorKind::system: return Exit::system;
  }
  return Exit::unexpected;
}

void line(std::string_view text) { std::cout << text << '\n' << std::flush; }
void note(std::string_view text) { std::cerr << text << '\n' << std::flush; }
void heading(std::string_view text) { std::cout << "\n" << text << "\n" << std::flush; }

namespace {
// Characters on the screen, counting a UTF-8 sequence once.
std::size_t screen_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}
}  // namespace

void table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  const auto is_number = [](const std::string& text) { return text.empty() || text == "undefined" || text.find_first_of("0123456789") <= 1; };
  std::vector<std::size_t> widths;
  std::vector<bool> right(header.size(), !rows.empty());
  for (const auto& cell : header) widths.push_back(screen_width(cell));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], screen_width(row[i]));
      right[i] = right[i] && i > 0 && is_number(row[i]);
    }
  }
  const auto print = [&](const std::vector<std::string>& row) {
    std::string text = "  ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - screen_width(row[i]), ' ');
      text += (i == 0 ? "" : "   ") + (right[i] ? padding + row[i] : row[i] + padding);
    }
    line(text.substr(0, text.find_last_not_of(' ') + 1));
  };
  print(header);
  std::size_t total = 0;
  for (const auto width : widths) total += width + 3;
  line("  " + std::string(total - 3, '-'));
  for (const auto& row : rows) print(row);
}

std::string number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}
std::string percent(double fraction, int digits) { return number(100 * fraction, digits) + " %"; }

std::string count(std::int64_t value) {
  const auto real = static_cast<double>(value);
  if (value < 10'000) return std::to_string(value);
  if (value < 1'000'000) return number(real / 1e3, 0) + " k";
  return number(real / 1e6, 1) + " M";
}

std::string bytes(std::uintmax_t value) { return number(static_cast<double>(value) / 1e9, 1) + " GB"; }

std::string duration(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  char text[64];
  if (whole < 60) std::snprintf(text, sizeof text, "%ld s", whole);
  else if (whole < 3600) std::snprintf(text, sizeof text, "%ld min %02ld s", whole / 60, whole % 60);
  else std::snprintf(text, sizeof text, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
  return text;
}

Progress::Progress(std::string label, double quiet_seconds)
    : label_(std::move(label)), quiet_seconds_(quiet_seconds), terminal_(::isatty(STDOUT_FILENO) == 1),
      start_(std::chrono::steady_clock::now()), last_(start_) {}

Progress::~Progress() { finish(); }

void Progress::update(std::int64_t done, std::int64_t total, std::string_view detail) {
  const auto now = std::chrono::steady_clock::now();
  const double since = std::chrono::duration<double>(now - last_).count();
  if (done < total && since < (terminal_ ? 0.1 : quiet_seconds_)) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double fraction = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0;
  std::string text = label_ + " ";
  if (terminal_) {
    constexpr int width = 24;
    const int filled = static_cast<int>(fraction * width);
    text += "[" + std::string(static_cast<std::size_t>(filled), '#') + std::string(static_cast<std::size_t>(width - filled), '.') + "] ";
  }
  text += std::to_string(done) + "/" + std::to_string(total);
  if (!detail.empty()) text += "  " + std::string(detail);
  if (done > 0 && done < total) text += "  " + duration(elapsed / fraction - elapsed) + " left";
  if (terminal_) {
    std::cout << "\r\033[K" << text << std::flush;
    open_ = true;
  } else {
    line(text);
  }
}

void Progress::finish() {
  if (open_) std::cout << "\r\033[K" << std::flush;
  open_ = false;
}

}  // namespace console
