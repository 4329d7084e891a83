// mgca retrieve: reports for images and images for reports, over a whole split; images for a sentence, from an index.
#include "command.hpp"
#include "evaluate.hpp"
#include "run_results.hpp"

#include <mgca/data/fingerprint.hpp>
#include <mgca/feed/tokens.hpp>
#include <mgca/tasks/image_index.hpp>

#include <CLI/CLI.hpp>

#include <iostream>

namespace command {

namespace {

struct RetrieveOptions : run_results::Options {
  std::filesystem::path write_index, index;
  std::vector<std::string> ask;
  std::int64_t count = 10;
};

// Everything that decides the numbers, with data and weights.
struct RetrieveProtocol {
  std::string hits = evaluate::kHitRule;
  std::string relevance = "a finding in common; over queries that have one";
  mgca::StudySourceConfig source;
  std::string split = "test";
  std::string interval = "percentile bootstrap, patients drawn with replacement";
  double confidence = 0.95;
  std::int64_t resamples = 1000;

  static void describe(auto& self, auto&& field) {
    field("hits", self.hits, "what counts as the partner of a query");
    field("relevance", self.relevance, "what counts as relevant for the precision at k");
    field("source", self.source, "preparation of images and reports");
    field("split", self.split, "which split was scored");
    field("interval", self.interval, "how intervals were found");
    field("confidence", self.confidence, "of the intervals");
    field("resamples", self.resamples, "of the bootstrap");
  }
};

std::string at(const char* measure, std::int64_t k) { return std::string(measure) + "_at_" + std::to_string(k); }

// Recall, median and mean rank of one direction, on the same resamples.
void add_ranks(downstream::Row& row, const mgca::RankList& list, const mgca::BootstrapOptions& options) {
  const auto all = mgca::metrics::bootstrap(
      static_cast<std::int64_t>(list.ranks.size()),
      [&](const mgca::Resample& draw) {
        mgca::RankList drawn;
        for (const auto i : draw.indices) drawn.ranks.push_back(list.ranks[static_cast<std::size_t>(i)]);
        return std::vector<double>{drawn.recall(1), drawn.recall(5), drawn.recall(10), drawn.median(), drawn.mean()};
      },
      options);
  row.counts["queries"] = static_cast<std::int64_t>(list.ranks.size());
  std::size_t next = 0;
  for (const std::int64_t k : {1, 5, 10}) row.measures[at("recall", k)] = downstream::estimate(all[next++]);
  row.measures["median_rank"] = downstream::estimate(all[next++]);
  row.measures["mean_rank"] = downstream::estimate(all[next]);
}

// Of the nearest k answers the part that shares a finding with the query, over queries that have one: answers in random order reach
// the number returned.
std::optional<double> add_precision(downstream::Row& row, const mgca::Tensor& queries, const mgca::Tensor& answers, const study::Study::Split& split,
                                    const std::vector<std::int64_t>& records, const evaluate::Ranks& ranks, std::int64_t resamples) {
  std::vector<std::int64_t> with, patients;
  const auto& labels = [&](std::int64_t place) -> const auto& { return split.record(records[static_cast<std::size_t>(place)]).labels; };
  const auto N = static_cast<std::int64_t>(records.size());
  for (std::int64_t i = 0; i < N; ++i) {
    if (std::none_of(labels(i).begin(), labels(i).end(), [](float label) { return label == 1.0F; })) continue;
    with.push_back(i);
    patients.push_back(ranks.patients[static_cast<std::size_t>(i)]);
  }
  row.counts["queries with a finding"] = static_cast<std::int64_t>(with.size());
  if (with.empty()) return std::nullopt;
  const auto similarity = queries.index_select(0, mgca::tensor_of(std::span<const std::int64_t>(with), {static_cast<std::int64_t>(with.size())})).mm(answers.t()).contiguous();
  const auto relevant = [&](std::int64_t i, std::int64_t j) {
    const auto &a = labels(with[static_cast<std::size_t>(i)]), &b = labels(j);
    for (std::size_t c = 0; c < a.size(); ++c) {
      if (a[c] == 1.0F && b[c] == 1.0F) return true;
    }
    return false;
  };
  double chance = 0;
  for (std::int64_t i = 0; i < similarity.size(0); ++i) {
    for (std::int64_t j = 0; j < N; ++j) chance += relevant(i, j) ? 1 : 0;
  }
  for (const std::int64_t k : {1, 5, 10}) {
    if (k > N) break;
    const auto parts = mgca::metrics::precision_at(mgca::plane_of(similarity), k, relevant);
    row.measures[at("precision", k)] = downstream::estimate(run_results::mean_of(std::vector<std::optional<double>>(parts.begin(), parts.end()), patients, resamples));
  }
  return chance / static_cast<double>(similarity.numel());
}

downstream::Row chance_row(const mgca::RankList& list, const std::optional<double>& precision) {
  downstream::Row row{.name = "chance", .counts = {}, .measures = {}};
  const auto set = [&](const std::string& measure, double value) { row.measures[measure] = {.value = value, .low = {}, .high = {}}; };
  for (const std::int64_t k : {1, 5, 10}) {
    set(at("recall", k), list.chance_recall(k));
    if (precision && k <= list.candidates) set(at("precision", k), *precision);
  }
  set("mean_rank", list.chance_mean());
  return row;
}

void retrieve_split(const RetrieveOptions& o) {
  auto study = study::open_run(o);
  const auto split = study.split(o.split);
  const auto source = study.source(split);
  const auto gallery = mgca::tasks::embed(*study.model, source);
  const auto ranks = evaluate::ranks(split, gallery);
  const auto N = static_cast<std::int64_t>(gallery.records.size());
  const mgca::BootstrapOptions bootstrap{.resamples = o.resamples, .groups = ranks.patients};
  downstream::Row images{.name = "image to report", .counts = {{"different reports", ranks.different}}, .measures = {}}, reports{.name = "report to image", .counts = images.counts, .measures = {}};
  add_ranks(images, ranks.found.image_to_text, bootstrap);
  add_ranks(reports, ranks.found.text_to_image, bootstrap);
  const auto precision = add_precision(images, gallery.images, gallery.reports, split, gallery.records, ranks, o.resamples);
  (void)add_precision(reports, gallery.reports, gallery.images, split, gallery.records, ranks, o.resamples);
  std::vector<std::string> shown;
  for (const std::int64_t k : {1, 5, 10}) shown.push_back(at("recall", k));
  for (const auto* rank : {"median_rank", "mean_rank"}) shown.emplace_back(rank);
  for (const std::int64_t k : {1, 5, 10}) {
    if (precision) shown.push_back(at("precision", k));
  }
  std::string csv = "row,patient_number,image_to_report,report_to_image\n";
  for (std::size_t i = 0; i < gallery.records.size(); ++i) {
    csv += std::to_string(split.record(gallery.records[i]).row) + "," + std::to_string(ranks.patients[i]) + "," + std::to_string(ranks.found.image_to_text.ranks[i]) + "," +
           std::to_string(ranks.found.text_to_image.ranks[i]) + "\n";
  }
  const auto out = run_results::folder(o, "retrieve");
  auto data = run_results::data(study, study.data.label_names(), {{o.split, N}});
  data.sha256 = mgca::data::fingerprint(study.data);  // reports too: they decide the numbers
  mgca::atomic_write(mgca::posix_files(), out / "ranks.csv", csv);
  run_results::write<RetrieveProtocol>(
      out, {.task = "retrieve", .library = {}, .protocol = {.source = study.config.source.without_augmentation(), .split = o.split, .resamples = o.resamples},
            .data = std::move(data), .weights = run_results::weights(o), .seeds = {}, .spread = {}},
      {.seed = 0, .training = {}, .rows = {images, reports, chance_row(ranks.found.image_to_text, precision)}}, shown);
  console::line("  " + std::to_string(ranks.different) + " different reports in " + std::to_string(N) + " pairs: " + evaluate::kHitRule);
  if (o.write_index.empty()) return;
  std::vector<std::string> paths;
  for (const auto i : gallery.records) paths.push_back(split.record(i).image.generic_string());
  mgca::ImageIndex(gallery.images, std::move(paths), {{"weights_sha256", run_results::weights(o).sha256}}).write(o.write_index);
  console::line("  index of " + std::to_string(N) + " images written to " + o.write_index.string());
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
  auto study = study::open_run(o);
  const auto told = index.metadata().find("weights_sha256");
  if (told != index.metadata().end() && told->second != run_results::weights(o).sha256) {
    mgca::fail(mgca::ErrorKind::data, o.index.string(), ": written with other weights than ", (o.run / "best.safetensors").string(),
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
  run_results::add_options(*command, *o);
  auto* write = command->add_option("--write-index", o->write_index, "keep the split's images for sentences asked later")->type_name("FILE.safetensors");
  auto* index = command->add_option("--index", o->index, "search the images of this file instead")->type_name("FILE.safetensors")->excludes(write);
  command->add_option("--ask", o->ask, "a sentence to search for; without one: read line by line")->type_name("TEXT")->allow_extra_args(false)->needs(index);
  command->add_option("--count", o->count, "images named for each sentence")->capture_default_str()->needs(index);
  command->footer("recall at k: share of queries whose partner is among the first k of the split; equal reports stand for each other, ties count against\n"
                  "the model. Writes results.json, results.md, results.tex and ranks.csv, a line for each pair, into --out, or retrieve/ in the run folder.\n"
                  "Example: mgca retrieve --run runs/mine\n"
                  "Images for a sentence: mgca retrieve --run runs/mine --write-index images.safetensors, then\n"
                  "mgca retrieve --run runs/mine --index images.safetensors --ask 'small left effusion'");
  command->callback([o] { o->index.empty() ? retrieve_split(*o) : retrieve_sentences(*o); });
}

}  // namespace command
