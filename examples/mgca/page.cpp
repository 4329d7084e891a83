#include "page.hpp"

#include <mgca/image/geometry.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/tasks/explain.hpp>
#include <mgca/tasks/retrieve.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/version.hpp>
#include <mgca/viz.hpp>

#include <numeric>

namespace page {

namespace {

using mgca::viz::interval_cell;

mgca::TableCell cell(const mgca::Interval& i, int digits = 3) {
  if (!i.low || !i.high) return interval_cell(i.estimate, std::nullopt, digits);
  return interval_cell(i.estimate, std::pair(*i.low, *i.high), digits);
}
mgca::Bar bar(const mgca::Interval& i) { return {.value = i.estimate, .low = i.low, .high = i.high}; }

mgca::Series curve(const Run& run, const std::string& column, const std::string& name, bool dashed) {
  mgca::Series series{.name = name, .dashed = dashed};
  for (const auto& row : run.history) {
    const auto it = row.values.find(column);
    if (it == row.values.end() || !std::isfinite(it->second)) continue;
    series.x.push_back(static_cast<double>(row.epoch + 1));
    series.y.push_back(it->second);
  }
  return series;
}

void losses(mgca::Page& page, const Content& c) {
  page.section("Training", "One epoch is one pass over the training pairs. The held-out loss is computed on the validation split, in evaluation mode.");
  std::vector<mgca::Series> all, parts;
  for (const auto& run : c.runs) {
    for (const bool held_out : {false, true}) {
      auto series = curve(run, held_out ? "val_loss" : "loss", run.name + (held_out ? ", held out" : ", training"), held_out);
      if (!series.x.empty()) all.push_back(std::move(series));
    }
  }
  for (const auto* term : {"ita", "cta", "cpa"}) {
    auto series = curve(c.runs.front(), std::string("val_loss_") + term, term, false);
    if (!series.x.empty()) parts.push_back(std::move(series));
  }
  std::vector<mgca::Figure> figures;
  figures.push_back({.picture = mgca::Svg{mgca::viz::line_chart(all, {.title = "Loss", .x = {.label = "epoch"}, .y = {.label = "loss"}})}, .title = "Loss"});
  if (!parts.empty()) {
    figures.push_back({.picture = mgca::Svg{mgca::viz::line_chart(parts, {.title = "Parts of the held-out loss", .x = {.label = "epoch"}, .y = {.label = "loss"}})},
                       .title = "Parts of the held-out loss, " + c.runs.front().name,
                       .formula = "loss = ita (instances) + cta (tokens) + cpa (prototypes), each times its weight"});
  }
  page.figures(figures);
}

void retrieval(mgca::Page& page, const Content& c) {
  const auto pairs = c.runs.front().recalls.ranks.image_to_text.candidates;
  const double chance = std::min(1.0, 10.0 / static_cast<double>(pairs));
  page.section("Finding reports for images", "All " + std::to_string(pairs) + " test pairs at once; only the own partner is a hit, ties count against the model.");
  mgca::PageTable table{.columns = {"", "image → report R@10", "report → image R@10", "mean", "× chance"},
                        .note = "95 % intervals by bootstrap over pairs. Chance is " + console::percent(chance) + "."};
  const auto row = [&](const std::string& name, const evaluate::Recalls& r) {
    table.rows.push_back({{name}, cell(r.image_to_text), cell(r.text_to_image), cell(r.mean), {console::number(*r.mean.estimate / chance, 2)}});
  };
  std::vector<double> means;
  for (const auto& run : c.runs) {
    row(run.name, run.recalls);
    means.push_back(*run.recalls.mean.estimate);
  }
  if (c.runs.size() > 1) table.rows.push_back({{"mean over seeds"}, {}, {}, {console::number(mean_of(means))}, {console::number(mean_of(means) / chance, 2)}});
  if (c.ridge) row("ridge regression, 32 × 32 pixels to TF-IDF", *c.ridge);
  page.table(table);
}

void classification(mgca::Page& page, const Content& c) {
  if (!c.runs.front().probe) return;
  page.section("A disease classifier on top", "A linear probe on the frozen image tower, beside the same tower with random weights and a logistic regression on 32 × 32 pixels, whoever wins.");
  mgca::PageTable table{.columns = {"", "macro AUROC"}, .note = "95 % intervals by bootstrap over test images."};
  for (const auto& run : c.runs) {
    table.rows.push_back({{"probe, " + run.name}, cell(run.probe->macro)});
    if (run.random_probe) table.rows.push_back({{"random weights, " + run.name}, cell(run.random_probe->macro)});
  }
  if (c.logistic) table.rows.push_back({{"logistic regression on pixels"}, cell(c.logistic->macro)});
  page.table(table);
  const auto& probe = *c.runs.front().probe;
  std::vector<mgca::BarRow> rows;
  std::vector<std::string> systems{"probe, " + c.runs.front().name};
  if (c.logistic) systems.push_back("logistic regression on pixels");
  for (std::size_t i = 0; i < probe.labels.size(); ++i) {
    mgca::BarRow one{.name = probe.labels[i], .bars = {bar(probe.per_label[i])}};
    if (c.logistic) one.bars.push_back(bar(c.logistic->per_label[i]));
    rows.push_back(std::move(one));
  }
  page.figure({.picture = mgca::Svg{mgca::viz::bar_chart(rows, {.title = "AUROC by finding", .systems = systems, .axis = {.label = "AUROC", .low = 0.0, .high = 1.0},
                                                                .reference = 0.5, .reference_label = "chance", .width = 900})},
               .title = "AUROC by finding",
               .caption = "Findings with few positive test images have wide intervals and say little."});
}

void pictures(mgca::Page& page, study::Study& study, const Content& c) {
  page.section("What the model looks at", "Test radiographs, coloured by how well each region fits the image's own report.");
  const auto split = study.split("test");
  const auto source = study.source(split);
  std::vector<mgca::Figure> figures;
  std::vector<mgca::WordsFigure> words;
  const auto device = study.model->parameters().front().device();
  for (std::int64_t i = 0; i < std::min<std::int64_t>(6, split.size()); ++i) {
    const std::array<std::int64_t, 1> record{i};
    const auto batch = source.batch(record, {});
    const auto explained = mgca::tasks::explain(*study.model, mgca::network_input(batch.images, device), batch.tokens.to(device));
    const auto backdrop = mgca::image::resize(mgca::image::crop(source.stored(i).plane(), {.top = (source.config().stored_side - source.config().augmentation.crop) / 2,
                                                                                          .left = (source.config().stored_side - source.config().augmentation.crop) / 2,
                                                                                          .height = source.config().augmentation.crop,
                                                                                          .width = source.config().augmentation.crop}).plane(),
                                              {.height = 224, .width = 224});
    const auto map = mgca::viz::heatmap(explained.regions.plane(), backdrop.plane());
    const auto rgb = mgca::viz::to_rgb(backdrop.plane());
    const auto name = "row " + std::to_string(split.record(i).row);
    figures.push_back({.picture = mgca::Png{mgca::io::encode_png(rgb.plane())}, .title = name, .caption = "as the model receives it"});
    figures.push_back({.picture = mgca::Png{mgca::io::encode_png(map.picture.plane())}, .title = name,
                       .caption = "similarity to its report " + console::number(explained.similarity, 2),
                       .formula = explained.region_formula + "; " + map.formula,
                       .scale = mgca::ColorScale{.low = "less", .high = "more"}});
    if (c.text == mgca::ReportText::shown) {
      std::vector<mgca::WordWeight> weights;
      const auto list = source.words(i, study.tokenizer.vocabulary());
      for (std::size_t w = 0; w < list.size() && w < explained.words.size(); ++w) weights.push_back({list[w], explained.words[w]});
      if (!weights.empty()) words.push_back(mgca::viz::words(weights, {.text = c.text}));
    }
  }
  page.gallery(figures);
  if (c.text != mgca::ReportText::shown) return;
  page.section("Which words count", "Attention of the summary token to each word of the report.");
  for (const auto& figure : words) page.words(figure);
}

void search(mgca::Page& page, study::Study& study, const Content& c) {
  if (c.text != mgca::ReportText::shown) return;
  page.section("Searches", "For a radiograph, the reports the model puts first.");
  const auto split = study.split("test");
  const auto source = study.source(split);
  const auto gallery = mgca::tasks::embed(*study.model, source);
  const auto similarity = gallery.images.mm(gallery.reports.t());
  std::vector<mgca::Strip> strips;
  for (std::int64_t i = 0; i < std::min<std::int64_t>(4, split.size()); ++i) {
    const auto view = mgca::image::resize(source.stored(i).plane(), {.height = 160, .width = 160});
    const auto best = std::get<1>(similarity[i].topk(std::min<std::int64_t>(3, split.size()))).contiguous();
    mgca::Strip strip{.query = {.title = "row " + std::to_string(split.record(i).row), .picture = mgca::Png{mgca::io::encode_png(view.plane())},
                                .report = split.record(i).report}};
    for (const auto j : mgca::span_of<int64_t>(best)) {
      strip.answers.push_back({.title = "row " + std::to_string(split.record(j).row), .report = split.record(j).report,
                               .mark = i == j ? mgca::CardMark::right : mgca::CardMark::wrong});
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
  mgca::Page page({.title = c.title, .subtitle = c.subtitle, .footer = "Made by mgca " + std::to_string(MGCA_VERSION_MAJOR) + "." + std::to_string(MGCA_VERSION_MINOR) + "." + std::to_string(MGCA_VERSION_PATCH), .text = c.text});
  page.section("Summary");
  if (!c.warning.empty()) page.note(c.warning, mgca::NoteKind::warning);
  const auto pairs = c.runs.front().recalls.ranks.image_to_text.candidates;
  const double chance = 10.0 / static_cast<double>(pairs);
  std::vector<double> recalls, probes;
  for (const auto& run : c.runs) {
    recalls.push_back(*run.recalls.mean.estimate);
    if (run.probe && run.probe->macro.estimate) probes.push_back(*run.probe->macro.estimate);
  }
  std::vector<mgca::Tile> tiles{{.label = "R@10, both directions", .value = console::percent(mean_of(recalls)),
                                 .detail = console::number(mean_of(recalls) / chance, 1) + " × chance, mean of " + std::to_string(c.runs.size()) + " run(s)"}};
  if (!probes.empty()) tiles.push_back({.label = "probe, macro AUROC", .value = console::number(mean_of(probes)), .detail = "linear, on frozen features"});
  if (c.logistic && c.logistic->macro.estimate) tiles.push_back({.label = "logistic regression", .value = console::number(*c.logistic->macro.estimate), .detail = "32 × 32 pixels, same test images"});
  page.tiles(tiles);
  losses(page, c);
  retrieval(page, c);
  classification(page, c);
  pictures(page, study, c);
  search(page, study, c);
  page.section("How it was made").facts(c.facts);
  mgca::viz::write_page(mgca::posix_files(), path, page);
}

}  // namespace page
