#include "evaluate.hpp"

#include <mgca/data/split.hpp>
#include <mgca/image/resize.hpp>
#include <mgca/metrics/logistic.hpp>
#include <mgca/metrics/ridge.hpp>
#include <mgca/metrics/roc_auc.hpp>
#include <mgca/metrics/text_features.hpp>
#include <mgca/tasks/classify.hpp>
#include <mgca/text/caption.hpp>

#include <numeric>
#include <set>
#include <sstream>

namespace evaluate {

namespace {

mgca::Image<float> pixels(const study::Study::Source& source) {
  constexpr std::int64_t side = 32;
  mgca::Image<float> table({.height = source.size(), .width = side * side});
  for (std::int64_t i = 0; i < source.size(); ++i) {
    const auto small = mgca::image::resize(source.stored(i).plane(), {.height = side, .width = side});
    std::copy(small.pixels().begin(), small.pixels().end(), table.plane().row(i).begin());
  }
  return table;
}

std::vector<std::uint8_t> labels(const study::Study::Source& source, std::vector<std::uint8_t>& known) {
  std::vector<std::uint8_t> values;
  for (std::int64_t i = 0; i < source.size(); ++i) {
    for (const float label : source.data().record(i).labels) {
      known.push_back(std::isnan(label) ? 0 : 1);
      values.push_back(label == 1.0F ? 1 : 0);
    }
  }
  return values;
}

// As the model reads it.
std::string report_read(const study::Study::Split& split, std::int64_t i) {
  return mgca::text::clean_caption({.impression = split.record(i).report, .findings = ""}).joined();
}

std::vector<mgca::TokenList> tokens(const study::Study::Split& split) {
  std::vector<mgca::TokenList> all;
  for (std::int64_t i = 0; i < split.size(); ++i) {
    auto& list = all.emplace_back();
    std::istringstream words(report_read(split, i));
    for (std::string word; words >> word;) list.push_back(word);
  }
  return all;
}

std::vector<std::int64_t> every_record(const study::Study::Split& split) {
  std::vector<std::int64_t> records(static_cast<std::size_t>(split.size()));
  std::iota(records.begin(), records.end(), std::int64_t{0});
  return records;
}

Ranks ranks_of(const study::Study::Split& split, const std::vector<std::int64_t>& records, mgca::Plane<const float> similarity) {
  std::vector<std::string> texts;
  for (const auto i : records) texts.push_back(report_read(split, i));
  Ranks out{.found = {}, .reports = mgca::metrics::groups_of_equal(texts), .patients = mgca::data::patient_groups(split, records)};
  out.found = mgca::metrics::retrieval(similarity, {.image_groups = out.reports, .text_groups = out.reports});
  out.different = static_cast<std::int64_t>(std::set<std::int64_t>(out.reports.begin(), out.reports.end()).size());
  return out;
}

}  // namespace

std::string text_of(const mgca::Interval& i, int digits) {
  if (!i.estimate) return "undefined";
  return console::number(*i.estimate, digits) + (i.low && i.high ? " [" + console::number(*i.low, digits) + ", " + console::number(*i.high, digits) + "]" : "");
}

Ranks ranks(const study::Study::Split& split, const mgca::Gallery& gallery) {
  const auto similarity = gallery.images.mm(gallery.reports.t()).contiguous();
  return ranks_of(split, gallery.records, mgca::plane_of(similarity));
}

Recalls recall_at(const Ranks& ranks, std::int64_t k, std::int64_t resamples) {
  const auto share = [k](const std::vector<std::int64_t>& list, const mgca::Resample& draw) {
    double hits = 0;
    for (const auto i : draw.indices) hits += list[static_cast<std::size_t>(i)] <= k ? 1 : 0;
    return hits / static_cast<double>(draw.indices.size());
  };
  const auto& a = ranks.found.image_to_text.ranks;
  const auto& b = ranks.found.text_to_image.ranks;
  const auto all = mgca::metrics::bootstrap(
      static_cast<std::int64_t>(a.size()),
      [&](const mgca::Resample& r) {
        const double images = share(a, r), texts = share(b, r);
        return std::vector<double>{images, texts, (images + texts) / 2};
      },
      {.resamples = resamples, .groups = ranks.patients});
  return {.image_to_text = all[0], .text_to_image = all[1], .mean = all[2], .ranks = ranks, .chance = ranks.chance(k)};
}

ProbeScore auroc_of(mgca::tasks::Scores scores, const std::vector<std::string>& names, const std::vector<std::int64_t>& patients) {
  ProbeScore out{.labels = names, .scores = std::move(scores)};
  const auto& s = out.scores;
  const auto rows = static_cast<std::int64_t>(s.values.size()) / s.classes;
  // All columns of one resample together, so that the macro interval is over the same draws.
  const auto statistic = [&](const mgca::Resample& draw) {
    mgca::tasks::Scores drawn{.classes = s.classes};
    for (const auto i : draw.indices) {
      const auto from = static_cast<std::ptrdiff_t>(i * s.classes), to = from + static_cast<std::ptrdiff_t>(s.classes);
      drawn.values.insert(drawn.values.end(), s.values.begin() + from, s.values.begin() + to);
      drawn.labels.insert(drawn.labels.end(), s.labels.begin() + from, s.labels.begin() + to);
      drawn.known.insert(drawn.known.end(), s.known.begin() + from, s.known.begin() + to);
    }
    const auto macro = mgca::metrics::macro_roc_auc(drawn.table());
    auto values = macro.per_class;
    values.push_back(macro.mean);
    return values;
  };
  auto intervals = mgca::metrics::bootstrap(rows, statistic, {.resamples = 500, .groups = patients});
  out.macro = intervals.back();
  intervals.pop_back();
  out.per_label = std::move(intervals);
  return out;
}

ProbeScore probe(study::Study& study, mgca::AlignmentModel& model, const std::string& test_split) {
  const auto table = [&](const std::string& name) {
    const auto split = study.split(name);
    const auto source = study.source(split);
    return mgca::tasks::features(model, source);
  };
  const auto train = table("train"), valid = table("valid"), test = table(test_split);
  // Features of towers differ in scale by orders of magnitude; standardised ones make one learning rate fair to all.
  const auto mean = train.features.mean(0), deviation = train.features.std(0).clamp_min(1e-6);
  const auto standard = [&](const mgca::FeatureTable& t) { return mgca::FeatureTable{.features = (t.features - mean) / deviation, .labels = t.labels}; };
  const auto a = standard(train), b = standard(valid);
  const auto classifier = mgca::tasks::train_probe({.train = a, .valid = b}, {.epochs = 100});
  return auroc_of(mgca::tasks::classify(classifier, standard(test)), study.data.label_names(), mgca::data::patient_groups(study.split(test_split), test.records));
}

ProbeScore logistic_pixels(const study::Study& study) {
  const auto train = study.split("train"), test = study.split("test");
  const auto a = study.source(train), b = study.source(test);
  std::vector<std::uint8_t> known, test_known;
  const auto target = labels(a, known), truth = labels(b, test_known);
  const auto classes = static_cast<std::int64_t>(study.data.label_names().size());
  const auto inputs = pixels(a), outputs = pixels(b);
  const auto fitted = mgca::metrics::fit_logistic(inputs.plane(), {.scores = {}, .labels = target, .classes = classes, .known = known},
                                                  {.l2 = 1000, .scaling = mgca::Scaling::standard});
  const auto predicted = mgca::metrics::predict(fitted.model, outputs.plane());
  return auroc_of({.values = {predicted.begin(), predicted.end()}, .labels = truth, .known = test_known, .classes = classes}, study.data.label_names(),
                  mgca::data::patient_groups(test, every_record(test)));
}

Recalls ridge_pixels(const study::Study& study, std::int64_t k) {
  const auto train = study.split("train"), test = study.split("test");
  const auto a = study.source(train), b = study.source(test);
  const auto train_tokens = tokens(train), test_tokens = tokens(test);
  const auto model = mgca::metrics::fit_tfidf(train_tokens);
  const auto inputs = pixels(a), outputs = pixels(b);
  const auto target = mgca::metrics::tfidf(model, train_tokens), answers = mgca::metrics::tfidf(model, test_tokens);
  const auto fitted = mgca::metrics::fit_ridge(inputs.plane(), target.plane(), {.l2 = 10000, .scaling = mgca::Scaling::standard});
  const auto predicted = mgca::metrics::predict(fitted, outputs.plane());
  const auto N = test.size(), T = answers.width();
  mgca::Image<float> similarity({.height = N, .width = N});
  for (std::int64_t i = 0; i < N; ++i) {
    const auto* p = predicted.data() + i * T;
    double length = 0;
    for (std::int64_t t = 0; t < T; ++t) length += p[t] * p[t];
    for (std::int64_t j = 0; j < N; ++j) {
      double dot = 0;
      for (std::int64_t t = 0; t < T; ++t) dot += p[t] * static_cast<double>(answers.at(j, t));
      similarity.at(i, j) = static_cast<float>(dot / std::sqrt(std::max(length, 1e-30)));
    }
  }
  return recall_at(ranks_of(test, every_record(test), std::as_const(similarity).plane()), k);
}

}  // namespace evaluate
