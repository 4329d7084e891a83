// Masks as runs of marked pixels, and the texts that data sets write them in.
// References: SIIM-ACR Pneumothorax (relative runs), Kaggle's competitions (absolute runs), COCO's annotation format (counts).
#pragma once

#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

// The runs of a mask, column by column: pixel (y, x) stands at x * height + y.
struct RunLengthMask {
  struct Run {
    std::int64_t start, length;  // places, counted from 0
    friend bool operator==(const Run&, const Run&) = default;
  };
  std::int64_t height = 0, width = 0;
  std::vector<Run> runs;  // ascending, not touching each other
  friend bool operator==(const RunLengthMask&, const RunLengthMask&) = default;
};

namespace image {

// All walk down the columns. An empty mask of pairs is "-1".
enum class RunForm : std::uint8_t {
  relative,    // SIIM-ACR: pairs of gap and length, the gap counted from the end of the run before
  absolute,    // Kaggle: pairs of start, counted from 1, and length
  counts,      // COCO: lengths of unmarked and marked stretches in turn, down to the last pixel
  compressed,  // COCO: the counts as printable characters
};
constexpr auto names_of(RunForm) { return std::to_array<std::string_view>({"relative", "absolute", "counts", "compressed"}); }

namespace detail {

[[nodiscard]] inline std::int64_t pixels_of(const ImageSize& size) {
  std::int64_t pixels = 0;
  MGCA_CHECK(size.height > 0 && size.width > 0 && size.channels == 1 && !__builtin_mul_overflow(size.height, size.width, &pixels),
             "run-length mask: expected one channel of at least 1 x 1 pixels, got ", size.height, " x ", size.width, " x ", size.channels);
  return pixels;
}

template <class... Pieces>
[[noreturn]] void malformed(const Pieces&... pieces) {
  fail(ErrorKind::data, "run-length mask: ", pieces...);
}

// Appends runs, checks each, joins those that touch.
class MaskBuilder {
 public:
  explicit MaskBuilder(const ImageSize& size) : pixels_(pixels_of(size)), mask_{.height = size.height, .width = size.width, .runs = {}} {}

  [[nodiscard]] std::int64_t pixels() const { return pixels_; }
  [[nodiscard]] std::int64_t end() const { return end_; }  // of the last run
  void add(std::int64_t gap, std::int64_t length) {
    ++number_;
    if (gap < 0) malformed("run ", number_, " begins ", gap, " pixels from the end of the run before it; runs ascend and do not overlap");
    if (length <= 0) malformed("run ", number_, " has length ", length, "; expected 1 or more");
    if (gap > pixels_ - end_ || length > pixels_ - end_ - gap) {
      malformed("run ", number_, " (", length, " pixels after a gap of ", gap, ") ends beyond the last of ", mask_.height, " x ",
                mask_.width, " pixels");
    }
    if (gap == 0 && !mask_.runs.empty()) mask_.runs.back().length += length;
    else mask_.runs.push_back({end_ + gap, length});
    end_ += gap + length;
  }
  [[nodiscard]] RunLengthMask mask() { return std::move(mask_); }

 private:
  std::int64_t pixels_, end_ = 0, number_ = 0;
  RunLengthMask mask_;
};

// COCO's counts, one by one.
class CountsBuilder {
 public:
  explicit CountsBuilder(const ImageSize& size) : runs_(size) {}

  void add(std::int64_t count) {
    ++number_;
    if (count < 0 || (count == 0 && number_ > 1)) malformed("count ", number_, " is ", count, "; expected 1 or more, 0 in the first alone");
    if (count > runs_.pixels() - place_) malformed("count ", number_, " (", count, ") ends beyond the last of ", runs_.pixels(), " pixels");
    if (number_ % 2 == 0) runs_.add(place_ - runs_.end(), count);
    place_ += count;
  }
  [[nodiscard]] RunLengthMask mask() {
    if (place_ != runs_.pixels()) malformed("the counts cover ", place_, " of ", runs_.pixels(), " pixels; is the size right?");
    return runs_.mask();
  }

 private:
  MaskBuilder runs_;
  std::int64_t number_ = 0, place_ = 0;
};

// The whole numbers of a text, between spaces.
class Numbers {
 public:
  explicit Numbers(std::string_view text) : text_(text) { skip(); }

  [[nodiscard]] bool done() const { return text_.empty(); }
  [[nodiscard]] std::int64_t next() {
    ++number_;
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    if (code == std::errc::result_out_of_range) malformed("number ", number_, " does not fit 64 bits");
    if (code != std::errc() || (!text_.empty() && !blank(text_.front()))) malformed("number ", number_, " is not a whole number");
    skip();
    return value;
  }

 private:
  static bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  void skip() {
    while (!text_.empty() && blank(text_.front())) text_.remove_prefix(1);
  }

  std::string_view text_;
  std::int64_t number_ = 0;
};

inline RunLengthMask read_pairs(std::string_view text, RunForm form, const ImageSize& size) {
  MaskBuilder runs(size);
  Numbers numbers(text);
  for (std::int64_t pair = 1; !numbers.done(); ++pair) {
    const auto start = numbers.next();
    if (numbers.done()) {
      if (pair == 1 && start == -1) break;
      malformed("ends within pair ", pair, "; expected pairs of start and length");
    }
    const auto length = numbers.next();
    if (form == RunForm::absolute && start < 1) malformed("run ", pair, " starts at ", start, "; expected 1 or more");
    runs.add(form == RunForm::absolute ? start - 1 - runs.end() : start, length);
  }
  return runs.mask();
}

inline RunLengthMask read_compressed(std::string_view text, const ImageSize& size) {
  constexpr int longest = 12;  // characters of five bits in a number
  CountsBuilder counts(size);
  std::array<std::int64_t, 2> before{};  // every count after the third is written as the difference to the last but one
  std::size_t at = 0;
  for (std::int64_t number = 0; at < text.size(); ++number) {
    std::int64_t value = 0;
    for (int digits = 0;; ++digits) {
      if (at == text.size()) malformed("ends within count ", number + 1);
      const int bits = text[at++] - '0';
      if (bits < 0 || bits > 63) malformed("character ", at, " is none of COCO's compressed form ('0' to 'o')");
      if (digits == longest) malformed("count ", number + 1, " does not fit 60 bits");
      value |= std::int64_t{bits & 31} << (5 * digits);
      if ((bits & 32) != 0) continue;
      if ((bits & 16) != 0) value -= std::int64_t{1} << (5 * (digits + 1));
      break;
    }
    if (number > 2) value += before[0];  // both below 2^61
    counts.add(value);
    before = {before[1], value};
  }
  return counts.mask();
}

}  // namespace detail

// Throws Error(data) with the reason, which names runs by number but no image: a caller adds whose mask it is. Refused: an empty text,
// half a pair, words that are no whole numbers, numbers over 64 bits, negative starts and lengths, length 0, overlaps, what ends
// beyond the last pixel, counts that do not reach it.
[[nodiscard]] inline RunLengthMask parse_mask(std::string_view text, RunForm form, const ImageSize& size) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    detail::malformed("the text is empty; expected runs, or -1 for an empty mask of pairs");
  }
  if (form == RunForm::compressed) return detail::read_compressed(text, size);
  if (form != RunForm::counts) return detail::read_pairs(text, form, size);
  detail::CountsBuilder counts(size);
  for (detail::Numbers numbers(text); !numbers.done();) counts.add(numbers.next());
  return counts.mask();
}

// From COCO's counts as they stand in JSON. Throws as parse_mask.
[[nodiscard]] inline RunLengthMask mask_of_counts(std::span<const std::int64_t> counts, const ImageSize& size) {
  detail::CountsBuilder builder(size);
  for (const auto count : counts) builder.add(count);
  return builder.mask();
}

// Throws Error(argument) unless the runs ascend inside the mask.
inline void require_valid(const RunLengthMask& mask) {
  const auto pixels = detail::pixels_of({.height = mask.height, .width = mask.width});
  std::int64_t end = 0;
  for (const auto& run : mask.runs) {
    MGCA_CHECK(run.start >= end && run.length > 0 && run.start <= pixels && run.length <= pixels - run.start, "run-length mask: run of ",
               run.length, " pixels at ", run.start, " overlaps the one before it or ends beyond ", mask.height, " x ", mask.width,
               " pixels");
    end = run.start + run.length;
  }
}

[[nodiscard]] inline std::vector<std::int64_t> counts_of(const RunLengthMask& mask) {
  require_valid(mask);
  std::vector<std::int64_t> counts;
  std::int64_t end = 0;
  for (const auto& run : mask.runs) {
    counts.insert(counts.end(), {run.start - end, run.length});
    end = run.start + run.length;
  }
  if (const auto pixels = mask.height * mask.width; end < pixels) counts.push_back(pixels - end);
  return counts;
}

[[nodiscard]] inline std::string mask_text(const RunLengthMask& mask, RunForm form) {
  std::string text;
  auto counts = counts_of(mask);
  if (form == RunForm::compressed) {
    for (std::size_t i = 0; i < counts.size(); ++i) {
      auto rest = i > 2 ? counts[i] - counts[i - 2] : counts[i];
      for (bool more = true; more;) {
        const auto bits = rest & 31;
        rest >>= 5;
        more = rest != ((bits & 16) != 0 ? -1 : 0);
        text += static_cast<char>('0' + (bits | (more ? 32 : 0)));
      }
    }
    return text;
  }
  if (form != RunForm::counts) {
    if (mask.runs.empty()) return "-1";
    counts.resize(2 * mask.runs.size());
    for (std::size_t i = 0; i < mask.runs.size() && form == RunForm::absolute; ++i) counts[2 * i] = mask.runs[i].start + 1;
  }
  for (const auto count : counts) text += (text.empty() ? "" : " ") + std::to_string(count);
  return text;
}

}  // namespace image
}  // namespace mgca
