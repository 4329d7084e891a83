// mgca synthetic: radiograph-like pictures with reports, labels and boxes whose answer is known, as files.
#include "command.hpp"
#include "console.hpp"

#include <mgca/core/file.hpp>
#include <mgca/data/split.hpp>
#include <mgca/data/synthetic.hpp>
#include <mgca/io/csv.hpp>
#include <mgca/io/image_file.hpp>

#include <CLI/CLI.hpp>

#include <memory>

namespace command {

namespace {

void run(const mgca::SyntheticConfig& config, const std::filesystem::path& out) {
  const mgca::SyntheticStudies studies(config);
  if (std::filesystem::exists(out / "pairs.csv")) {
    mgca::fail(mgca::ErrorKind::argument, out.string(), ": there is a pairs.csv already; choose another --out");
  }
  std::error_code code;
  std::filesystem::create_directories(out / "images", code);
  if (code) mgca::fail_system(out / "images", "create the folder", code.value());
  auto& files = mgca::posix_files();
  std::string pairs = "image,report,patient,split", boxes = "image,label,x,y,w,h\n";
  for (const auto& label : studies.label_names()) pairs += "," + label;
  pairs += "\n";
  console::Progress progress("  drawing");
  for (std::int64_t i = 0; i < studies.size(); ++i) {
    const auto& study = studies.record(i);
    const auto name = "images/" + std::to_string(study.row) + ".png";
    mgca::atomic_write(files, out / name, mgca::io::encode_png(studies.image(i).plane()));
    pairs += name + "," + mgca::io::csv_cell(study.report) + "," + study.patient + "," + mgca::data::split_of_patient(study.patient, {.seed = config.seed});
    for (const float label : study.labels) pairs += label == 1 ? ",1" : ",0";
    pairs += "\n";
    for (const auto& [label, box] : study.boxes) {
      for (const auto& cell : {name, label, console::number(box.x1), console::number(box.y1), console::number(box.width())}) boxes += cell + ",";
      boxes += console::number(box.height()) + "\n";
    }
    progress.update(i + 1, studies.size(), "");
  }
  progress.finish();
  mgca::atomic_write(files, out / "boxes.csv", boxes);
  mgca::atomic_write(files, out / "pairs.csv", pairs);  // last: where it is, everything is
  console::line("done: " + (out / "pairs.csv").string() + ", " + std::to_string(studies.size()) + " studies; schematic drawings without clinical meaning");
}

}  // namespace

void add_synthetic(CLI::App& program) {
  struct Options {
    mgca::SyntheticConfig config{.count = 1000};
    std::filesystem::path out;
  };
  auto o = std::make_shared<Options>();
  auto* command = program.add_subcommand("synthetic", "draw pictures with reports, labels and boxes whose answer is known");
  command->add_option("--out", o->out, "folder for pairs.csv, boxes.csv and images/")->required()->type_name("FOLDER");
  command->add_option("--count", o->config.count, "studies, one per patient")->capture_default_str();
  command->add_option("--seed", o->config.seed, "of everything")->capture_default_str();
  command->footer("Example: mgca synthetic --out made && mgca pretrain --data made/pairs.csv --out runs/made");
  command->callback([o] { run(o->config, o->out); });
}

}  // namespace command
