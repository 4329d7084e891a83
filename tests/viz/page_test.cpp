#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"
#include "viz_support.hpp"

#include <mgca/core/random.hpp>
#include <mgca/viz/bars.hpp>
#include <mgca/viz/curve.hpp>
#include <mgca/viz/heatmap.hpp>
#include <mgca/viz/page_file.hpp>

using namespace mgca;
using test::count_of;
using test::expect_error;
using test::malformed;

namespace {

Svg loss_chart() {
  RandomStream random({.seed = 3}, Use::test);
  Series train{.name = "training loss"}, valid{.name = "validation loss"};
  for (int step = 0; step <= 200; ++step) {
    train.x.push_back(step * 100);
    train.y.push_back(6.5 * std::exp(-step / 60.0) + 2.1 + 0.12 * random.normal());
    if (step % 20 != 0) continue;
    valid.x.push_back(step * 100);
    valid.y.push_back(6.3 * std::exp(-step / 55.0) + 2.35);
    valid.low.push_back(valid.y.back() - 0.2);
    valid.high.push_back(valid.y.back() + 0.2);
  }
  const std::vector<Series> series{train, valid};
  return {viz::line_chart(series, {.title = "Losses", .x = {.label = "step"}, .y = {.label = "loss", .low = 0}})};
}

Svg rate_chart() {
  Series rate{.name = "learning rate"};
  for (int i = 0; i <= 100; ++i) {
    rate.x.push_back(i / 2.0);
    rate.y.push_back(i < 40 ? 1e-8 + 5e-7 * i : 1e-5 * (1 + std::cos(3.1416 * (i - 40) / 60.0)) + 1e-8);
  }
  return {viz::line_chart(std::vector{rate},
                          {.x = {.label = "epoch"}, .y = {.label = "learning rate", .scale = AxisScale::log10}})};
}

Svg area_chart() {
  const std::vector<BarRow> rows{{"Atelectasis", {{0.812, 0.781, 0.842}, {0.774, 0.74, 0.805}}},
                                 {"Cardiomegaly", {{0.861, 0.832, 0.888}, {0.84, 0.809, 0.869}}},
                                 {"Consolidation", {{0.889, 0.841, 0.93}, {0.871, 0.82, 0.915}}},
                                 {"Edema", {{0.902, 0.873, 0.928}, {0.888, 0.857, 0.915}}},
                                 {"Pleural Effusion", {{std::nullopt}, {0.93, 0.91, 0.95}}}};
  return {viz::bar_chart(rows, {.title = "AUROC",
                                .systems = {"MGCA, ViT-B/16", "ImageNet, ViT-B/16"},
                                .axis = {.label = "AUROC, 95 % bootstrap interval", .low = 0, .high = 1},
                                .reference = 0.5,
                                .reference_label = "chance"})};
}

Svg roc() {
  std::vector<Series> curves;
  for (const double power : {0.22, 0.45}) {
    Series curve{.name = power < 0.3 ? "MGCA (0.82)" : "ImageNet (0.69)"};
    for (int i = 0; i <= 60; ++i) {
      const double x = i / 60.0;
      curve.x.push_back(x);
      curve.y.push_back(std::pow(x, power));
      curve.low.push_back(std::max(0.0, curve.y.back() - 0.05));
      curve.high.push_back(std::min(1.0, curve.y.back() + 0.05));
    }
    curves.push_back(curve);
  }
  return {viz::roc_chart(curves)};
}

std::vector<float> attention(double spot) {
  std::vector<float> grid(196);
  for (int y = 0; y < 14; ++y) {
    for (int x = 0; x < 14; ++x) {
      const double u = (x + 0.5) / 14 - 0.5, v = (y + 0.5) / 14 - 0.5;
      const double d = std::pow(u + 0.2 - 0.05 * spot, 2) + std::pow(v + 0.15 - 0.12 * spot, 2);
      grid[static_cast<std::size_t>(14 * y + x)] = static_cast<float>(0.002 + 0.03 * std::exp(-d / 0.012));
    }
  }
  return grid;
}

Png png(double spot) { return {test::tiny_png(test::drawn_radiograph(spot).plane())}; }

Page sample_page() {
  Page page(
      {.title = "MGCA on a drawn sample",
       .subtitle = "Pretraining, linear classification and retrieval <of figures & numbers made up for this page>",
       .footer = "mgca 0.1.0, seed 42",
       .text = ReportText::shown});
  page.section("Overview", "The numbers to look at first.");
  page.tiles(std::vector<Tile>{{"Macro AUROC", "0.866", "0.842–0.887, 4 of 5 classes defined"},
                               {"Recall@5, image to text", "62.5 %", "of 200 pairs"},
                               {"Median rank", "3", "of 200"},
                               {"Training time", "4 min 12 s", "2 cores, 35 images/s"}});
  page.facts({{"model", "mgca-vit-b16"},
              {"profile", "fixed"},
              {"images", "1,600 train, 200 valid, 200 test"},
              {"seed", "42"},
              {"batch", "48"},
              {"split", "by patient"}});
  page.section("Training", "Losses and learning rate.");
  page.figures(
      std::vector<Figure>{{.picture = loss_chart(),
                           .title = "Losses",
                           .caption = "Band: two standard errors.",
                           .formula = "loss = ITA + CTA + CPA"},
                          {.picture = rate_chart(), .title = "Learning rate", .caption = "Warm-up, then a cosine."}});
  page.section("Classification", "Linear probe on frozen features.");
  PageTable table{.columns = {"finding", "positives", "AUROC", "AP", "note"},
                  .caption = "Test split, 200 images",
                  .note = "Small figures: percentile intervals of 1,000 bootstrap resamples over patients."};
  table.rows.push_back(
      {{"Atelectasis"}, {"31"}, viz::interval_cell(0.812, std::pair(0.781, 0.842)), viz::interval_cell(0.55, {}), {}});
  table.rows.push_back(
      {{"Edema"}, {"42"}, {"0.902", "0.873–0.928", Emphasis::best}, viz::interval_cell(0.71, {}), {"best"}});
  table.rows.push_back({{"Pleural Effusion"},
                        {"0"},
                        viz::interval_cell({}, {}),
                        viz::interval_cell({}, {}),
                        {"no positive in the split"}});
  page.table(table);
  page.note("One class has no positive sample in the test split; the mean leaves it out.", NoteKind::warning);
  page.figures(std::vector<Figure>{
      {.picture = area_chart(), .title = "AUROC per finding"},
      {.picture = roc(), .title = "ROC, Atelectasis", .caption = "Band: pointwise 95 % interval."}});
  page.section("Retrieval", "Each report asks for its image; the first five answers.");
  std::vector<Strip> strips;
  for (int q = 0; q < 4; ++q) {
    Strip strip{.query = {.title = "query " + std::to_string(q + 1),
                          .picture = png(q),
                          .report = "There is an opacity in the right upper zone."}};
    for (int a = 0; a < 5; ++a) {
      strip.answers.push_back({.title = std::to_string(a + 1) + ".  0." + std::to_string(91 - 7 * a),
                               .picture = png(a == q ? q : a + 0.5 * q),
                               .text = "image " + std::to_string(17 * a + q),
                               .mark = a == q ? CardMark::right : CardMark::wrong});
    }
    strips.push_back(strip);
  }
  page.strips(strips);
  page.section("Attention", "Where the class token looks in the last block.");
  std::vector<Figure> maps;
  for (const double spot : {0.0, 1.0, 2.0}) {
    const auto picture = test::drawn_radiograph(spot);
    const auto grid = attention(spot);
    const auto map = viz::heatmap({.pixels = grid, .height = 14, .width = 14}, picture.plane(),
                                  {.blend = Blend::by_value, .heat = 0.7});
    maps.push_back({.picture = Png{test::tiny_png(picture.plane())}, .title = "Radiograph"});
    maps.push_back(
        {.picture = Png{test::tiny_png(map.picture.plane())},
         .title = "Attention",
         .formula = map.formula,
         .scale = ColorScale{.low = viz::detail::fixed(map.low, 3), .high = viz::detail::fixed(map.high, 3)}});
  }
  page.gallery(maps);
  page.section("Words", "What the report encoder attends to.");
  std::vector<WordWeight> words;
  double weight = 0.3;
  for (const auto* word :
       {"heart",   "size",     "is", "mildly", "enlarged",       ".", "there", "is",        "a", "small", "left",
        "pleural", "effusion", ",",  "no",     "<pneumothorax>", "&", "no",    "\"edema\"", "."}) {
    words.push_back({word, weight = std::fmod(weight * 7.3 + 0.11, 1.0)});
  }
  page.words(viz::words(words, {.text = ReportText::shown, .top = 5}), "Importance of words");
  return page;
}

}  // namespace

TEST_CASE("page: the sample page is well formed, self-contained and without undefined numbers", "[viz][fast]") {
  const test::Scratch scratch;
  viz::write_page(posix_files(), scratch / "page.html", sample_page());
  const auto html = read_text_file(scratch / "page.html");
  CHECK(malformed(html) == "");
  CHECK(count_of(html, "<svg") == count_of(html, "</svg>"));
  CHECK(count_of(html, "<img ") == 4 * 6 + 6);
  for (const std::string_view bad : {"nan", "NaN", "inf\"", "http:", "https:", "<script", "url(", "@import", "<link"}) {
    INFO(bad);
    CHECK(test::without_pixels(html).find(bad) == std::string::npos);
  }
  CHECK(html.find("&lt;of figures &amp; numbers") != std::string::npos);
  CHECK(html.find("&lt;pneumothorax&gt;") != std::string::npos);
  CHECK(html.find("This page contains report text") != std::string::npos);
  CHECK(html == sample_page().render());
}

TEST_CASE("page: numbers stand to the right, words to the left, an undefined value is named", "[viz][fast]") {
  Page page({.title = "t"});
  page.section("s").table(
      {.columns = {"name", "auc"}, .rows = {{{"a1"}, {"0.5"}}, {{"b"}, viz::interval_cell({}, {})}}});
  const auto html = page.render();
  CHECK(html.find("<th class=\"number\">auc") != std::string::npos);
  CHECK(html.find("<th>name") != std::string::npos);
  CHECK(html.find("<td class=\"number\">undefined") != std::string::npos);
}

TEST_CASE("page: hostile text stays text", "[viz][fast]") {
  const std::string attack = "<script>alert(1)</script>\"'&\x01\xFF\xC0\xAF";
  Page page({.title = attack, .subtitle = attack, .footer = attack, .text = ReportText::shown});
  page.section(attack, attack).text(attack).note(attack).facts({{attack, attack}});
  page.tiles(std::vector<Tile>{{attack, attack, attack}});
  page.table({.columns = {attack}, .rows = {{{attack, attack}}}, .caption = attack, .note = attack});
  page.figure({.picture = Svg{viz::line_chart(std::vector<Series>{{.name = attack, .x = {0, 1}, .y = {0, 1}}},
                                              {.title = attack, .x = {.label = attack}, .y = {.label = attack}})},
               .title = attack,
               .caption = attack,
               .formula = attack,
               .scale = ColorScale{.low = attack, .high = attack}});
  page.figure({.picture = png(0), .title = attack});
  page.figure({.picture = Svg{viz::bar_chart(
                   std::vector<BarRow>{{attack, {{1.0}}}},
                   {.title = attack, .systems = {attack}, .reference = 1, .reference_label = attack, .width = 1200})}});
  page.strips(std::vector<Strip>{
      {.query = {.title = attack, .text = attack, .report = attack}, .answers = {{.title = attack}}}});
  page.words(viz::words(std::vector<WordWeight>{{attack, 1}}, {.text = ReportText::shown}), attack);
  const auto html = page.render();
  CHECK(malformed(html) == "");
  CHECK(html.find("<script") == std::string::npos);
  CHECK(html.find('\x01') == std::string::npos);
  CHECK(html.find('\xFF') == std::string::npos);
  CHECK(count_of(html, "&lt;script&gt;") > 20);
}

TEST_CASE("page: report text needs the option, and its file belongs to the owner alone", "[viz][fast]") {
  Page page({.title = "t"});
  page.section("s");
  const std::vector<Strip> secret{{.query = {.title = "q", .report = "canary"}}};
  expect_error([&] { page.strips(secret); }, {"report text", "ReportText::shown"});
  expect_error([] { (void)viz::words(std::vector<WordWeight>{{"canary", 1}}); }, {"ReportText::shown"});
  expect_error(
      [&] {
        page.words(viz::words(std::vector<WordWeight>{{"w", 1}}, {.text = ReportText::shown}));
      },
      {"PageOptions::text"});
  CHECK_FALSE(page.holds_report_text());
  const test::Scratch scratch;
  viz::write_page(posix_files(), scratch / "open.html", page);
  CHECK(read_text_file(scratch / "open.html").find("contains report text") == std::string::npos);
  Page guarded({.title = "t", .text = ReportText::shown});
  guarded.section("s").strips(secret);
  CHECK(guarded.holds_report_text());
  viz::write_page(posix_files(), scratch / "guarded.html", guarded);
  using std::filesystem::perms;
  CHECK(std::filesystem::status(scratch / "guarded.html").permissions() == (perms::owner_read | perms::owner_write));
}

TEST_CASE("page: what cannot be shown is refused", "[viz][fast]") {
  expect_error([] { Page({.title = ""}); }, {"title"});
  Page page({.title = "t"});
  expect_error([&] { page.text("too early"); }, {"section"});
  page.section("s");
  expect_error([&] { page.table({.columns = {"a", "b"}, .rows = {{{"1"}}}}); }, {"row 0", "1 cells", "2 columns"});
  expect_error([&] { page.figure({.picture = Png{std::vector<std::byte>(40)}}); }, {"40 bytes", "no PNG"});
  expect_error([&] { page.figure({.picture = Svg{"<img>"}}); }, {"<svg>"});
  expect_error([] { (void)viz::interval_cell(std::nan(""), {}); }, {"cannot be drawn"});
}
