// From results.json and compare.json to tables.
#include "experiment_tables.hpp"

#include "comparison.hpp"
#include "console.hpp"
#include "published.hpp"

#include <mgca/core/file.hpp>
#include <mgca/core/nearest.hpp>
#include <mgca/io/csv.hpp>
#include <mgca/metrics/compare.hpp>
#include <mgca/viz/page_file.hpp>

#include <algorithm>

namespace experiment {

namespace {

// What was measured of one variant in one column.
struct Measured {
  downstream::Spread spread;        // over the seeds
  std::optional<double> low, high;  // means over the seeds of the ends of their intervals
};

struct Tested {
  std::optional<double> difference, low, high, p_value, p_holm;
  std::optional<double> deviation;  // of the difference over the seeds
  std::string test;
};

struct Entry {
  std::optional<Measured> ours;
  std::optional<Tested> test;
  std::string published;  // empty: nothing was asked for
};

template <class List, class Key>
const typename List::value_type& found_by(const List& list, const Key& key, const std::string& wanted, const std::string& where) {
  std::vector<std::string> names;
  for (const auto& one : list) {
    names.push_back(key(one));
    if (names.back() == wanted) return one;
  }
  mgca::fail(mgca::ErrorKind::config, where, ": there is no '", wanted, "'", mgca::nearest_hint(wanted, names));
}

class TableMaker {
 public:
  TableMaker(const Plan& plan, const std::filesystem::path& folder, const TableSpec& spec)
      : plan_(plan), folder_(folder), spec_(spec), rows_(rows_of(plan.experiment, spec)), reference_(reference_of(plan.experiment, spec)) {
    for (const auto& row : rows_) {
      auto& line = entries_.emplace_back();
      for (const auto& column : spec.columns) line.push_back(entry(row, column));
    }
    correct();
  }

  [[nodiscard]] bool tested() const { return !reference_.empty(); }

  // Our numbers, and below each row the published ones.
  [[nodiscard]] downstream::Table values() const {
    downstream::Table table{.header = {""}, .rows = {}};
    for (const auto& column : spec_.columns) table.header.push_back(column.title);
    for_each_line([&](const Row& row, const std::vector<Entry>& line) {
      if (!row.variant.empty()) {
        auto& cells = table.rows.emplace_back(std::vector<std::string>{row.title});
        for (std::size_t c = 0; c < line.size(); ++c) cells.push_back(text_of(line[c].ours, spec_.columns[c]));
      }
      if (row.published.empty()) return;
      auto& cells = table.rows.emplace_back(
          std::vector<std::string>{row.variant.empty() ? row.title + " (published)" : row.title + " (published: " + row.published + ")"});
      for (const auto& one : line) cells.push_back(one.published.empty() ? "-" : one.published);
    });
    return table;
  }

  // A line for each row and column that was tested.
  [[nodiscard]] downstream::Table tests() const {
    downstream::Table table{.header = {"", "column", "difference [95 %]", "p", "p (Holm)", "over seeds +-", "test"}, .rows = {}};
    for_each_line([&](const Row& row, const std::vector<Entry>& line) {
      for (std::size_t c = 0; c < line.size(); ++c) {
        if (!line[c].test) continue;
        const auto& t = *line[c].test;
        const auto& column = spec_.columns[c];
        auto difference = number(t.difference, column);
        if (t.low && t.high) difference += " [" + number(t.low, column) + ", " + number(t.high, column) + "]";
        table.rows.push_back({row.title, column.title, difference, probability(t.p_value), probability(t.p_holm), number(t.deviation, column), t.test});
      }
    });
    return table;
  }

  [[nodiscard]] std::string csv() const {
    std::string text = "row,column,mean,deviation,low,high,seeds,difference,difference_low,difference_high,difference_deviation,p_value,p_holm,test,published\n";
    for_each_line([&](const Row& row, const std::vector<Entry>& line) {
      for (std::size_t c = 0; c < line.size(); ++c) {
        const auto& one = line[c];
        const auto& column = spec_.columns[c];
        const auto value = [&](const std::optional<double>& v) { return v ? console::number(*v * column.scale, 6) : std::string(); };
        const auto exact = [](const std::optional<double>& v) { return v ? console::number(*v, 6) : std::string(); };
        std::vector<std::string> cells{row.title, column.title};
        if (one.ours) {
          const auto& s = one.ours->spread;
          cells.insert(cells.end(),
                       {value(s.mean), value(s.deviation), value(one.ours->low), value(one.ours->high), std::to_string(s.seeds)});
        } else {
          cells.insert(cells.end(), 5, "");
        }
        const auto t = one.test.value_or(Tested{});
        cells.insert(cells.end(),
                     {value(t.difference), value(t.low), value(t.high), value(t.deviation), exact(t.p_value), exact(t.p_holm), t.test, one.published});
        for (std::size_t i = 0; i < cells.size(); ++i) text += (i == 0 ? "" : ",") + mgca::io::csv_cell(cells[i]);
        text += "\n";
      }
    });
    return text;
  }

  [[nodiscard]] std::string note() const {
    const auto seeds = plan_.experiment.seeds.size();
    std::string text = seeds == 1 ? "One seed; in brackets the 95 % interval over the test set."
                                  : "Mean +- standard deviation over " + std::to_string(seeds) +
                                        " seeds; in brackets the 95 % interval over the test set, its ends averaged over the seeds.";
    if (!spec_.published.empty()) text += " Published: " + published::source(spec_.published) + ".";
    return spec_.note.empty() ? text : text + " " + spec_.note;
  }
  [[nodiscard]] std::string tests_note() const {
    const auto& variant = variant_named(plan_.experiment, reference_);
    return "Differences from " + (variant.title.empty() ? variant.name : variant.title) + " on the same pictures" +
           (plan_.experiment.seeds.size() > 1 ? ", of means over seeds" : "") + "; p (Holm): corrected for the rows of a column. " +
           (plan_.experiment.seeds.size() > 1
                ? "Intervals and p tell how the weights at hand differ on other pictures; how far training itself varies is the deviation of the difference over seeds."
                : "Intervals and p tell how these weights differ on other pictures, not how training varies: one seed cannot tell that; ask for several (--set seeds=[1,2,3]).");
  }

 private:
  template <class Use>
  void for_each_line(const Use& use) const {
    for (std::size_t r = 0; r < rows_.size(); ++r) use(rows_[r], entries_[r]);
  }

  static std::string number(const std::optional<double>& value, const Column& column) {
    return value ? console::number(*value * column.scale, column.digits) : "-";
  }
  static std::string probability(const std::optional<double>& value) { return value ? console::number(*value, 4) : "-"; }
  static std::string text_of(const std::optional<Measured>& ours, const Column& column) {
    if (!ours) return "-";
    auto text = number(ours->spread.mean, column);
    if (ours->spread.deviation) text += " +- " + number(ours->spread.deviation, column);
    if (ours->low && ours->high) text += " [" + number(ours->low, column) + ", " + number(ours->high, column) + "]";
    return text;
  }

  [[nodiscard]] Entry entry(const Row& row, const Column& column) const {
    Entry out;
    if (!row.published.empty())
      out.published = column.published.empty() ? "-" : published::value(spec_.published, row.published, column.published);
    if (row.variant.empty()) return out;
    const auto& variant = variant_named(plan_.experiment, row.variant);
    const auto& evaluation = evaluation_named(plan_.experiment, column.evaluation);
    out.ours = measured(variant, evaluation, column);
    if (tested() && row.variant != reference_) out.test = test_of(variant, evaluation, column);
    return out;
  }

  // Nothing until every seed is done.
  [[nodiscard]] std::optional<Measured> measured(const Variant& variant, const Evaluation& evaluation, const Column& column) const {
    std::vector<downstream::SeedResult> seeds;
    Measured out;
    double low = 0, high = 0, intervals = 0;
    for (const auto seed : plan_.experiment.seeds) {
      const auto* cell = plan_.find(result_id(variant, seed, evaluation, column.percent));
      if (cell == nullptr || !is_done(*cell)) return std::nullopt;
      const auto path = folder_ / cell->result;
      const auto results = mgca::from_json_text<downstream::Results<mgca::Json>>(mgca::read_text_file(path), path.string());
      for (const auto& one : results.seeds) {
        const auto& row = found_by(
            one.rows, [](const auto& r) { return r.name; }, column.row, path.string() + ": rows");
        const auto& measure =
            found_by(
                row.measures, [](const auto& m) { return m.first; }, column.measure, path.string() + ": measures of '" + column.row + "'")
                .second;
        seeds.push_back(
            {.seed = seed, .training = {}, .rows = {{.name = column.row, .counts = {}, .measures = {{column.measure, measure}}}}});
        if (measure.low && measure.high) low += *measure.low, high += *measure.high, ++intervals;
      }
    }
    const auto spread = downstream::spread(seeds);
    if (spread.empty()) return std::nullopt;  // undefined with every seed
    out.spread = spread.at(column.row).at(column.measure);
    if (intervals > 0) out.low = low / intervals, out.high = high / intervals;
    return out;
  }

  [[nodiscard]] std::optional<Tested> test_of(const Variant& variant, const Evaluation& evaluation, const Column& column) const {
    const auto* cell = plan_.find(comparison_id(variant.name, reference_, evaluation, column.percent));
    if (cell == nullptr || !is_done(*cell)) return std::nullopt;
    const auto path = folder_ / cell->result;
    const auto read = mgca::from_json_text<comparison::Comparison>(mgca::read_text_file(path), path.string());
    for (const auto& one : (read.mean ? *read.mean : read.seeds.front()).measures) {
      if (one.row != column.row || one.measure != column.measure) continue;
      return Tested{.difference = one.difference, .low = one.low, .high = one.high, .p_value = one.p_value, .p_holm = {},
                    .deviation = deviation_over(read.seeds, column), .test = one.test};
    }
    return std::nullopt;  // mgca compare does not test this measure
  }

  // Of the seeds' differences; nothing with one.
  [[nodiscard]] static std::optional<double> deviation_over(const std::vector<comparison::ComparedSeeds>& seeds, const Column& column) {
    std::vector<double> differences;
    for (const auto& seed : seeds) {
      for (const auto& one : seed.measures) {
        if (one.row == column.row && one.measure == column.measure && one.difference) differences.push_back(*one.difference);
      }
    }
    return downstream::spread_of(differences).deviation;
  }

  [[nodiscard]] bool is_done(const Cell& cell) const { return std::filesystem::exists(folder_ / cell.folder / "done.json"); }

  // All rows of a column are one family of questions.
  void correct() {
    for (std::size_t c = 0; c < spec_.columns.size(); ++c) {
      std::vector<std::optional<double>> p_values;
      for (const auto& line : entries_) p_values.push_back(line[c].test ? line[c].test->p_value : std::nullopt);
      const auto corrected = mgca::metrics::holm(p_values);
      for (std::size_t r = 0; r < entries_.size(); ++r) {
        if (entries_[r][c].test) entries_[r][c].test->p_holm = corrected[r];
      }
    }
  }

  const Plan& plan_;
  const std::filesystem::path& folder_;
  const TableSpec& spec_;
  std::vector<Row> rows_;
  std::string reference_;
  std::vector<std::vector<Entry>> entries_;  // rows, columns
};

mgca::PageTable on_page(const downstream::Table& table, const std::string& note) {
  mgca::PageTable shown{.columns = table.header, .rows = {}, .caption = {}, .note = note};
  for (const auto& row : table.rows) {
    auto& cells = shown.rows.emplace_back();
    for (const auto& text : row) {
      const auto interval = text.find(" [");
      cells.push_back({.text = text.substr(0, interval), .minor = interval == std::string::npos ? "" : text.substr(interval + 1)});
    }
  }
  return shown;
}

}  // namespace

void write_tables(const Plan& plan, const std::filesystem::path& folder) {
  const auto& e = plan.experiment;
  if (e.tables.empty()) return;
  const auto out = folder / "tables";
  std::error_code code;
  std::filesystem::create_directories(out, code);
  if (code) mgca::fail_system(out, "create the folder", code.value());
  mgca::Page page({.title = e.title.empty() ? e.name : e.title});
  for (const auto& spec : e.tables) {
    const TableMaker made(plan, folder, spec);
    const auto values = made.values();
    const auto title = spec.title.empty() ? spec.name : spec.title;
    downstream::write_table(out / spec.name, values, made.note());
    mgca::atomic_write(mgca::posix_files(), out / (spec.name + ".csv"), made.csv());
    page.section(title).table(on_page(values, made.note()));
    console::heading(title);
    console::table(values.header, values.rows);
    if (!made.tested()) continue;
    const auto tests = made.tests();
    downstream::write_table(out / (spec.name + "-tests"), tests, made.tests_note());
    page.table(on_page(tests, made.tests_note()));
  }
  mgca::viz::write_page(mgca::posix_files(), out / "tables.html", page);
  console::line("  written to " + out.string());
}

}  // namespace experiment
