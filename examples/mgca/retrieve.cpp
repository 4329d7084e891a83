// mgca retrieve: reports for images and images for reports, over a whole split; images for a sentence, from an index.
#include "command.hpp"
#include "evaluate.hpp"

#include <mgca/feed/tokens.hpp>
#include <mgca/io/weight_file.hpp>
#include <mgca/tasks/image_index.hpp>
#include <mgca/tasks/retrieve.hpp>
#include <mgca/text/caption.hpp>

#include <CLI/CLI.hpp>

#include <iostream>
#include <set>

namespace command {

namespace {

struct RetrieveOptions {
  study::RunOptions run;
  std::filesystem::path write_index, index;
  std::vector<std::string> ask;
  std::int64_t count = 10;
};

std::string weights_hash(const RetrieveOptions& o) { return mgca::io::WeightFile::open(o.run.run / "best.safetensors").sha256(); }

// Reports as the model reads them; those that are equal can be told apart by nobody.
std::vector<std::int64_t> report_groups(const study::Study::Split& split) {
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < split.size(); ++i) texts.push_back(mgca::text::clean_caption({.impression = split.record(i).report, .findings = ""}).joined());
  return mgca::metrics::groups_of_equal(texts);
}

// The part of the nearest k reports that share a finding with the image, over images that have one.
std::vector<std::vector<std::string>> shared_findings(const study::Study::Split& split, const mgca::Gallery& gallery) {
  std::vector<std::int64_t> with;
  for (std::int64_t i = 0; i < split.size(); ++i) {
    const auto& labels = split.record(i).labels;
    if (std::any_of(labels.begin(), labels.end(), [](float label) { return label == 1.0F; })) with.push_back(i);
  }
  if (with.empty()) return {};
  const auto rows = mgca::tensor_of(std::span<const std::int64_t>(with), {static_cast<std::int64_t>(with.size())});
  const auto similarity = gallery.images.index_select(0, rows).mm(gallery.reports.t()).contiguous();
  double chance = 0;
  const auto relevant = [&](std::int64_t i, std::int64_t j) {
    const auto &a = split.record(with[static_cast<std::size_t>(i)]).labels, &b = split.record(j).labels;
    for (std::size_t c = 0; c < a.size(); ++c) {
      if (a[c] == 1.0F && b[c] == 1.0F) return true;
    }
    return false;
  };
  for (std::int64_t i = 0; i < similarity.size(0); ++i) {
    for (std::int64_t j = 0; j < split.size(); ++j) chance += relevant(i, j) ? 1 : 0;
  }
  chance /= static_cast<double>(similarity.numel());
  std::vector<std::vector<std::string>> table;
  for (const std::int64_t k : {1, 5, 10}) {
    if (k > split.size()) break;
    const auto parts = mgca::metrics::precision_at(mgca::plane_of(similarity), k, relevant);
    const auto interval = mgca::metrics::bootstrap(static_cast<std::int64_t>(parts.size()), [&](const mgca::Resample& draw) {
      double sum = 0;
      for (const auto i : draw.indices) sum += parts[static_cast<std::size_t>(i)];
      return std::optional<double>(sum / static_cast<double>(draw.indices.size()));
    });
    table.push_back({"precision@" + std::to_string(k) + ", a finding in common", evaluate::text_of(interval), "", console::number(chance)});
  }
  return table;
}

void retrieve_split(const RetrieveOptions& o) {
  auto study = study::open_run(o.run);
  const auto split = study.split(o.run.split);
  const auto source = study.source(split);
  const auto gallery = mgca::tasks::embed(*study.model, source);
  const auto groups = report_groups(split);
  const auto ranks = mgca::tasks::retrieve(gallery, {.image_groups = groups, .text_groups = groups});
  std::vector<std::vector<std::string>> rows;
  std::string csv = "k,image_to_text,text_to_image,chance\n";
  for (const std::int64_t k : {1, 5, 10}) {
    const auto r = evaluate::recall_at(ranks, k);
    const double chance = std::min(1.0, static_cast<double>(k) / static_cast<double>(split.size()));
    rows.push_back({"recall@" + std::to_string(k), evaluate::text_of(r.image_to_text), evaluate::text_of(r.text_to_image), console::number(chance)});
    csv += std::to_string(k) + "," + console::number(*r.image_to_text.estimate, 6) + "," + console::number(*r.text_to_image.estimate, 6) + "," + console::number(chance, 6) + "\n";
  }
  const auto middle = console::number(static_cast<double>(split.size() + 1) / 2, 1);
  rows.push_back({"median rank", console::number(ranks.image_to_text.median(), 1), console::number(ranks.text_to_image.median(), 1), middle});
  rows.push_back({"mean rank", console::number(ranks.image_to_text.mean(), 1), console::number(ranks.text_to_image.mean(), 1), middle});
  for (auto& row : shared_findings(split, gallery)) rows.push_back(std::move(row));
  console::table({"of " + std::to_string(split.size()) + " pairs", "image -> report", "report -> image", "chance"}, rows);
  const auto different = std::set<std::int64_t>(groups.begin(), groups.end()).size();
  if (different < groups.size()) {
    console::line("  " + std::to_string(different) + " different reports in " + std::to_string(groups.size()) + " pairs: equal reports stand for each other");
  }
  mgca::atomic_write(mgca::posix_files(), o.run.run / "retrieve.csv", csv);
  console::line("  written to " + (o.run.run / "retrieve.csv").string());
  if (o.write_index.empty()) return;
  std::vector<std::string> paths;
  for (std::int64_t i = 0; i < split.size(); ++i) paths.push_back(split.record(i).image.generic_string());
  mgca::ImageIndex(gallery.images, std::move(paths), {{"weights_sha256", weights_hash(o)}}).write(o.write_index);
  console::line("  index of " + std::to_string(split.size()) + " images written to " + o.write_index.string());
}

void answer(const mgca::ImageIndex& index, study::Study& study, const std::string& sentence, std::int64_t count) {
  const mgca::EvaluationScope evaluation(*study.model);
  const auto device = study.model->parameters().front().device();
  const auto tokens = mgca::tokens_of_phrases(std::vector<std::string>{sentence}, study.tokenizer, study.model->profile()).to(device);
  for (const auto& hit : index.nearest(study.model->encode_text(tokens).global[0], count)) {
    console::line("  " + console::number(hit.similarity, 4) + "  " + index.path(hit.place));
  }
}

// Sentences given, or else read line by line until the end of input.
void retrieve_sentences(const RetrieveOptions& o) {
  const auto index = mgca::ImageIndex::read(o.index);
  auto study = study::open_run(o.run);
  const auto told = index.metadata().find("weights_sha256");
  if (told != index.metadata().end() && told->second != weights_hash(o)) {
    mgca::fail(mgca::ErrorKind::data, o.index.string(), ": written with other weights than ", (o.run.run / "best.safetensors").string(),
               "; write it again with mgca retrieve --write-index");
  }
  for (const auto& sentence : o.ask) answer(index, study, sentence, o.count);
  if (!o.ask.empty()) return;
  console::line(std::to_string(index.size()) + " images; a sentence a line, an empty one ends");
  for (std::string sentence; std::getline(std::cin, sentence) && !sentence.empty();) {
    try {
      answer(index, study, sentence, o.count);
    } catch (const mgca::Error& error) {  // the next sentence may be better
      console::line(std::string("  ") + error.what());
    }
  }
}

}  // namespace

void add_retrieve(CLI::App& program) {
  auto o = std::make_shared<RetrieveOptions>();
  auto* command = program.add_subcommand("retrieve", "finds reports for images and images for reports over a whole split, or images for a sentence");
  add_run_options(*command, o->run);
  add_split_option(*command, o->run);
  auto* write = command->add_option("--write-index", o->write_index, "keep the split's images for sentences asked later")->type_name("FILE.safetensors");
  auto* index = command->add_option("--index", o->index, "search the images of this file instead")->type_name("FILE.safetensors")->excludes(write);
  command->add_option("--ask", o->ask, "a sentence to search for; without one: read line by line")->type_name("TEXT")->allow_extra_args(false)->needs(index);
  command->add_option("--count", o->count, "images named for each sentence")->capture_default_str()->needs(index);
  command->footer("recall@k: share of queries whose own partner is among the first k of the split; ties count against the model.\n"
                  "Writes retrieve.csv into the run folder. Example: mgca retrieve --run runs/mine\n"
                  "Images for a sentence: mgca retrieve --run runs/mine --write-index images.safetensors, then\n"
                  "mgca retrieve --run runs/mine --index images.safetensors --ask 'small left effusion'");
  command->callback([o] { o->index.empty() ? retrieve_split(*o) : retrieve_sentences(*o); });
}

}  // namespace command
