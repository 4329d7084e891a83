// mgca check: everything that is wrong with a data set, in one pass.
#include "command.hpp"
#include "data_at.hpp"
#include "study.hpp"

#include <mgca/core/parallel.hpp>
#include <mgca/data/audit.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

namespace command {

namespace {

struct CheckOptions {
  std::filesystem::path data;
  std::vector<std::string> set;
  int similar = -1;
  bool tables = false, json = false;
};

struct SplitRow {
  std::string split;
  std::int64_t studies = 0, patients = 0;
  static void describe(auto& self, auto&& field) {
    field("split", self.split, "its name; empty: none");
    field("studies", self.studies, "how many studies");
    field("patients", self.patients, "how many patients");
  }
};

struct ProblemRow {
  std::string what;
  bool grave = false;
  static void describe(auto& self, auto&& field) {
    field("what", self.what, "file, row and what is wrong");
    field("grave", self.grave, "whether training on it would fail or mislead");
  }
};

// What a person needs to know before training on it.
struct Estimate {
  std::int64_t cores = 0, pack_bytes = 0, disk_free = 0;
  double pictures_per_second = 0, epoch_seconds = 0;
  static void describe(auto& self, auto&& field) {
    field("cores", self.cores, "that decoded");
    field("pictures_per_second", self.pictures_per_second, "decoded here; 0: not measured");
    field("epoch_seconds", self.epoch_seconds, "to decode every picture once");
    field("pack_bytes", self.pack_bytes, "size of all pictures at 256 x 256 in a packed file, and in memory");
    field("disk_free", self.disk_free, "bytes free beside the data");
  }
};

struct Findings {
  std::string data;
  std::int64_t studies = 0, repeated_reports = 0, ignored_rows = 0;
  std::vector<SplitRow> splits;
  std::vector<ProblemRow> problems;
  Estimate estimate;
  static void describe(auto& self, auto&& field) {
    field("data", self.data, "what was checked");
    field("studies", self.studies, "how many studies");
    field("repeated_reports", self.repeated_reports, "studies whose report is that of an earlier one");
    field("ignored_rows", self.ignored_rows, "rows of labels, boxes and masks for images in no study");
    field("splits", self.splits, "studies and patients in each split");
    field("problems", self.problems, "what is wrong");
    field("estimate", self.estimate, "time and space");
  }
};

std::vector<SplitRow> splits_of(const mgca::PairStudies& studies) {
  std::map<std::string, std::pair<std::int64_t, std::set<std::string>>> splits;
  for (std::int64_t i = 0; i < studies.size(); ++i) {
    auto& [count, patients] = splits[studies.record(i).split];
    ++count;
    if (const auto& patient = studies.record(i).patient; !patient.empty()) patients.insert(patient);
  }
  std::vector<SplitRow> rows;
  for (const auto& [name, split] : splits) rows.push_back({name, split.first, static_cast<std::int64_t>(split.second.size())});
  return rows;
}

Findings examine(const CheckOptions& o) {
  study::StudyConfig config;
  config.data = study::data_at(o.data);
  study::apply_overrides(config, o.set);
  Findings out{.data = o.data.string()};
  const mgca::PairStudies studies(config.data, [&](const std::string& what) { out.problems.push_back({what, true}); });
  const auto begin = std::chrono::steady_clock::now();
  const auto audit = mgca::data::audit(studies, {.pictures = !o.tables, .similar = o.similar});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  out.studies = studies.size();
  out.splits = splits_of(studies);
  out.repeated_reports = audit.repeated_reports;
  out.ignored_rows = studies.extra_rows().labels + studies.extra_rows().boxes + studies.extra_rows().masks;
  const auto table = config.data.table.string();
  for (const auto& problem : audit.problems) {
    const auto place = "row " + std::to_string(problem.row) + ": ";
    out.problems.push_back({problem.what.starts_with(table) ? problem.what : table + ": " + place + problem.what, is_grave(problem.kind)});
  }
  std::error_code code;
  out.estimate = {.cores = mgca::threads_for(studies.size()), .pack_bytes = studies.size() * 256 * 256,
                  .disk_free = static_cast<std::int64_t>(std::filesystem::space(config.data.table.parent_path(), code).available)};
  if (!o.tables && studies.size() > 0 && seconds > 0) {
    out.estimate.pictures_per_second = static_cast<double>(studies.size()) / seconds;
    out.estimate.epoch_seconds = seconds;
  }
  return out;
}

void show(const Findings& f) {
  console::heading(f.data);
  std::vector<std::vector<std::string>> rows;
  for (const auto& split : f.splits) rows.push_back({split.split.empty() ? "(none)" : split.split, std::to_string(split.studies), std::to_string(split.patients)});
  console::table({"split", "studies", "patients"}, rows);
  console::line("");
  if (f.repeated_reports > 0) console::line("  " + std::to_string(f.repeated_reports) + " studies have the report of an earlier one; retrieval counts these as equal");
  if (f.ignored_rows > 0) console::line("  " + std::to_string(f.ignored_rows) + " rows of labels, boxes or masks are for images in no study, and are ignored");
  const auto& e = f.estimate;
  if (e.pictures_per_second > 0) {
    console::line("  pictures are decoded at " + console::number(e.pictures_per_second, 0) + " a second on " + std::to_string(e.cores) + " cores: " + console::duration(e.epoch_seconds) +
                  " for each epoch, unless they are packed or kept in memory");
  }
  console::line("  packed at 256 x 256 pixels, or kept in memory, they take " + console::bytes(static_cast<std::uintmax_t>(e.pack_bytes)) + "; " +
                console::bytes(static_cast<std::uintmax_t>(e.disk_free)) + " are free on this disk");
  for (const auto* needed : {"train", "valid", "test"}) {
    const bool there = std::any_of(f.splits.begin(), f.splits.end(), [&](const SplitRow& split) { return split.split == needed; });
    if (!there) console::line("  no study has the split '" + std::string(needed) + "', which some commands need");
  }
  if (f.problems.empty()) return console::line("  clean: no problem was found");
  console::line("");
  for (const auto& problem : f.problems) console::line("  " + problem.what);
}

}  // namespace

void add_check(CLI::App& program) {
  auto o = std::make_shared<CheckOptions>();
  auto* command = program.add_subcommand("check", "everything that is wrong with a data set, by file and row, in one pass");
  command->add_option("DATA", o->data, "CSV of pairs, or folder of mgca prepare")->required()->type_name("PATH");
  command->add_option("--set", o->set, "where columns have other names, or for tables beside it: data.report_column=findings; may be repeated")->type_name("KEY=VALUE")->allow_extra_args(false);
  command->add_option("--similar", o->similar, "also tell pictures whose outlines differ in at most so many of 256 bits; 12 finds nearly all copies, few others")->type_name("BITS");
  command->add_flag("--tables", o->tables, "do not read pictures");
  command->add_flag("--json", o->json, "everything as one JSON value");
  command->footer("Exit code 4 if there is any problem. Example: mgca check pairs.csv --set data.boxes=boxes.csv");
  command->callback([o] {
    const auto found = examine(*o);
    if (o->json) console::line(mgca::to_json_text(found));
    else show(found);
    if (const auto n = found.problems.size(); n > 0) {
      mgca::fail(mgca::ErrorKind::data, found.data, ": ", n, n == 1 ? " problem" : " problems", o->json ? "" : ", listed above", "; mend or remove these rows");
    }
  });
}

}  // namespace command
