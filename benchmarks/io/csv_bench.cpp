// Tables of 8 MB: long quoted reports, as in a table of pairs, and short cells, as in a table of labels.
#include <mgca/io/csv.hpp>

#include <benchmark/benchmark.h>

static std::string reports() {
  std::string text = "image,report,patient,split\n";
  for (int row = 0; text.size() < (8U << 20); ++row) {
    text += "files/p10/p1000" + std::to_string(row) + "/s50" + std::to_string(row) +
            "/view.jpg,\"PA and lateral views of the chest, compared with ___.\n";
    for (int sentence = 0; sentence < 8; ++sentence)
      text += "The cardiac, mediastinal and hilar contours are \"\"unremarkable\"\"; the lungs are clear.\n";
    text += "\"," + std::to_string(row / 2) + ",train\n";
  }
  return text;
}

static std::string labels() {
  std::string text = "image,sex,age,view";
  for (int label = 0; label < 14; ++label) text += ",label " + std::to_string(label);
  text += "\n";
  for (int row = 0; text.size() < (8U << 20); ++row) {
    text += "train/patient" + std::to_string(row) + "/study1/view1_frontal.jpg,Female,68,AP";
    for (int label = 0; label < 14; ++label) text += label % 5 == 0 ? ",1.0" : label % 3 == 0 ? ",0.0" : ",";
    text += "\n";
  }
  return text;
}

static void run(benchmark::State& state, const std::string& text) {
  for (auto _ : state) {
    mgca::io::CsvTable table(text, "table");
    std::size_t bytes = 0;
    table.for_each([&](const mgca::io::CsvRow& row) { bytes += row.at(1).size(); });
    benchmark::DoNotOptimize(bytes);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}
static void BM_CsvReports(benchmark::State& state) { run(state, reports()); }
static void BM_CsvLabels(benchmark::State& state) { run(state, labels()); }
BENCHMARK(BM_CsvReports)->Name("BM_Csv/reports")->Unit(benchmark::kMillisecond);
BENCHMARK(BM_CsvLabels)->Name("BM_Csv/labels")->Unit(benchmark::kMillisecond);
