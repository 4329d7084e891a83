// mgca inspect: what is in a file of weights. Reads names and numbers, runs nothing, needs no model.
#include "command.hpp"
#include "console.hpp"

#include <mgca/catalog/dialects.hpp>
#include <mgca/core/config.hpp>
#include <mgca/core/utf8.hpp>
#include <mgca/io/weight_file.hpp>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace command {

namespace {

struct TensorRow {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  static void describe(auto& self, auto&& field) {
    field("name", self.name, "");
    field("dtype", self.dtype, "");
    field("shape", self.shape, "");
  }
};

struct PartRow {
  std::string part;
  std::int64_t tensors = 0, parameters = 0;
  static void describe(auto& self, auto&& field) {
    field("part", self.part, "");
    field("tensors", self.tensors, "");
    field("parameters", self.parameters, "");
  }
};

struct SkippedRow {
  std::string path, type;
  std::int64_t tensors = 0;
  static void describe(auto& self, auto&& field) {
    field("path", self.path, "");
    field("type", self.type, "");
    field("tensors", self.tensors, "");
  }
};

struct Inspection {
  std::string file, container, sha256;
  std::int64_t bytes = 0;
  std::vector<std::string> dialects;  // whose signs the names bear
  std::int64_t parameters = 0;
  std::vector<PartRow> parts;
  std::map<std::string, std::string> metadata;
  std::vector<SkippedRow> skipped;
  std::vector<TensorRow> tensors;
  static void describe(auto& self, auto&& field) {
    field("file", self.file, "");
    field("container", self.container, "");
    field("bytes", self.bytes, "");
    field("sha256", self.sha256, "");
    field("dialects", self.dialects, "");
    field("parameters", self.parameters, "");
    field("parts", self.parts, "");
    field("metadata", self.metadata, "");
    field("skipped", self.skipped, "");
    field("tensors", self.tensors, "");
  }
};

// What stands in a foreign file, made fit for a terminal and for JSON: no control characters, all UTF-8.
std::string plain(const std::string& text) {
  auto shown = mgca::replaced_invalid_utf8(text);
  for (auto& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return shown;
}

// Counts, statistics and tables of positions are no parameters.
bool is_buffer(const std::string& name) {
  for (const auto* end : {"running_mean", "running_var", "num_batches_tracked", "position_ids"}) {
    if (name.ends_with(end)) return true;
  }
  return false;
}

std::int64_t elements(const mgca::io::TensorInfo& info) {
  std::int64_t n = 1;
  for (const auto side : info.shape) n *= side;
  return n;
}

// The first two steps of a name in our layout, "img_encoder_q.model"; else the first step.
std::string part_of(const std::string& name, bool ours) {
  auto end = name.find('.');
  if (ours && end != std::string::npos && name.find("_encoder_q.") != std::string::npos) end = name.find('.', end + 1);
  return name.substr(0, end);
}

Inspection inspect(const std::filesystem::path& path) {
  const auto file = mgca::io::WeightFile::open(path);
  Inspection out{.file = plain(path.string()), .container = std::string(mgca::to_string(file.container())), .sha256 = file.sha256(),
                 .bytes = static_cast<std::int64_t>(std::filesystem::file_size(path))};
  std::vector<std::string> names;
  for (const auto& info : file.tensors()) names.push_back(info.name);
  out.dialects = mgca::fitting_dialects(names);
  std::map<std::string, std::string> ours;  // by the name in the file
  if (out.dialects.size() == 1) {
    const auto read = mgca::translate(names, mgca::dialect(out.dialects[0]), path.string());
    for (const auto& one : read.kept) ours.emplace(names[one.index], one.name);
    for (const auto& one : read.left_out) ours.emplace(one.name, "not used here");
  }
  std::map<std::string, std::size_t> seen;
  for (const auto& info : file.tensors()) {
    out.tensors.push_back({plain(info.name), std::string(mgca::to_string(info.dtype)), info.shape});
    const auto known = ours.find(info.name);
    const auto part = plain(known == ours.end() ? part_of(info.name, false) : part_of(known->second, true));
    const auto [it, first] = seen.emplace(part, out.parts.size());
    if (first) out.parts.push_back({.part = part});
    auto& row = out.parts[it->second];
    ++row.tensors;
    if (!is_buffer(info.name)) row.parameters += elements(info);
  }
  for (const auto& row : out.parts) out.parameters += row.part == "not used here" ? 0 : row.parameters;
  for (const auto& [key, value] : file.metadata()) out.metadata.emplace(plain(key), plain(value));
  for (const auto& object : file.skipped()) out.skipped.push_back({plain(object.path), plain(object.type), static_cast<std::int64_t>(object.tensors)});
  return out;
}

void show(const Inspection& i, bool every_tensor) {
  std::string dialects;
  for (const auto& name : i.dialects) dialects += (dialects.empty() ? "" : " or ") + name + " (" + mgca::dialect(name).summary + ")";
  console::line(i.file);
  console::line("  container    " + i.container + ", " + console::bytes(static_cast<std::uintmax_t>(i.bytes)));
  console::line("  SHA-256      " + i.sha256);
  console::line("  dialect      " + (dialects.empty() ? "none that is known here" : dialects));
  console::line("  tensors      " + std::to_string(i.tensors.size()));
  console::line("  parameters   " + std::to_string(i.parameters));
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : i.parts) rows.push_back({row.part, std::to_string(row.tensors), std::to_string(row.parameters)});
  console::heading("parts");
  console::table({"part", "tensors", "parameters"}, rows);
  if (!i.metadata.empty()) console::heading("metadata");
  std::int64_t hidden = 0;
  for (const auto& [key, value] : i.metadata) {
    const bool training = key.starts_with("optimizer_states.") || key.starts_with("lr_schedulers.") || key.starts_with("callbacks.") || key.starts_with("loops.");
    hidden += training ? 1 : 0;
    if (!training) console::line("  " + key + " = " + (value.size() > 600 ? value.substr(0, 600) + "..." : value));
  }
  if (hidden > 0) console::line("  and " + std::to_string(hidden) + " numbers of a training run, which --json shows");
  if (!i.skipped.empty()) console::heading("objects of other classes, not read");
  for (const auto& row : i.skipped) console::line("  " + row.path + ": " + row.type + (row.tensors > 0 ? ", with " + std::to_string(row.tensors) + " tensors" : ""));
  if (!every_tensor) return;
  rows.clear();
  for (const auto& row : i.tensors) {
    std::string shape;
    for (const auto side : row.shape) shape += (shape.empty() ? "" : " x ") + std::to_string(side);
    rows.push_back({row.name, row.dtype, shape.empty() ? "scalar" : shape});
  }
  console::heading("tensors");
  console::table({"name", "dtype", "shape"}, rows);
}

}  // namespace

void add_inspect(CLI::App& program) {
  struct Options {
    std::filesystem::path file;
    bool json = false, summary = false;
  };
  auto o = std::make_shared<Options>();
  auto* command = program.add_subcommand("inspect", "what is in a file of weights: tensors, shapes, whose layout it is");
  command->add_option("file", o->file, ".safetensors, its .index.json, .pth, .pt, .ckpt or .bin; nothing in it is run")->required()->type_name("FILE");
  auto* json = command->add_flag("--json", o->json, "everything as one JSON value");
  command->add_flag("--summary", o->summary, "without the list of tensors")->excludes(json);
  command->footer("Example: mgca inspect vit_base.ckpt --summary");
  command->callback([o] {
    const auto found = inspect(o->file);
    if (o->json) console::line(mgca::to_json_text(found));
    else show(found, !o->summary);
  });
}

}  // namespace command
