// mgca doctor: what this machine offers, and every bad row of a data set.
#include "command.hpp"
#include "study.hpp"

#include <mgca/data/audit.hpp>
#include <mgca/tensor/precision.hpp>

#include <CLI/CLI.hpp>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <fstream>
#include <map>
#include <set>
#include <thread>

namespace command {

namespace {

// A line of /proc/meminfo in bytes; nothing where there is no such line.
std::optional<std::uintmax_t> memory(const std::string& name) {
  std::ifstream file("/proc/meminfo");
  std::uintmax_t kilobytes = 0;
  for (std::string word; file >> word;) {
    if (word == name + ":" && file >> kilobytes) return kilobytes * 1024;
  }
  return std::nullopt;
}

std::string memory_text() {
  const auto total = memory("MemTotal"), free = memory("MemAvailable");
  return total && free ? console::bytes(*total) + ", " + console::bytes(*free) + " free" : "unknown";
}

std::string disk_text() {
  std::error_code code;
  const auto space = std::filesystem::space(".", code);
  return code ? code.message() : console::bytes(space.available) + " free in this folder";
}

std::string cuda_text() {
  if (at::hasCUDA()) return std::to_string(at::getNumGPUs()) + " device(s): --device cuda, or cuda:N";
  if (at::Context::hasCUDART()) return "none: this build can use a GPU, but the driver shows none";
  return "none: this build is for CPUs; ./bootstrap.sh build --cuda makes one for GPUs";
}

std::string precision_text() {
  if (at::hasCUDA()) return "bf16 on GPUs since Ampere, f16 on older ones";
  return mgca::cpu_has_fast_bf16() ? "f32 or bf16; bf16 is fastest with AMX or AVX-512-BF16" : "f32; bf16 would be slower, this CPU has no AVX-512";
}

void show_machine() {
  console::table({"what", "here"}, {{"mgca", study::version()},
                                    {"libtorch", TORCH_VERSION},
                                    {"vector instructions", at::get_cpu_capability()},
                                    {"cores", std::to_string(std::thread::hardware_concurrency())},
                                    {"compute threads", std::to_string(at::get_num_threads()) + "; OMP_NUM_THREADS changes it"},
                                    {"memory", memory_text()},
                                    {"disk", disk_text()},
                                    {"CUDA", cuda_text()},
                                    {"--precision", precision_text()}});
}

void show_splits(const mgca::PairStudies& studies) {
  struct Count {
    std::int64_t pairs = 0;
    std::set<std::string> patients;
  };
  std::map<std::string, Count> splits;
  for (std::int64_t i = 0; i < studies.size(); ++i) {
    const auto& record = studies.record(i);
    auto& split = splits[record.split];
    ++split.pairs;
    if (!record.patient.empty()) split.patients.insert(record.patient);
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, split] : splits) rows.push_back({name.empty() ? "(none)" : name, std::to_string(split.pairs), std::to_string(split.patients.size())});
  console::table({"split", "pairs", "patients"}, rows);
}

void check(const std::filesystem::path& table, const std::vector<std::string>& set) {
  study::StudyConfig config;
  config.data.table = table;
  study::apply_overrides(config, set);
  const mgca::PairStudies studies(config.data);
  console::heading(table.string());
  show_splits(studies);
  const auto audit = mgca::data::audit(studies);
  std::vector<std::string> problems;
  for (const auto& problem : audit.problems) problems.push_back("row " + std::to_string(problem.row) + ": " + problem.what);
  for (const auto* needed : {"train", "valid", "test"}) {
    bool found = false;
    for (std::int64_t i = 0; i < studies.size() && !found; ++i) found = studies.record(i).split == needed;
    if (!found) problems.push_back(std::string("no row has the split '") + needed + "'");
  }
  if (const auto& extra = studies.extra_rows(); extra.labels + extra.boxes > 0) {
    console::line("\n  " + std::to_string(extra.labels) + " rows of labels and " + std::to_string(extra.boxes) + " of boxes are for images in no row, and are ignored");
  }
  if (problems.empty()) return console::line("\n  every image can be read, no report is empty, no image is there twice, no patient is in two splits");
  console::line("");
  for (const auto& problem : problems) console::line("  " + problem);
  mgca::fail(mgca::ErrorKind::data, table.string(), ": ", problems.size(), problems.size() == 1 ? " problem" : " problems", ", listed above; mend or remove these rows");
}

}  // namespace

void add_doctor(CLI::App& program) {
  struct Options {
    std::filesystem::path data;
    std::vector<std::string> set;
  };
  auto o = std::make_shared<Options>();
  auto* command = program.add_subcommand("doctor", "what this machine offers, and every bad row of a data set");
  command->add_option("--data", o->data, "CSV of image-report pairs to check row by row; every image is read")->type_name("CSV");
  command->add_option("--set", o->set, "where its columns have other names: data.report_column=findings; may be repeated")->type_name("KEY=VALUE")->allow_extra_args(false);
  command->footer("Exit code 4 if there are bad rows. Example: mgca doctor --data pairs.csv");
  command->callback([o] {
    show_machine();
    if (!o->data.empty()) check(o->data, o->set);
  });
}

}  // namespace command
