// Reports of some 600 characters to tokens: cleaning, cutting, both.
#include <mgca/core/random.hpp>
#include <mgca/text/caption.hpp>
#include <mgca/text/tokenized_text.hpp>
#include <mgca/text/vocabulary_trainer.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

static std::vector<std::string> make_reports(int count) {
  static constexpr std::array<std::string_view, 64> words{"the",           "heart",       "size",      "is",           "normal",
                                                          "lungs",         "are",         "clear",     "of",           "focal",
                                                          "consolidation", "pleural",     "effusion",  "or",           "pneumothorax",
                                                          "there",         "no",          "evidence",  "acute",        "cardiopulmonary",
                                                          "process",       "mild",        "moderate",  "severe",       "cardiomegaly",
                                                          "with",          "pulmonary",   "vascular",  "congestion",   "interstitial",
                                                          "edema",         "left",        "right",     "lower",        "lobe",
                                                          "opacity",       "may",         "represent", "atelectasis",  "in",
                                                          "appropriate",   "clinical",    "setting",   "endotracheal", "tube",
                                                          "terminates",    "4",           "cm",        "above",        "carina",
                                                          "unchanged",     "compared",    "to",        "prior",        "study",
                                                          "and",           "mediastinal", "contours",  "stable",       "degenerative",
                                                          "changes",       "thoracic",    "spine",     "nasogastric"};
  std::vector<std::string> reports;
  mgca::RandomStream random({.seed = 1}, mgca::Use::test);
  for (int i = 0; i < count; ++i) {
    std::string text = "FINDINGS: ";
    while (text.size() < 600) {
      for (std::uint64_t k = 0, length = 6 + random.below(9); k < length; ++k) {
        std::string word(words[random.below(words.size())]);
        if (k == 0) word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
        text += word + (random.below(12) == 0 && k + 1 < length ? ", " : k + 1 < length ? " " : ".\n ");
      }
    }
    reports.push_back(std::move(text));
  }
  return reports;
}

static const std::vector<std::string>& reports() {
  static const auto all = make_reports(2000);
  return all;
}
static std::string cleaned(const std::string& report) { return mgca::text::clean_caption({.impression = report, .findings = ""}).joined(); }
static const mgca::WordPiece& tokenizer() {  // small, so that a fifth of the words is in several pieces
  static const mgca::WordPiece one([] {
    std::vector<std::string> texts;
    for (const auto& report : reports()) texts.push_back(cleaned(report));
    return mgca::text::train_vocabulary(texts, {.size = 400});
  }(), {.length = 112});
  return one;
}

template <class Use>
static void run(benchmark::State& state, const std::vector<std::string>& texts, Use use) {
  std::int64_t bytes = 0;
  for (const auto& text : texts) bytes += static_cast<std::int64_t>(text.size());
  (void)tokenizer();
  for (auto _ : state) {
    for (const auto& text : texts) benchmark::DoNotOptimize(use(text));
  }
  state.SetBytesProcessed(bytes * state.iterations());
  state.SetItemsProcessed(static_cast<std::int64_t>(texts.size()) * state.iterations());
}

static void BM_ReportClean(benchmark::State& state) { run(state, reports(), cleaned); }
static void BM_WordPiece(benchmark::State& state) {
  std::vector<std::string> texts;
  for (const auto& report : reports()) texts.push_back(cleaned(report));
  run(state, texts, [](const std::string& text) { return tokenizer().pieces(text).size(); });
}
static void BM_ReportTokens(benchmark::State& state) {
  run(state, reports(),
      [](const std::string& text) { return mgca::tokenized(cleaned(text), tokenizer(), mgca::Profile::fixed).words.words; });
}
BENCHMARK(BM_ReportClean)->Name("BM_ReportClean")->Unit(benchmark::kMillisecond);
BENCHMARK(BM_WordPiece)->Name("BM_WordPiece/pieces")->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ReportTokens)->Name("BM_WordPiece/with_cleaning")->Unit(benchmark::kMillisecond);
