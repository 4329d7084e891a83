// Scores per class and over all of them; undefined ones are NaN.
#include "../case.hpp"

#include <mgca/metrics/accuracy.hpp>
#include <mgca/metrics/precision_recall.hpp>
#include <mgca/metrics/roc_auc.hpp>
#include <mgca/tensor/bridge.hpp>

#include <limits>
#include <optional>
#include <vector>

namespace mgca::golden {

namespace {

using Values = std::vector<std::optional<double>>;

Tensor numbers(const Values& values) {
  std::vector<double> plain;
  for (const auto& value : values) plain.push_back(value.value_or(std::numeric_limits<double>::quiet_NaN()));
  return torch::tensor(plain, torch::kFloat64);
}

// (N, C) scores and labels.
void many_labels(const Case& one, const std::string& i, Tensors& out) {
  const auto scores = one.input("scores." + i), labels = one.input("labels." + i).to(torch::kUInt8);
  const ScoreTable table{.scores = span_of<float>(scores), .labels = span_of<uint8_t>(labels), .classes = scores.size(1)};
  const auto threshold = one.config.at("threshold").get<float>();
  const auto areas = metrics::macro_roc_auc(table);
  out["auroc_per_class." + i] = numbers(areas.per_class);
  out["auroc_macro_defined." + i] = numbers({areas.mean});
  out["average_precision_per_class." + i] = numbers(metrics::macro_average_precision(table).per_class);
  BinaryCounts all;
  Values f1, accuracy;
  for (int64_t c = 0; c < table.classes; ++c) {
    const auto column = metrics::column(table, c);
    const auto counts = metrics::count_at(column.scores, column.labels, threshold);
    f1.push_back(counts.f1().value_or(0));  // the reference calls an empty class's F1 zero
    accuracy.push_back(counts.accuracy());
    all += counts;
  }
  out["f1_per_class." + i] = numbers(f1);
  out["f1_macro." + i] = numbers({metrics::macro_mean(f1).mean});
  out["f1_micro." + i] = numbers({all.f1().value_or(0)});
  out["accuracy_per_label." + i] = numbers(accuracy);
  out["accuracy_exact_match." + i] = numbers({metrics::exact_match(table, threshold)});
}

// (N, C) logits and the class of each row.
void one_label(const Case& one, const std::string& i, Tensors& out) {
  const auto logits = one.input("multiclass.logits." + i), target = one.input("multiclass.target." + i);
  out["multiclass.accuracy." + i] = numbers({metrics::top_k(plane_of(logits), span_of<int64_t>(target))});
  out["multiclass.cross_entropy." + i] = numbers({metrics::cross_entropy(plane_of(logits), span_of<int64_t>(target))});
}

Answer classification_metrics(const Case& one) {
  Answer answer;
  for (const auto& [name, value] : one.batch) {
    const auto number = name.substr(name.rfind('.') + 1);
    if (name.starts_with("scores.")) many_labels(one, number, answer.tensors);
    if (name.starts_with("multiclass.logits.")) one_label(one, number, answer.tensors);
  }
  return answer;
}

const Kind classification_metrics_kind("classification_metrics", classification_metrics);

}  // namespace

}  // namespace mgca::golden
