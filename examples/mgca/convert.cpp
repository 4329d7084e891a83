// mgca convert: weights from one layout or container to another, tensor by tensor, so that files larger than memory pass.
#include "command.hpp"
#include "console.hpp"

#include <mgca/catalog/dialects.hpp>
#include <mgca/catalog/infer_model.hpp>
#include <mgca/core/config.hpp>
#include <mgca/data/preprocessing.hpp>
#include <mgca/io/torch_archive_writer.hpp>
#include <mgca/io/weight_file.hpp>

#include <CLI/CLI.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace command {

namespace {

struct ConvertOptions {
  std::filesystem::path in, out;
  std::string from, to;
};

// What is written, and under which names.
struct Conversion {
  std::vector<mgca::io::TensorInfo> tensors;
  std::vector<const mgca::io::TensorInfo*> sources;
  std::map<std::string, std::string> metadata;
};

// "12 tensors: state of a training run, no weights": one line for each reason.
void tell_left_out(const std::vector<mgca::Translation::LeftOut>& left_out) {
  std::map<std::string, std::int64_t> reasons;
  for (const auto& one : left_out) ++reasons[one.reason];
  for (const auto& [reason, count] : reasons) console::line("  left out     " + std::to_string(count) + (count == 1 ? " tensor: " : " tensors: ") + reason);
}

// The preparation that the published checkpoints were trained with.
std::string published_preprocessing(const mgca::TensorShapes& shapes, mgca::Profile profile) {
  mgca::Preprocessing how{.profile = profile};
  const auto table = shapes.find("img_encoder_q.model.pos_embed");
  if (table != shapes.end()) {
    for (const auto& text : mgca::infer_model(shapes, profile, "").overrides) {
      if (text.starts_with("image.image_size=")) how.image_size = std::stoll(text.substr(text.find('=') + 1));
    }
    how.stored_side = how.image_size * 256 / 224;
  }
  return mgca::to_json_text(how, -1);
}

Conversion planned(const mgca::io::WeightFile& file, const ConvertOptions& o) {
  Conversion plan{.tensors = {}, .sources = {}, .metadata = {{"format", "pt"}}};
  const auto all = file.tensors();
  if (o.from.empty() && o.to.empty()) {
    for (const auto& info : all) {
      plan.tensors.push_back(info);
      plan.sources.push_back(&info);
    }
    for (const auto& [key, value] : file.metadata()) plan.metadata.insert_or_assign(key, value);
    return plan;
  }
  std::vector<std::string> names;
  for (const auto& info : all) names.push_back(info.name);
  const auto source = o.in.string();
  const auto& from = o.from.empty() ? mgca::detect_dialect(names, source) : mgca::dialect(o.from);
  const auto& to = mgca::dialect(o.to.empty() ? "mgca" : o.to);
  const auto made = mgca::translate(names, from, to, source);
  mgca::TensorShapes shapes;
  for (const auto& one : made.kept) {
    auto info = all[one.index];
    const auto ours = from.map.to_ours(info.name).name.value_or("");
    info.shape = to.sides_there(ours, from.sides_here(ours, info.shape));
    info.name = one.name;
    shapes.emplace(one.name, info.shape);
    plan.tensors.push_back(std::move(info));
    plan.sources.push_back(&all[one.index]);
  }
  if (to.name == "mgca") {
    for (const auto* key : {"model", mgca::Preprocessing::kKey}) {
      if (const auto told = file.metadata().find(key); told != file.metadata().end()) plan.metadata.insert(*told);
    }
    if (from.profile) plan.metadata.emplace(mgca::Preprocessing::kKey, published_preprocessing(shapes, *from.profile));
  }
  console::line("  dialect      " + from.name + " to " + to.name);
  tell_left_out(made.left_out);
  return plan;
}

// Lightning's files hold their tensors in a dict of their own: its key, taken off the names; empty for other layouts.
std::string unwrapped(std::vector<mgca::io::TensorInfo>& tensors) {
  const std::string key = "state_dict", prefix = key + ".";
  for (const auto& info : tensors) {
    if (!info.name.starts_with(prefix)) return "";
  }
  for (auto& info : tensors) info.name.erase(0, prefix.size());
  return key;
}

void convert(const ConvertOptions& o) {
  const auto extension = o.out.extension().string();
  const bool torch = extension == ".pth" || extension == ".pt" || extension == ".ckpt" || extension == ".bin";
  if (!torch && extension != ".safetensors") {
    mgca::fail(mgca::ErrorKind::argument, o.out.string(), ": expected a name that ends in .safetensors, .pth, .pt, .ckpt or .bin, which says what is written");
  }
  if (std::filesystem::exists(o.out)) mgca::fail(mgca::ErrorKind::argument, o.out.string(), ": there is such a file already; remove it or choose another name");
  const auto file = mgca::io::WeightFile::open(o.in);
  console::line("convert " + o.in.string());
  auto plan = planned(file, o);
  if (plan.tensors.empty()) mgca::fail(mgca::ErrorKind::data, o.in.string(), ": holds no tensor to write");
  // The bytes of one tensor go before those of the next are read, so that memory holds one at a time.
  const mgca::io::TensorInfo* before = nullptr;
  const auto bytes = [&](std::size_t i, std::vector<std::byte>& scratch) {
    if (before != nullptr) file.release(*before);
    before = plan.sources[i];
    return file.bytes(*before, scratch);
  };
  auto& files = mgca::posix_files();
  if (torch) {
    const auto under = unwrapped(plan.tensors);  // before the names are written
    mgca::io::write_torch_archive(files, o.out, plan.tensors, plan.metadata, bytes, under);
  } else {
    mgca::io::write_safetensors(files, o.out, plan.tensors, plan.metadata, bytes);
  }
  console::line("  written      " + o.out.string() + ", " + std::to_string(plan.tensors.size()) + " tensors, " + console::bytes(std::filesystem::file_size(o.out)));
}

}  // namespace

void add_convert(CLI::App& program) {
  auto o = std::make_shared<ConvertOptions>();
  auto* command = program.add_subcommand("convert", "weights from one layout or container to another");
  std::string names;
  for (const auto& name : mgca::dialect_names()) names += (names.empty() ? "" : ", ") + name;
  command->add_option("in", o->in, "a file of weights, as for mgca inspect")->required()->type_name("IN");
  command->add_option("out", o->out, "what its name ends in says what is written: .safetensors, or .pth, .pt, .ckpt, .bin for torch")->required()->type_name("OUT");
  command->add_option("--from", o->from, "dialect of IN; without it: told by the names")->type_name("NAME");
  command->add_option("--to", o->to, "dialect of OUT; without it: mgca where --from is given, else the names stay")->type_name("NAME");
  command->footer("Dialects: " + names + "\nExample: mgca convert vit_base.ckpt vit_base.safetensors --to mgca");
  command->callback([o] { convert(*o); });
}

}  // namespace command
