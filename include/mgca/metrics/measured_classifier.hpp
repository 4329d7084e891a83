// One classifier on a test split, ready to be measured on any resample of its rows: what intervals and paired tests are made of.
#pragma once

#include <mgca/metrics/accuracy.hpp>
#include <mgca/metrics/bootstrap.hpp>
#include <mgca/metrics/precision_recall.hpp>
#include <mgca/metrics/ranked_scores.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

enum class LabelKind : std::uint8_t {
  independent,  // several findings at once, each present or absent; unknown ones are left out
  exclusive,    // one class of several
};
constexpr auto names_of(LabelKind) { return std::to_array<std::string_view>({"independent", "exclusive"}); }

// auroc and average_precision rank; the next six are of the calls; the last two of the probabilities.
enum class Measure : std::uint8_t { auroc, average_precision, f1, mcc, accuracy, balanced_accuracy, sensitivity, specificity, calibration_error, brier };
constexpr auto names_of(Measure) {
  return std::to_array<std::string_view>(
      {"auroc", "average_precision", "f1", "mcc", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "calibration_error", "brier"});
}
inline constexpr std::size_t kMeasures = names_of(Measure{}).size();

}  // namespace mgca

namespace mgca::metrics {
namespace detail {

using MeasureValues = std::array<std::optional<double>, kMeasures>;

inline constexpr std::size_t kBins = 10;  // of the calibration error

// One class against the rest, ready to be measured on any resample.
class OneClass {
 public:
  struct Input {
    ScoreColumn column;                // scores rank
    std::vector<float> probabilities;
    std::vector<std::uint8_t> called;  // empty: no call could be made
    std::vector<std::uint32_t> rows;   // of the table; empty: all of them
  };
  explicit OneClass(Input input) : in_(std::move(input)), ranked_(in_.column.scores, in_.column.labels) {}

  [[nodiscard]] MeasureValues measure(std::span<const std::uint32_t> times) const {
    std::vector<std::uint32_t> own;
    for (const auto row : in_.rows) own.push_back(times[row]);
    if (!own.empty()) times = own;
    MeasureValues out{};
    if (times.empty() || in_.column.scores.empty()) return out;
    const auto set = [&](Measure m, std::optional<double> value) { out[static_cast<std::size_t>(m)] = value; };
    set(Measure::auroc, ranked_.auc(times));
    set(Measure::average_precision, ranked_.average_precision(times));
    if (!in_.called.empty()) {
      std::int64_t n[2][2] = {};  // by label, by call
      for (std::size_t i = 0; i < times.size(); ++i) n[in_.column.labels[i]][in_.called[i]] += times[i];
      const BinaryCounts counts{.true_positive = n[1][1], .false_positive = n[0][1], .true_negative = n[0][0], .false_negative = n[1][0]};
      if (n[1][0] + n[1][1] > 0) set(Measure::f1, counts.f1());  // without a positive there is nothing to find
      set(Measure::mcc, counts.mcc());
      set(Measure::accuracy, counts.accuracy());
      set(Measure::balanced_accuracy, counts.balanced_accuracy());
      set(Measure::sensitivity, counts.sensitivity());
      set(Measure::specificity, counts.specificity());
    }
    std::array<double, kBins> excess{};
    double squares = 0, all = 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
      const double p = in_.probabilities[i], miss = in_.column.labels[i] - p, weight = times[i];
      excess[std::min(static_cast<std::size_t>(p * kBins), kBins - 1)] += weight * miss;
      squares += weight * miss * miss;
      all += weight;
    }
    if (all == 0) return out;
    set(Measure::calibration_error, std::accumulate(excess.begin(), excess.end(), 0.0, [](double sum, double bin) { return sum + std::abs(bin); }) / all);
    set(Measure::brier, squares / all);
    return out;
  }
  [[nodiscard]] const Input& input() const { return in_; }

 private:
  Input in_;
  RankedScores ranked_;
};

// Class c of independent findings.
inline OneClass independent_class(const ScoreTable& table, std::int64_t c, std::optional<float> threshold) {
  OneClass::Input in{.column = column(table, c), .probabilities = {}, .called = {}, .rows = {}};
  for (const float score : in.column.scores) {
    in.probabilities.push_back(1 / (1 + std::exp(-score)));
    if (threshold) in.called.push_back(score > *threshold ? 1 : 0);
  }
  if (static_cast<std::int64_t>(in.column.scores.size()) < table.rows()) {
    for (std::int64_t i = 0; i < table.rows(); ++i) {
      if (table.known[static_cast<std::size_t>(i * table.classes + c)] != 0) in.rows.push_back(static_cast<std::uint32_t>(i));
    }
  }
  return OneClass(std::move(in));
}

// The class of each row. Throws Error(argument) where a row has none or several.
inline std::vector<std::int64_t> class_of_rows(const ScoreTable& table) {
  std::vector<std::int64_t> classes;
  for (auto labels = table.labels; !labels.empty(); labels = labels.subspan(static_cast<std::size_t>(table.classes))) {
    const auto row = labels.first(static_cast<std::size_t>(table.classes));
    const auto present = std::count(row.begin(), row.end(), 1);
    MGCA_CHECK(present == 1, "classification: row ", classes.size(), " has ", present, " of the exclusive classes, expected 1");
    classes.push_back(std::find(row.begin(), row.end(), 1) - row.begin());
  }
  return classes;
}

// The scores of a class are its log-probabilities, so that sure answers are still told apart.
inline std::vector<OneClass> exclusive_classes(const ScoreTable& table) {
  const auto C = static_cast<std::size_t>(table.classes);
  std::vector<OneClass::Input> inputs(C);
  for (std::size_t from = 0; from < table.scores.size(); from += C) {
    const auto row = table.scores.subspan(from, C);
    const auto best = std::max_element(row.begin(), row.end());
    double sum = 0;
    for (const float logit : row) sum += std::exp(static_cast<double>(logit) - *best);
    for (std::size_t c = 0; c < C; ++c) {
      const double log_probability = static_cast<double>(row[c]) - *best - std::log(sum);
      inputs[c].column.scores.push_back(static_cast<float>(log_probability));
      inputs[c].column.labels.push_back(table.labels[from + c]);
      inputs[c].probabilities.push_back(static_cast<float>(std::exp(log_probability)));
      inputs[c].called.push_back(static_cast<std::size_t>(best - row.begin()) == c ? 1 : 0);
    }
  }
  std::vector<OneClass> out;
  for (auto& input : inputs) out.emplace_back(std::move(input));
  return out;
}

}  // namespace detail

struct ClassificationOptions {
  LabelKind kind = LabelKind::independent;
  std::vector<std::optional<float>> thresholds = {};  // of independent findings, from best_f1_thresholds; empty: no call is made
  BootstrapOptions bootstrap = {};
};

// One classifier on a test split, ready to be measured on any resample of its rows.
class MeasuredClassifier {
 public:
  // `test` holds logits. Throws Error(argument) for an empty table, for thresholds of another number of classes, and for exclusive classes
  // of which a row has none, several or an unknown one.
  MeasuredClassifier(const ScoreTable& test, const ClassificationOptions& options) : exclusive_(options.kind == LabelKind::exclusive) {
    check_table(test);
    const auto C = test.classes;
    MGCA_CHECK(test.rows() > 0, "classification: the table has no rows");
    MGCA_CHECK(options.thresholds.empty() || (!exclusive_ && options.thresholds.size() == static_cast<std::size_t>(C)), "classification: ",
               options.thresholds.size(), " thresholds for ", C, exclusive_ ? " exclusive classes, which need none" : " classes");
    if (exclusive_) {
      MGCA_CHECK(std::count(test.known.begin(), test.known.end(), 0) == 0, "classification: exclusive classes must all be known");
      truth_ = detail::class_of_rows(test);
      classes_ = detail::exclusive_classes(test);
      return;
    }
    for (std::int64_t c = 0; c < C; ++c)
      classes_.push_back(detail::independent_class(test, c, options.thresholds.empty() ? std::nullopt : options.thresholds[static_cast<std::size_t>(c)]));
  }

  // kMeasures values of each class, then their means over the classes; of exclusive classes then accuracy and Matthews correlation of all at
  // once.
  [[nodiscard]] std::vector<std::optional<double>> operator()(const Resample& draw) const {
    std::vector<detail::MeasureValues> each;
    for (const auto& one : classes_) each.push_back(one.measure(draw.times));
    std::vector<std::optional<double>> values;
    for (const auto& one : each) values.insert(values.end(), one.begin(), one.end());
    for (std::size_t m = 0; m < kMeasures; ++m) {
      std::vector<std::optional<double>> of_classes;
      for (const auto& one : each) of_classes.push_back(one[m]);
      values.push_back(macro_mean(std::move(of_classes)).mean);
    }
    if (exclusive_) {
      const auto C = classes_.size();
      ConfusionMatrix matrix{.classes = static_cast<std::int64_t>(C), .counts = std::vector<std::int64_t>(C * C)};
      for (std::size_t c = 0; c < C; ++c) {
        const auto& called = classes_[c].input().called;
        for (std::size_t i = 0; i < called.size(); ++i) {
          if (called[i] != 0) matrix.counts[static_cast<std::size_t>(truth_[i]) * C + c] += draw.times[i];
        }
      }
      values.push_back(matrix.accuracy());
      values.push_back(matrix.mcc());
    }
    return values;
  }

  // Of the rows whose label of class c is known, 1 where the call is right, as mcnemar takes them; empty where no call could be made.
  [[nodiscard]] std::vector<std::uint8_t> right_calls(std::size_t c) const {
    const auto& in = classes_.at(c).input();
    std::vector<std::uint8_t> right;
    for (std::size_t i = 0; i < in.called.size(); ++i) right.push_back(in.called[i] == in.column.labels[i] ? 1 : 0);
    return right;
  }
  // Of every row, 1 where the highest logit is that of the true class; empty for independent findings.
  [[nodiscard]] std::vector<std::uint8_t> right_answers() const {
    std::vector<std::uint8_t> right;
    for (std::size_t i = 0; i < truth_.size(); ++i) right.push_back(classes_[static_cast<std::size_t>(truth_[i])].input().called[i]);
    return right;
  }

  [[nodiscard]] const std::vector<detail::OneClass>& classes() const { return classes_; }

 private:
  bool exclusive_;
  std::vector<detail::OneClass> classes_;
  std::vector<std::int64_t> truth_;  // of exclusive classes, by row
};

}  // namespace mgca::metrics
