// mgca pack: the pictures of a table, decoded and reduced once, and its reports as tokens, in one file that training maps.
#include "command.hpp"
#include "study.hpp"

#include <mgca/data/pack_build.hpp>

#include <CLI/CLI.hpp>

#include <cmath>
#include <memory>
#include <optional>

namespace command {

namespace {

struct PackOptions {
  study::BeginOptions begin;
  std::filesystem::path out;
  std::string bad = "fail";
  std::int64_t threads = 0;
  bool pictures_only = false;
};

bool has_split(const mgca::PairStudies& data, std::string_view split) {
  for (std::int64_t i = 0; i < data.size(); ++i) {
    if (data.record(i).split == split) return true;
  }
  return false;
}

// Reports that nobody will read need not be there.
mgca::PairsConfig tables_of(const study::StudyConfig& config, bool pictures_only) {
  auto tables = study::tables_of(config);
  if (pictures_only) tables.report_column.clear();
  return tables;
}

// Nothing where no report is read, or there is no vocabulary and nothing to train one on.
std::optional<mgca::WordPiece> tokenizer_for(const study::StudyConfig& config, const mgca::PairStudies& data, bool reads_reports) {
  if (!reads_reports) return std::nullopt;
  if (config.vocabulary.empty() && !has_split(data, "train")) {
    console::line("  no --vocabulary and no training split to train one on: pictures alone are packed");
    return std::nullopt;
  }
  return study::make_tokenizer(config, data);
}

void pack(const PackOptions& o) {
  auto begin = o.begin;
  begin.set.push_back("source.bad.policy=" + o.bad);
  const auto config = study::begin(begin, "pack");
  config.validate();
  study::watch_signals();
  const auto tables = tables_of(config, o.pictures_only);
  const mgca::PairStudies data(tables);
  const auto tokenizer = tokenizer_for(config, data, !tables.report_column.empty());
  console::Progress progress("  packing");
  const auto told = [&](std::string_view, std::span<const mgca::Field> fields) {
    const auto rate = std::get<double>(fields[2].value);
    progress.update(std::get<std::int64_t>(fields[0].value), std::get<std::int64_t>(fields[1].value),
                    console::number(rate, rate < 100 ? 1 : 0) + " images/s");
  };
  const auto outcome = mgca::data::pack(data, o.out,
                                        {.side = config.source.stored_side,
                                         .local_contrast = config.source.local_contrast,
                                         .bad = config.source.bad,
                                         .threads = o.threads,
                                         .tokenizer = tokenizer ? &*tokenizer : nullptr,
                                         .profile = config.source.profile,
                                         .stop = &study::stop_requested()},
                                        told);
  progress.finish();
  if (!outcome.finished) {
    console::line("stopped after " + std::to_string(outcome.records) + " of " + std::to_string(data.size()) +
                  " pictures; the same command goes on");
    throw CLI::RuntimeError(128 + study::signal_received());
  }
  if (outcome.kept > 0) console::line("  " + std::to_string(outcome.kept) + " pictures were there already");
  for (const auto& [row, reason] : outcome.bad) console::note("  warning: " + reason);
  const mgca::ImagePack pack(o.out);
  console::line("done: " + o.out.string() + ", " + std::to_string(pack.size()) + " pictures of " + std::to_string(pack.side()) + " x " +
                std::to_string(pack.side()) + " pixels" + (tokenizer ? " with their reports as tokens, " : ", ") +
                console::number(static_cast<double>(std::filesystem::file_size(o.out)) / 1e6, 1) + " MB" +
                (outcome.bad.empty() ? "" : "; " + std::to_string(outcome.bad.size()) + " could not be read and have no picture"));
  console::line("  next      mgca pretrain --pack " + o.out.string() + " --data " + (o.begin.table.empty() ? config.data.table : o.begin.table).string() + " --out FOLDER");
}

}  // namespace

void pack_pictures(const std::filesystem::path& data, const std::filesystem::path& out) {
  pack({.begin = {.table = data, .model = "mgca-vit-b16"}, .out = out, .pictures_only = true});
}

void add_pack(CLI::App& program) {
  auto o = std::make_shared<PackOptions>();
  auto* command = program.add_subcommand("pack", "decode and reduce the pictures of a table once, for training at memory speed");
  command->add_option("--out", o->out, "the pack; a run that was stopped goes on, a finished pack stays as it is")
      ->required()
      ->type_name("FILE");
  add_begin_options(*command, o->begin);
  command->add_option("--bad", o->bad, "pictures that cannot be read: fail, or skip or replace, which leave their place empty, up to 1 %")
      ->type_name("POLICY")
      ->capture_default_str();
  command->add_option("--threads", o->threads, "that decode; 0: as many as the machine has")->capture_default_str();
  command->add_flag("--pictures-only", o->pictures_only, "leave the reports out; as for models that read none");
  command->footer(
      "Size and contrast of the pictures follow the model and --set source.*, as in training; --config takes a run's config.json.\n"
      "Example: mgca pack --data pairs.csv --out pairs.pack && mgca pretrain --data pairs.csv --pack pairs.pack --out runs/mine");
  command->callback([o] { pack(*o); });
}

}  // namespace command
