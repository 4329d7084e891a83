// mgca compare: is one result better than another on the same pictures?
#include "command.hpp"
#include "comparison.hpp"
#include "console.hpp"
#include "scores.hpp"
#include "study.hpp"

#include <mgca/io/csv.hpp>
#include <mgca/metrics/compare.hpp>
#include <mgca/metrics/detection.hpp>
#include <mgca/metrics/paired_bootstrap.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <functional>
#include <set>
#include <sstream>

namespace command {

namespace {

using comparison::ComparedMeasure;
using comparison::ComparedSeeds;
using comparison::Comparison;
using ResultValues = std::vector<std::optional<double>>;

struct AnyResult {
  std::filesystem::path folder;
  downstream::Results<mgca::Json> json;  // whatever the protocol
};

// What one seed of a result left of each picture, and what the task measures on any resample of them.
struct JudgedSeed {
  struct Place {
    std::string row, measure;
  };
  std::vector<std::int64_t> rows, patients;  // of each picture; no patients: not told
  std::vector<std::string> truth;            // of each picture, to be the same in both results
  std::vector<Place> places;                 // of what `measure` returns
  std::function<ResultValues(const mgca::Resample&)> measure;
  std::shared_ptr<const mgca::metrics::MeasuredClassifier> classifier;  // of classes
};

// A text of the protocol, empty where there is none.
std::string protocol_text(const mgca::Json& protocol, const char* key) {
  return protocol.is_object() && protocol.contains(key) && protocol.at(key).is_string() ? protocol.at(key).get<std::string>() : std::string();
}

// --- one reader for each kind of file ---------------------------------------------------------------------------

JudgedSeed judged_classifier(const AnyResult& result, const downstream::SeedResult& seed) {
  const auto& labels = result.json.data.labels;
  const auto read = scores::read(result.folder, seed.seed, labels);
  const auto& protocol = result.json.protocol;
  const auto kind = protocol_text(protocol.contains("training") ? protocol.at("training") : protocol, "labels");
  mgca::metrics::ClassificationOptions options;
  options.kind = mgca::parse_enum<mgca::LabelKind>(kind);
  const bool exclusive = options.kind == mgca::LabelKind::exclusive;
  for (std::size_t c = 0; !exclusive && c < labels.size(); ++c) {  // those of the result itself
    const auto row = std::find_if(seed.rows.begin(), seed.rows.end(), [&](const auto& one) { return one.name == labels[c]; });
    std::optional<float> threshold;
    if (row != seed.rows.end() && row->measures.contains("threshold")) threshold = static_cast<float>(row->measures.at("threshold").value.value_or(0));
    options.thresholds.push_back(threshold);
  }
  JudgedSeed out{.rows = read.rows, .patients = read.patients, .truth = {}, .places = {}, .measure = {}, .classifier = {}};
  const auto C = static_cast<std::size_t>(read.scores.classes);
  for (std::size_t i = 0; i < read.rows.size(); ++i) {
    auto& truth = out.truth.emplace_back();
    for (std::size_t at = i * C; at < (i + 1) * C; ++at) truth += read.scores.known[at] == 0 ? "?" : read.scores.labels[at] == 1 ? "1" : "0";
  }
  out.classifier = std::make_shared<const mgca::metrics::MeasuredClassifier>(read.scores.table(), options);
  using mgca::Measure;
  std::vector<std::size_t> kept;
  const auto place = [&](const std::string& row, std::size_t from, Measure m) {
    out.places.push_back({row, std::string(to_string(m))});
    kept.push_back(from + static_cast<std::size_t>(m));
  };
  for (const auto m : {Measure::auroc, Measure::average_precision, Measure::f1, Measure::mcc, Measure::accuracy}) {
    for (std::size_t c = 0; c < C; ++c) place(labels[c], c * mgca::kMeasures, m);
    place("macro mean", C * mgca::kMeasures, m);
  }
  for (std::size_t i = 0; exclusive && i < 2; ++i) {
    out.places.push_back({"all classes", i == 0 ? "accuracy" : "mcc"});
    kept.push_back((C + 1) * mgca::kMeasures + i);
  }
  out.measure = [classifier = out.classifier, kept](const mgca::Resample& draw) {
    const auto all = (*classifier)(draw);
    ResultValues values;
    for (const auto i : kept) values.push_back(all[i]);
    return values;
  };
  return out;
}

// The columns every file of pictures has.
void read_picture(JudgedSeed& out, const mgca::io::CsvTable& table, const mgca::io::CsvRow& line) {
  const auto whole = [&](std::size_t column) {
    const auto value = line.integer_at(column);
    if (!value) line.wrong(column, "a whole number");
    return *value;
  };
  out.rows.push_back(whole(table.column("row")));
  if (const auto patient = table.find("patient_number")) out.patients.push_back(whole(*patient));
}

// Means over pictures of columns of a table, or of what is made of their values; an empty cell has none.
struct MeanOfColumn {
  std::string column, measure, row = "all";
  std::function<double(double)> of = [](double value) { return value; };
};
JudgedSeed judged_table(const std::filesystem::path& path, const std::vector<std::string>& truth, const std::vector<MeanOfColumn>& means) {
  auto table = mgca::io::CsvTable::read(path);
  auto values = std::make_shared<std::vector<ResultValues>>(means.size());
  JudgedSeed out;
  for (const auto& one : means) out.places.push_back({one.row, one.measure});
  table.for_each([&](const mgca::io::CsvRow& line) {
    read_picture(out, table, line);
    auto& told = out.truth.emplace_back();
    for (const auto& column : truth) told += line.at(table.column(column)) + ",";
    for (std::size_t m = 0; m < means.size(); ++m) {
      const auto value = line.number_at(table.column(means[m].column));
      (*values)[m].push_back(value ? std::optional(means[m].of(*value)) : std::nullopt);
    }
  });
  out.measure = [values](const mgca::Resample& draw) {
    ResultValues found;
    for (const auto& column : *values) {
      double sum = 0, count = 0;
      for (const auto i : draw.indices) {
        if (const auto& value = column[static_cast<std::size_t>(i)]) sum += *value, ++count;
      }
      found.push_back(count > 0 ? std::optional(sum / count) : std::nullopt);
    }
    return found;
  };
  return out;
}

// Boxes of every picture: "x1 y1 x2 y2 x1 ..." and scores.
JudgedSeed judged_boxes(const std::filesystem::path& path) {
  auto table = mgca::io::CsvTable::read(path);
  const auto truth = table.column("truth"), found = table.column("found"), sure = table.column("scores");
  std::vector<mgca::ImageDetections> images;
  JudgedSeed out;
  table.for_each([&](const mgca::io::CsvRow& line) {
    read_picture(out, table, line);
    out.truth.push_back(line.at(truth));
    const auto numbers = [&](std::size_t column) {
      std::vector<double> all;
      std::istringstream text(line.at(column));
      for (double value = 0; text >> value;) all.push_back(value);
      if (!text.eof()) line.wrong(column, "numbers with a space between them");
      return all;
    };
    const auto boxes = [&](std::size_t column) {
      const auto sides = numbers(column);
      if (sides.size() % 4 != 0) line.wrong(column, "four numbers a box");
      std::vector<mgca::Box> all;
      for (std::size_t i = 0; i < sides.size(); i += 4) all.push_back({.x1 = sides[i], .y1 = sides[i + 1], .x2 = sides[i + 2], .y2 = sides[i + 3]});
      return all;
    };
    auto& image = images.emplace_back(mgca::ImageDetections{.found = {}, .truth = boxes(truth)});
    const auto scored = numbers(sure);
    const auto seen = boxes(found);
    if (scored.size() != seen.size()) line.wrong(sure, "a number for each box found");
    for (std::size_t i = 0; i < seen.size(); ++i) image.found.push_back({.box = seen[i], .score = scored[i]});
  });
  for (const auto* measure : {"mAP_40_75", "mAP_50_95", "AP50", "sensitivity_at_0.500", "sensitivity_at_2.000"}) out.places.push_back({"all", measure});
  const auto all = std::make_shared<const mgca::metrics::RankedDetections>(images, mgca::DetectionScoring{});
  const auto coco = std::make_shared<const mgca::metrics::RankedDetections>(images, mgca::coco_scoring());
  out.measure = [all, coco](const mgca::Resample& draw) {
    return ResultValues{all->mean_average_precision(draw.times), coco->mean_average_precision(draw.times), coco->average_precision(0, draw.times),
                        coco->sensitivity_at(0.5, 0, draw.times), coco->sensitivity_at(2, 0, draw.times)};
  };
  return out;
}

JudgedSeed judged(const AnyResult& result, const downstream::SeedResult& seed) {
  const auto& task = result.json.task;
  const auto by_seed = result.folder / ("seed-" + std::to_string(seed.seed) + ".csv");
  const auto within = [](double k) { return [k](double rank) { return rank <= k ? 1.0 : 0.0; }; };
  if (task == "classify" || task == "zeroshot") return judged_classifier(result, seed);
  if (task == "detect") return judged_boxes(by_seed);
  if (task == "segment") {
    return judged_table(by_seed, {"truth"}, {{"dice", "dice"}, {"iou", "iou"}, {"hausdorff95", "hausdorff95"}});
  }
  if (task == "ground") {
    return judged_table(result.folder / "phrases.csv", {"finding"},
                        {{"pointing_game", "pointing_game"}, {"contrast_to_noise", "contrast_to_noise"}, {"mean_iou", "mean_iou"}, {"mean_dice", "mean_dice"}});
  }
  if (task == "retrieve") {
    std::vector<MeanOfColumn> means;
    for (const auto& [column, row] : {std::pair("image_to_report", "image to report"), std::pair("report_to_image", "report to image")}) {
      for (const double k : {1, 5, 10}) means.push_back({column, "recall_at_" + console::number(k, 0), row, within(k)});
      means.push_back({column, "mean_rank", row});
    }
    return judged_table(result.folder / "ranks.csv", {}, means);
  }
  mgca::fail(mgca::ErrorKind::data, (result.folder / "results.json").string(), ": results of '", task,
             "' cannot be compared; expected classify, zeroshot, detect, segment, retrieve or ground");
}

// --- what is compared with what ---------------------------------------------------------------------------------

AnyResult read_result(const std::filesystem::path& folder) {
  AnyResult out{.folder = folder, .json = {}};
  const auto path = folder / "results.json";
  out.json = mgca::from_json_text<downstream::Results<mgca::Json>>(mgca::read_text_file(path), path.string());
  if (out.json.seeds.empty()) mgca::fail(mgca::ErrorKind::data, path.string(), ": holds no result of any seed");
  return out;
}

void require_same_data(const AnyResult& a, const AnyResult& b) {
  const auto kind = [](const AnyResult& result) { return result.json.task == "zeroshot" ? std::string("classify") : result.json.task; };
  std::string what;
  if (kind(a) != kind(b)) what = "the tasks (" + a.json.task + " and " + b.json.task + ")";
  else if (a.json.data.labels != b.json.data.labels) what = "the labels";
  else if (a.json.data.sha256 != b.json.data.sha256) what = "the data";
  else if (protocol_text(a.json.protocol, "split") != protocol_text(b.json.protocol, "split")) what = "the split";
  if (!what.empty()) mgca::fail(mgca::ErrorKind::data, "compare: ", what, " differ between the two results; score both on the same pictures");
}

// Seeds of equal number; a result of one seed is paired with each of the other's where they share none.
std::vector<std::pair<std::size_t, std::size_t>> pairs_of_seeds(const AnyResult& a, const AnyResult& b) {
  const auto &x = a.json.seeds, &y = b.json.seeds;
  std::vector<std::pair<std::size_t, std::size_t>> equal, all;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < y.size(); ++j) {
      all.emplace_back(i, j);
      if (x[i].seed == y[j].seed) equal.emplace_back(i, j);
    }
  }
  if (!equal.empty()) return equal;
  if (x.size() > 1 && y.size() > 1) mgca::fail(mgca::ErrorKind::data, "compare: the two results share no seed; train both with the same --seed");
  return all;
}

using JudgedPairs = std::vector<std::pair<JudgedSeed, JudgedSeed>>;

// The mean over seeds; nothing where it is undefined for one of them.
template <class Side>
auto mean_over(const JudgedPairs& pairs, const Side& side) {
  return [&pairs, side](const mgca::Resample& draw) {
    ResultValues mean;
    for (const auto& pair : pairs) {
      const auto values = side(pair).measure(draw);
      if (mean.empty()) mean.assign(values.size(), 0.0);
      for (std::size_t i = 0; i < values.size(); ++i) mean[i] = mean[i] && values[i] ? std::optional(*mean[i] + *values[i] / static_cast<double>(pairs.size())) : std::nullopt;
    }
    return mean;
  };
}

// By DeLong where there is one pair, and McNemar's test of the calls.
void add_tests_of_pair(std::vector<ComparedMeasure>& found, const JudgedSeed& a, const JudgedSeed& b, const std::vector<std::string>& labels, double confidence) {
  for (std::size_t c = 0; c < labels.size(); ++c) {
    const auto &x = a.classifier->classes()[c].input().column, &y = b.classifier->classes()[c].input().column;
    auto& area = *std::find_if(found.begin(), found.end(), [&](const auto& one) { return one.row == labels[c] && one.measure == "auroc"; });
    if (const auto test = mgca::metrics::delong_test({.first = x.scores, .second = y.scores}, x.labels, confidence)) {
      area.test = "DeLong";
      area.difference = test->difference, area.low = test->low, area.high = test->high, area.p_value = test->p_value;
    }
  }
  const auto add = [&](const std::string& row, const std::vector<std::uint8_t>& first, const std::vector<std::uint8_t>& second) {
    if (first.empty() || second.empty()) return;
    const auto test = mgca::metrics::mcnemar(first, second);
    const auto share = [](const std::vector<std::uint8_t>& right) { return static_cast<double>(std::count(right.begin(), right.end(), 1)) / static_cast<double>(right.size()); };
    found.push_back({.row = row, .measure = "calls", .test = "McNemar", .first = share(first), .second = share(second), .difference = test.difference, .low = {}, .high = {},
                     .p_value = test.p_value, .p_holm = {}, .only_first = test.only_first, .only_second = test.only_second});
  };
  for (std::size_t c = 0; c < labels.size(); ++c) add(labels[c], a.classifier->right_calls(c), b.classifier->right_calls(c));
  add("all classes", a.classifier->right_answers(), b.classifier->right_answers());
}

std::vector<ComparedMeasure> compared(const JudgedPairs& pairs, const std::vector<std::string>& labels, const mgca::BootstrapOptions& bootstrap) {
  const auto& [a, b] = pairs.front();
  const auto tests = mgca::metrics::paired_bootstrap(static_cast<std::int64_t>(a.rows.size()),
                                                     std::pair(mean_over(pairs, [](const auto& pair) -> const JudgedSeed& { return pair.first; }),
                                                               mean_over(pairs, [](const auto& pair) -> const JudgedSeed& { return pair.second; })),
                                                     bootstrap);
  std::vector<ComparedMeasure> found;
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const auto& t = tests[i];
    found.push_back({.row = a.places[i].row, .measure = a.places[i].measure, .test = "bootstrap", .first = t.first, .second = t.second, .difference = t.difference.estimate,
                     .low = t.difference.low, .high = t.difference.high, .p_value = t.p_value, .p_holm = {}, .only_first = {}, .only_second = {}});
  }
  if (pairs.size() == 1 && a.classifier) add_tests_of_pair(found, a, b, labels, bootstrap.confidence);
  std::set<std::string> measures;
  for (const auto& one : found) measures.insert(one.measure);
  for (const auto& measure : measures) {  // all labels of a measure are one family of questions
    std::vector<ComparedMeasure*> family;
    ResultValues p_values;
    for (auto& one : found) {
      if (one.measure != measure || std::find(labels.begin(), labels.end(), one.row) == labels.end()) continue;
      family.push_back(&one);
      p_values.push_back(one.p_value);
    }
    const auto corrected = mgca::metrics::holm(p_values);
    for (std::size_t i = 0; i < family.size(); ++i) family[i]->p_holm = corrected[i];
  }
  return found;
}

downstream::Table table_of(const ComparedSeeds& found, const Comparison& c) {
  const auto cell = [](const std::optional<double>& value, int digits) { return value ? console::number(*value, digits) : std::string("undefined"); };
  downstream::Table table{.header = {"", "measure", c.first.folder, c.second.folder, "difference [95 %]", "p", "p (Holm)", "test"}, .rows = {}};
  for (const auto& m : found.measures) {
    std::string difference = cell(m.difference, 3);
    if (m.low && m.high) difference += " [" + cell(m.low, 3) + ", " + cell(m.high, 3) + "]";
    if (m.only_first) difference += " (" + std::to_string(*m.only_first) + " : " + std::to_string(*m.only_second) + ")";
    table.rows.push_back({m.row, m.measure, cell(m.first, 3), cell(m.second, 3), difference, cell(m.p_value, 4), m.p_holm ? cell(m.p_holm, 4) : "", m.test});
  }
  return table;
}

// A pair of seeds in one line: the first measure that is a mean over labels, or over all pictures.
std::vector<std::string> line_of(const ComparedSeeds& found, const std::vector<std::string>& labels) {
  const auto& m = *std::find_if(found.measures.begin(), found.measures.end(), [&](const auto& one) { return std::find(labels.begin(), labels.end(), one.row) == labels.end(); });
  const auto cell = [](const std::optional<double>& value, int digits) { return value ? console::number(*value, digits) : std::string("undefined"); };
  return {std::to_string(found.first.front()) + " and " + std::to_string(found.second.front()), m.row + ", " + m.measure, cell(m.first, 3), cell(m.second, 3),
          cell(m.difference, 3) + " [" + cell(m.low, 3) + ", " + cell(m.high, 3) + "]", cell(m.p_value, 4)};
}

struct CompareCommand {
  std::filesystem::path first, second, out;
  std::vector<std::filesystem::path> also;  // further results, by pairs
  std::int64_t resamples = 1000;
};

// The pairs of results to compare: of each seed its own where seeds have folders of their own.
std::vector<std::pair<AnyResult, AnyResult>> results_to_compare(const CompareCommand& o) {
  if (o.also.size() % 2 != 0) mgca::fail(mgca::ErrorKind::argument, "compare: --also names ", o.also.size(), " folders; expected pairs: --also FIRST SECOND");
  std::vector<std::pair<AnyResult, AnyResult>> results;
  results.emplace_back(read_result(o.first), read_result(o.second));
  for (std::size_t i = 0; i < o.also.size(); i += 2) results.emplace_back(read_result(o.also[i]), read_result(o.also[i + 1]));
  for (const auto& [a, b] : results) {
    require_same_data(a, b);
    require_same_data(results.front().first, a);
  }
  return results;
}

void compare_results(const CompareCommand& o) {
  const auto results = results_to_compare(o);
  const auto& front = results.front();
  const auto& labels = front.first.json.data.labels;
  JudgedPairs pairs;
  Comparison out{.library = study::version(), .first = {o.first.string(), front.first.json.task, front.first.json.weights},
                 .second = {o.second.string(), front.second.json.task, front.second.json.weights}, .data_sha256 = front.first.json.data.sha256, .resamples = o.resamples, .seeds = {}, .mean = {}};
  for (const auto& [a, b] : results) {
    for (const auto& [i, j] : pairs_of_seeds(a, b)) {
      pairs.emplace_back(judged(a, a.json.seeds[i]), judged(b, b.json.seeds[j]));
      for (const auto* side : {&pairs.back().first, &pairs.back().second}) {
        const auto& first = pairs.front().first;
        if (side->rows != first.rows || side->truth != first.truth || side->patients != first.patients || side->places.size() != first.places.size()) {
          mgca::fail(mgca::ErrorKind::data, "compare: the pictures scored or their truth differ between the two results; score both on the same pictures");
        }
      }
      out.seeds.push_back({.first = {a.json.seeds[i].seed}, .second = {b.json.seeds[j].seed}, .measures = {}});
    }
  }
  const auto& patients = pairs.front().first.patients;
  out.pictures = static_cast<std::int64_t>(pairs.front().first.rows.size());
  out.patients = static_cast<std::int64_t>(std::set<std::int64_t>(patients.begin(), patients.end()).size());
  if (out.pictures == 0) mgca::fail(mgca::ErrorKind::data, "compare: the two results hold no picture");
  const mgca::BootstrapOptions bootstrap{.resamples = o.resamples, .confidence = out.confidence, .groups = patients};
  for (std::size_t i = 0; i < pairs.size(); ++i) out.seeds[i].measures = compared({pairs[i]}, labels, bootstrap);
  if (pairs.size() > 1) {
    auto& mean = out.mean.emplace();
    for (const auto& one : out.seeds) mean.first.push_back(one.first.front()), mean.second.push_back(one.second.front());
    mean.measures = compared(pairs, labels, bootstrap);
  }
  if (out.mean) {
    std::vector<std::vector<std::string>> lines;
    for (const auto& one : out.seeds) lines.push_back(line_of(one, labels));
    console::table({"seeds", "measure", o.first.string(), o.second.string(), "difference [95 %]", "p"}, lines);
    console::heading("Mean over " + std::to_string(pairs.size()) + " pairs of seeds");
  }
  const auto table = table_of(out.mean ? *out.mean : out.seeds.front(), out);
  console::table(table.header, table.rows);
  console::line("  bootstrap: paired, " + std::to_string(o.resamples) + " resamples of " +
                (out.patients > 0 ? std::to_string(out.patients) + " patients" : std::to_string(out.pictures) + " pictures, since their patients are not told"));
  if (pairs.front().first.classifier) {
    if (!out.mean) console::line("  DeLong and McNemar: over pictures; (n : m): right by the first alone, by the second alone. Calls are at each result's own thresholds");
    console::line("  p (Holm): corrected for " + std::to_string(labels.size()) + " labels");
  }
  if (o.out.empty()) return;
  std::error_code code;
  std::filesystem::create_directories(o.out, code);
  if (code) mgca::fail_system(o.out, "create the folder", code.value());
  mgca::atomic_write(mgca::posix_files(), o.out / "compare.json", mgca::to_json_text(out) + "\n");
  downstream::write_table(o.out / "compare", table);
  console::line("  written to " + (o.out / "compare.json").string() + ", compare.md, compare.tex");
}

}  // namespace

void add_compare(CLI::App& program) {
  auto o = std::make_shared<CompareCommand>();
  auto* command = program.add_subcommand("compare", "paired tests of two results of one task on the same pictures");
  command->add_option("first", o->first, "folder of the first result")->required()->type_name("FOLDER");
  command->add_option("second", o->second, "folder of the second")->required()->type_name("FOLDER");
  command->add_option("--also", o->also, "further results of the same two methods by pairs, first and second: those of other seeds")->type_name("FOLDER");
  command->add_option("--resamples", o->resamples, "of the bootstrap, by patient where patients are told")->capture_default_str();
  command->add_option("--out", o->out, "folder for compare.json, compare.md and compare.tex")->type_name("FOLDER");
  command->footer("Results of classify and zeroshot, of detect, segment, retrieve or ground. Seeds of equal number are paired; of several the mean is compared,\n"
                  "too. AUROC of a label by DeLong's test, everything else by a paired bootstrap, calls by McNemar's test.\n"
                  "Example: mgca compare results/mine results/random --out results/mine-or-random");
  command->callback([o] { compare_results(*o); });
}

}  // namespace command
