#include "page.hpp"
#include "picture.hpp"

#include <mgca/image/resize.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/tasks/explain.hpp>
#include <mgca/tasks/retrieve.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/viz.hpp>

#include <numeric>

namespace page {

namespace {

using mgca::viz::interval_cell;

constexpr const char* kIntervals = "Small figures are 95 % intervals: the test set, patient by patient where patients are known, drawn again and again with replacement (bootstrap).";

mgca::TableCell cell(const mgca::Interval& i) {
  if (!i.low || !i.high) return interval_cell(i.estimate, std::nullopt);
  return interval_cell(i.estimate, std::pair(*i.low, *i.high));
}
mgca::TableCell percent_cell(const mgca::Interval& i) {
  const auto hundred = [](const std::optional<double>& v) { return v ? std::optional(100 * *v) : std::nullopt; };
  if (!i.low || !i.high) return interval_cell(hundred(i.estimate), std::nullopt, 1);
  return interval_cell(hundred(i.estimate), std::pair(100 * *i.low, 100 * *i.high), 1);
}
mgca::TableCell best_if(mgca::TableCell cell, bool best) {
  if (best) cell.emphasis = mgca::Emphasis::best;
  return cell;
}
mgca::Bar bar(const mgca::Interval& i) { return {.value = i.estimate, .low = i.low, .high = i.high}; }
std::string times(double value) { return console::number(value, 1) + " × chance"; }
mgca::Picture png(const mgca::Plane<const std::uint8_t>& pixels) { return mgca::Png{mgca::io::encode_png(pixels)}; }

// What the runs have in common.
struct Means {
  std::int64_t pairs;
  double chance;              // of recall at 10
  double recall;              // at 10, both directions
  std::optional<double> probe, random;  // macro AUROC

  explicit Means(const Content& c) : pairs(c.runs.front().recalls.ranks.found.image_to_text.candidates), chance(c.runs.front().recalls.chance) {
    std::vector<double> recalls, probes, randoms;
    for (const auto& run : c.runs) {
      recalls.push_back(run.recalls.mean.estimate.value_or(0));
      if (run.probe && run.probe->macro.estimate) probes.push_back(*run.probe->macro.estimate);
      if (run.random_probe && run.random_probe->macro.estimate) randoms.push_back(*run.random_probe->macro.estimate);
    }
    recall = mean_of(recalls);
    if (!probes.empty()) probe = mean_of(probes);
    if (!randoms.empty()) random = mean_of(randoms);
  }
};

std::string over_runs(const Content& c) { return c.runs.size() == 1 ? "one run" : "mean of " + std::to_string(c.runs.size()) + " seeds"; }

void summary(mgca::Page& page, const Content& c, const Means& means) {
  page.section("Summary");
  if (!c.warning.empty()) page.note(c.warning, mgca::NoteKind::warning);
  std::vector<mgca::Tile> tiles{{.label = "R@10 of the model", .value = console::percent(means.recall),
                                 .detail = times(means.recall / means.chance) + ", " + over_runs(c)}};
  if (c.ridge) {
    tiles.push_back({.label = "R@10 of ridge regression", .value = console::percent(*c.ridge->mean.estimate),
                     .detail = times(*c.ridge->mean.estimate / means.chance) + ", from 32 × 32 pixels"});
  }
  if (means.probe) {
    tiles.push_back({.label = "AUROC of the probe", .value = console::number(*means.probe),
                     .detail = means.random ? "random weights: " + console::number(*means.random) : over_runs(c)});
  }
  if (c.logistic && c.logistic->macro.estimate) {
    tiles.push_back({.label = "AUROC of logistic regression", .value = console::number(*c.logistic->macro.estimate), .detail = "from 32 × 32 pixels"});
  }
  page.tiles(tiles);
  page.text("R@10: how often the right report is among the first ten found for a radiograph, and the reverse, out of " + std::to_string(means.pairs) +
            " test pairs, where equal reports are equally right; guessing reaches " + console::percent(means.chance) +
            ". AUROC: how well a classifier ranks radiographs with a finding above those without; 0.5 is guessing, 1 is perfect.");
}

mgca::Series curve(const Run& run, const std::string& column, mgca::Series series) {
  for (const auto& row : run.history) {
    const auto it = row.values.find(column);
    if (it == row.values.end() || !std::isfinite(it->second)) continue;
    series.x.push_back(static_cast<double>(row.epoch + 1));
    series.y.push_back(it->second);
  }
  return series;
}

void training(mgca::Page& page, const Content& c) {
  page.section("Training", "An epoch is one pass over the training pairs. The held-out loss is taken after each epoch on the validation pairs, "
                           "which are not trained on; the weights with the lowest one are kept.");
  std::vector<mgca::Series> all, parts;
  for (std::size_t i = 0; i < c.runs.size(); ++i) {
    const auto& run = c.runs[i];
    all.push_back(curve(run, "loss", {.name = run.name + ", training", .color = i}));
    all.push_back(curve(run, "val_loss", {.name = run.name + ", held out", .dashed = true, .color = i}));
  }
  const auto& first = c.runs.front();
  parts.push_back(curve(first, "val_loss_ita", {.name = "instances (ITA)"}));
  parts.push_back(curve(first, "val_loss_cta", {.name = "tokens (CTA)"}));
  parts.push_back(curve(first, "val_loss_cpa", {.name = "prototypes (CPA)"}));
  std::vector<mgca::Figure> figures;
  const auto add = [&](std::vector<mgca::Series>& series, const std::string& title, const std::string& caption) {
    std::erase_if(series, [](const auto& one) { return one.x.empty(); });
    if (series.empty()) return;
    figures.push_back({.picture = mgca::Svg{mgca::viz::line_chart(series, {.title = title, .x = {.label = "epoch"}, .y = {.label = "loss"}})},
                       .title = title, .caption = caption});
  };
  add(all, "Loss", "Solid: while training. Dotted: held out.");
  add(parts, "Parts of the held-out loss, " + first.name,
      "Their sum is the loss. Instances: whole image against whole report. Tokens: image regions against words. Prototypes: image and report in the same group.");
  page.figures(figures);
}

// The share found among the first k, both directions together, in percent.
double recall_at(const evaluate::Recalls& r, std::int64_t k) { return 50 * (r.ranks.found.image_to_text.recall(k) + r.ranks.found.text_to_image.recall(k)); }

mgca::Figure recall_chart(const Content& c, const Means& means) {
  const auto last = std::min<std::int64_t>(50, means.pairs);
  mgca::Series model{.name = "the model, " + over_runs(c)}, ridge{.name = "ridge regression"}, chance{.name = "chance", .dashed = true};
  for (std::int64_t k = 1; k <= last; ++k) {
    std::vector<double> values;
    for (const auto& run : c.runs) values.push_back(recall_at(run.recalls, k));
    for (auto* series : {&model, &ridge, &chance}) series->x.push_back(static_cast<double>(k));
    model.y.push_back(mean_of(values));
    if (values.size() > 1) {
      model.low.push_back(*std::min_element(values.begin(), values.end()));
      model.high.push_back(*std::max_element(values.begin(), values.end()));
    }
    if (c.ridge) ridge.y.push_back(recall_at(*c.ridge, k));
    chance.y.push_back(100 * c.runs.front().recalls.ranks.chance(k));
  }
  std::vector<mgca::Series> all{model};
  if (c.ridge) all.push_back(ridge);
  all.push_back(chance);
  return {.picture = mgca::Svg{mgca::viz::line_chart(all, {.title = "Recall at k", .x = {.label = "k: how many answers are looked at", .low = 1.0},
                                                           .y = {.label = "found, %", .low = 0.0}, .width = 900, .height = 340})},
          .title = "Recall at k, both directions",
          .caption = std::string("How often the own partner, or an equal one, is among the first k answers.") + (c.runs.size() > 1 ? " The band spans the seeds." : "")};
}

void retrieval(mgca::Page& page, const Content& c, const Means& means) {
  page.section("Finding reports", "Every test radiograph asks for its report among all " + std::to_string(means.pairs) + ", and every report for its radiograph. " +
                                  std::to_string(c.runs.front().recalls.ranks.different) + " of the reports differ; " + evaluate::kHitRule + ".");
  mgca::PageTable table{.columns = {"R@10, %", "image → report", "report → image", "mean", "× chance"}, .note = kIntervals};
  const double ridge = c.ridge ? *c.ridge->mean.estimate : -1;
  const auto row = [&](const std::string& name, const evaluate::Recalls& r, bool best) {
    table.rows.push_back({{name}, percent_cell(r.image_to_text), percent_cell(r.text_to_image), best_if(percent_cell(r.mean), best),
                          best_if({console::number(*r.mean.estimate / means.chance, 2)}, best)});
  };
  const bool one = c.runs.size() == 1, wins = means.recall >= ridge;
  for (const auto& run : c.runs) row(run.name, run.recalls, one && wins);
  if (!one) table.rows.push_back({{over_runs(c)}, {}, {}, best_if({console::number(100 * means.recall, 1)}, wins), best_if({console::number(means.recall / means.chance, 2)}, wins)});
  if (c.ridge) row("ridge regression from 32 × 32 pixels to the report's words (TF-IDF)", *c.ridge, !wins);
  const auto percent = console::number(100 * means.chance, 1);
  table.rows.push_back({{"chance"}, {percent}, {percent}, {percent}, {"1.00"}});
  page.table(table);
  page.figure(recall_chart(c, means));
}

void classification(mgca::Page& page, const Content& c, const Means& means) {
  if (!c.runs.front().probe) return;
  page.section("Classifying findings", "The image tower is frozen and a linear classifier (probe) trained on its output. Beside it stand the same tower with the random weights "
                                       "it began with, and a logistic regression that sees 32 × 32 pixels, whoever wins.");
  const auto of_logistic = c.logistic ? c.logistic->macro.estimate : std::nullopt;
  const auto best = std::max({means.probe.value_or(0), means.random.value_or(0), of_logistic.value_or(0)});
  mgca::PageTable table{.columns = {"macro AUROC"}, .note = std::string("Macro: the mean over findings. ") + kIntervals};
  const bool many = c.runs.size() > 1;
  for (const auto& run : c.runs) table.columns.push_back(run.name);
  if (many) table.columns.emplace_back("mean");
  const auto add = [&](const std::string& name, const auto& score_of, const std::optional<double>& mean) {
    std::vector<mgca::TableCell> row{{name}};
    for (const auto& run : c.runs) row.push_back(best_if(cell(score_of(run)->macro), !many && mean == best));
    if (many) row.push_back(best_if(interval_cell(mean, std::nullopt), mean == best));
    table.rows.push_back(std::move(row));
  };
  add("probe on the trained tower", [](const Run& run) { return run.probe; }, means.probe);
  if (c.runs.front().random_probe) add("probe on the same tower with random weights", [](const Run& run) { return run.random_probe; }, means.random);
  if (c.logistic) {
    std::vector<mgca::TableCell> row(table.columns.size());
    row.front() = {"logistic regression on 32 × 32 pixels"};
    row.back() = best_if(cell(c.logistic->macro), of_logistic == best);
    table.rows.push_back(std::move(row));
  }
  page.table(table);

  const auto& probe = *c.runs.front().probe;
  std::vector<mgca::BarRow> rows;
  std::vector<std::string> systems{"probe, " + c.runs.front().name};
  if (c.logistic) systems.emplace_back("logistic regression on 32 × 32 pixels");
  const auto classes = static_cast<std::size_t>(probe.scores.classes);
  for (std::size_t i = 0; i < probe.labels.size(); ++i) {
    std::int64_t present = 0;
    for (std::size_t at = i; at < probe.scores.labels.size(); at += classes) present += probe.scores.labels[at];
    auto name = probe.labels[i];
    std::replace(name.begin(), name.end(), '_', ' ');
    mgca::BarRow one{.name = name + " (" + std::to_string(present) + ")", .bars = {bar(probe.per_label[i])}};
    if (c.logistic) one.bars.push_back(bar(c.logistic->per_label[i]));
    rows.push_back(std::move(one));
  }
  page.figure({.picture = mgca::Svg{mgca::viz::bar_chart(rows, {.title = "AUROC by finding", .systems = systems, .axis = {.label = "AUROC", .low = 0.0, .high = 1.0},
                                                                .reference = 0.5, .reference_label = "chance", .width = 900})},
               .title = "AUROC by finding",
               .caption = "In brackets: test radiographs with the finding. Lines: 95 % intervals; with few cases they are wide, and the bar says little."});
}

// Which test radiographs are shown: those with boxes first.
std::vector<std::int64_t> shown_cases(const study::Study::Split& split, std::size_t wanted) {
  std::vector<std::int64_t> chosen;
  for (const bool with_boxes : {true, false}) {
    for (std::int64_t i = 0; i < split.size() && chosen.size() < wanted; ++i) {
      if (split.record(i).boxes.empty() != with_boxes) chosen.push_back(i);
    }
  }
  return chosen;
}

void explanations(mgca::Page& page, study::Study& study, const Content& c) {
  constexpr std::int64_t side = 224;
  const auto split = study.split("test");
  const auto source = study.source(split);
  const auto device = study.model->parameters().front().device();
  std::vector<mgca::Figure> figures;
  std::vector<std::pair<std::string, mgca::WordsFigure>> words;
  std::string formula, word_formula;
  bool boxes_shown = false;
  for (const auto i : shown_cases(split, 6)) {
    const std::array<std::int64_t, 1> record{i};
    const auto batch = source.batch(record, {});
    const auto explained = mgca::tasks::explain(*study.model, mgca::network_input(batch.images, device), batch.tokens.to(device));
    const auto radiograph = picture::seen(source, i, side);
    auto map = mgca::viz::heatmap(explained.regions.plane(), radiograph.plane());
    auto plain = mgca::viz::to_rgb(radiograph.plane());
    std::string findings;
    for (const auto& one : picture::boxes(source, i, side)) {
      boxes_shown = true;
      for (auto* image : {&plain, &map.picture}) mgca::viz::draw_box(image->plane(), one.box, {.color = {255, 255, 255}, .thickness = 2});
      if (findings.find(one.label) == std::string::npos) findings += (findings.empty() ? "frame: " : ", ") + one.label;
    }
    const auto name = "row " + std::to_string(split.record(i).row);
    formula = explained.region_formula + "; " + map.formula;
    figures.push_back({.picture = png(plain.plane()), .title = name, .caption = findings});
    figures.push_back({.picture = png(map.picture.plane()), .title = "similarity " + console::number(explained.similarity, 2),
                       .scale = mgca::ColorScale{.low = "less", .high = "more"}});
    if (c.text != mgca::ReportText::shown) continue;
    std::vector<mgca::WordWeight> weights;
    const auto list = source.words(i, study.tokenizer.vocabulary());
    for (std::size_t w = 0; w < list.size() && w < explained.words.size(); ++w) weights.push_back({list[w], explained.words[w]});
    if (weights.empty()) continue;
    word_formula = explained.word_formula;
    words.emplace_back(name, mgca::viz::words(weights, {.text = c.text}));
  }
  page.section("Where the model looks",
               "Test radiographs, each beside its map of how well every region fits the image's own report: yellow most, violet least. Each map is scaled on its own, so "
               "colours compare regions of one radiograph, not radiographs. The model reads " + std::to_string(study.model->image_size()) + " × " +
                   std::to_string(study.model->image_size()) + " pixels" +
                   (boxes_shown ? "; white frames were drawn by radiologists and never shown to it." : ".") + " Such maps are a hint, no proof of why a model decides.");
  page.gallery(figures);
  page.text("Formula: " + formula + ".");
  if (words.empty()) return;
  page.section("Which words count", "The reports of the same radiographs. The darker a word, the more attention it gets when the report is summed up; the ten strongest are bold.");
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto& [name, figure] = words[i];
    figure.formula = i + 1 == words.size() ? word_formula + "; " + figure.formula : "";
    page.words(figure, name);
  }
}

void searches(mgca::Page& page, study::Study& study, const Content& c) {
  if (c.text != mgca::ReportText::shown) return;
  constexpr std::int64_t side = 160;
  const auto split = study.split("test");
  const auto source = study.source(split);
  const auto gallery = mgca::tasks::embed(*study.model, source);
  const auto similarity = gallery.images.mm(gallery.reports.t());
  const auto& found_ranks = c.runs.front().recalls.ranks;
  const auto& ranks = found_ranks.found.image_to_text.ranks;
  std::vector<std::int64_t> hits, misses;
  for (std::int64_t i = 0; i < split.size(); ++i) {
    auto& list = ranks[static_cast<std::size_t>(i)] <= 3 ? hits : misses;
    if (list.size() < 2) list.push_back(i);
  }
  const auto found = std::count_if(ranks.begin(), ranks.end(), [](auto rank) { return rank <= 3; });
  page.section("Searches", "What the model puts first for a radiograph: two searches with the own report, or an equal one, among the first three (" + std::to_string(found) + " of " +
                               std::to_string(split.size()) + " are so) and two without. Each report stands below the radiograph it was written for.");
  hits.insert(hits.end(), misses.begin(), misses.end());
  std::vector<mgca::Strip> strips;
  for (const auto i : hits) {
    const auto best = std::get<1>(similarity[i].topk(std::min<std::int64_t>(3, split.size()))).contiguous();
    const auto card = [&](std::int64_t j) {
      return mgca::Card{.title = "row " + std::to_string(split.record(j).row), .picture = png(picture::seen(source, j, side).plane()), .report = split.record(j).report};
    };
    mgca::Strip strip{.query = card(i)};
    strip.query.text = "own report, or an equal one: place " + std::to_string(ranks[static_cast<std::size_t>(i)]);
    for (const auto j : mgca::span_of<int64_t>(best)) {
      strip.answers.push_back(card(j));
      const bool equal = found_ranks.reports[static_cast<std::size_t>(i)] == found_ranks.reports[static_cast<std::size_t>(j)];
      strip.answers.back().mark = equal ? mgca::CardMark::right : mgca::CardMark::wrong;
    }
    strips.push_back(std::move(strip));
  }
  page.strips(strips);
}

}  // namespace

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void write(const std::filesystem::path& path, study::Study& study, const Content& c) {
  mgca::PageOptions options{.title = c.title, .subtitle = c.subtitle, .footer = "Made by mgca " + study::version(), .text = c.text};
  if (!c.privacy.empty()) options.privacy = c.privacy;
  mgca::Page page(options);
  const Means means(c);
  summary(page, c, means);
  training(page, c);
  retrieval(page, c, means);
  classification(page, c, means);
  explanations(page, study, c);
  searches(page, study, c);
  page.section("How it was made").facts(c.facts);
  if (!c.credits.empty()) page.text(c.credits);
  mgca::viz::write_page(mgca::posix_files(), path, page);
}

}  // namespace page
