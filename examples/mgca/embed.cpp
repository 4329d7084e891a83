// mgca embed: pictures and reports as rows of numbers, for Python or anything else that reads safetensors or .npy.
#include "command.hpp"
#include "data_at.hpp"
#include "console.hpp"
#include "start.hpp"
#include "study.hpp"

#include <mgca/catalog/start_weights.hpp>
#include <mgca/data/pack.hpp>
#include <mgca/feed/tokens.hpp>
#include <mgca/image/augment.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/io/npy.hpp>
#include <mgca/train/evaluate.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace command {

namespace {

struct EmbedOptions {
  std::filesystem::path run, weights, vocabulary, table, reports, out;
  std::vector<std::filesystem::path> images;
  std::vector<std::string> set;
  std::string dialect, device = "auto";
  std::int64_t batch_size = 32;
  bool tokens = false;
};

// A model with weights in it and all it takes to feed it.
struct Embedder {
  std::shared_ptr<mgca::AlignmentModel> model;
  mgca::Preprocessing how;
  std::optional<mgca::WordPiece> tokenizer;  // where a vocabulary was given
  bool image_head = true, text_head = true;  // whether the heads have weights
  std::map<std::string, std::string> metadata;
  torch::Device device = torch::kCPU;
};

Embedder opened(const EmbedOptions& o) {
  Embedder out{.device = study::parse_device(o.device)};
  const auto best = o.run / "best.safetensors";
  const auto path = o.weights.empty() ? best : o.weights;
  const auto vocabulary = o.vocabulary.empty() && !o.run.empty() ? o.run / "vocabulary.txt" : o.vocabulary;
  const auto file = mgca::io::WeightFile::open(path);
  const auto weights = mgca::our_weights(file, o.dialect);
  // A checkpoint of a run says nothing of its model; the best weights beside it do.
  if (o.run.empty() && weights.dialect->name == "mgca-checkpoint") {
    mgca::fail(mgca::ErrorKind::argument, "embed: ", path.string(), ": a checkpoint of a run says nothing of its model; give --run FOLDER as well");
  }
  std::optional<mgca::io::WeightFile> beside;
  if (!o.run.empty() && !o.weights.empty()) beside = mgca::io::WeightFile::open(best);
  const auto& told = beside ? *beside : file;
  auto choice = mgca::model_of(told, beside ? mgca::our_weights(told) : weights);
  choice.overrides.insert(choice.overrides.end(), o.set.begin(), o.set.end());
  out.model = study::create_model(choice);
  const auto report = mgca::load_start_weights(*out.model, file, {.dialect = o.dialect});
  for (const auto& name : report.at_random) {
    if (name.starts_with("img_encoder_q.")) out.image_head = false;
    if (name.starts_with("text_encoder_q.") && name.find(".crossattention.") == std::string::npos) out.text_head = false;
  }
  const auto trained = mgca::preprocessing_of(told.metadata(), told.path().string());
  const auto side = out.model->image_size();
  out.how = trained.value_or(mgca::Preprocessing{.image_size = side, .stored_side = side * 256 / 224, .text_length = out.model->text_length(),
                                                       .profile = out.model->profile()});
  auto here = out.how;
  here.image_size = side;
  here.text_length = out.model->text_length();
  here.profile = out.model->profile();
  if (!vocabulary.empty() && out.model->needs().reports) {
    out.tokenizer.emplace(mgca::Vocabulary::read(vocabulary), mgca::WordPieceConfig{.length = out.model->text_length()});
    here.vocabulary = out.tokenizer->vocabulary().content_hash();
    if (out.tokenizer->vocabulary().size() != out.model->vocabulary()) {
      mgca::fail(mgca::ErrorKind::data, vocabulary.string(), ": ", out.tokenizer->vocabulary().size(), " word pieces, the weights were trained with ",
                 out.model->vocabulary());
    }
  }
  mgca::require_same_preprocessing(out.how, here, told.path().string());
  out.model->to(out.device);
  out.metadata = {{"format", "pt"}, {"weights_sha256", file.sha256()}, {"dialect", report.dialect}, {mgca::Preprocessing::kKey, mgca::to_json_text(here, -1)}};
  console::line("embed with " + path.string() + " (" + report.dialect + ", profile " + std::string(mgca::to_string(out.model->profile())) + ")" +
                (trained ? "" : "; prepared as the published models are"));
  return out;
}

// Rows gathered batch by batch under one name.
class Rows {
 public:
  void add(const std::string& name, const mgca::Tensor& rows) {
    if (rows.defined()) parts_[name].push_back(rows.is_floating_point() ? rows.to(torch::kCPU, torch::kFloat32) : rows.to(torch::kCPU));
  }
  [[nodiscard]] mgca::StateDict joined() const {
    mgca::StateDict all;
    for (const auto& [name, parts] : parts_) all.push_back({name, torch::cat(parts)});
    return all;
  }

 private:
  std::map<std::string, std::vector<mgca::Tensor>> parts_;
};

template <class Picture>
void embed_images(Embedder& e, const EmbedOptions& o, std::int64_t count, const Picture& picture, Rows& rows) {
  const auto S = e.how.image_size;
  console::Progress progress("  images");
  for (std::int64_t from = 0; from < count; from += o.batch_size) {
    const auto B = std::min(o.batch_size, count - from);
    auto batch = torch::empty({B, 1, S, S}, torch::kUInt8);
    for (std::int64_t b = 0; b < B; ++b) {
      const auto stored = mgca::data::stored_picture(picture(from + b).plane(), e.how.stored_side, e.how.local_contrast);
      const auto seen = mgca::image::augment(stored.plane(), {.crop = S, .random_crop = false}, {});
      std::memcpy(batch.data_ptr<std::uint8_t>() + b * S * S, seen.pixels().data(), seen.pixels().size());
    }
    const auto input = mgca::network_input(batch, e.device);
    if (!e.image_head) {
      rows.add("image.features", e.model->image_features(input));
    } else {
      const auto found = e.model->encode_image(input);
      rows.add("image.features", found.features);
      rows.add("image.global", found.global);
      if (o.tokens) rows.add("image.local", found.local);
      if (o.tokens) rows.add("image.attention", found.attention);
    }
    progress.update(from + B, count, "");
  }
}

void embed_reports(Embedder& e, const EmbedOptions& o, const std::vector<std::string>& reports, Rows& rows) {
  const auto count = static_cast<std::int64_t>(reports.size());
  console::Progress progress("  reports");
  const auto all = mgca::tokens_of(reports, *e.tokenizer, e.how.profile);
  for (std::int64_t from = 0; from < count; from += o.batch_size) {
    const auto B = std::min(o.batch_size, count - from);
    const auto part = [&](const mgca::Tensor& x) { return x.slice(0, from, from + B); };
    const mgca::Tokens tokens{.ids = part(all.ids), .mask = part(all.mask), .word_slot = part(all.word_slot), .words = part(all.words)};
    const auto found = e.model->encode_text(tokens.to(e.device));
    rows.add("text.global", found.global);
    if (o.tokens) {
      rows.add("text.local", found.local);
      rows.add("text.attention", found.attention);
      rows.add("text.words", part(all.words));
    }
    progress.update(from + B, count, "");
  }
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  const auto text = mgca::read_text_file(path);
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  if (lines.empty()) mgca::fail(mgca::ErrorKind::data, path.string(), ": the file is empty; expected one report a line");
  return lines;
}

void write(const std::filesystem::path& out, const mgca::StateDict& all, const std::map<std::string, std::string>& metadata) {
  if (out.extension() == ".safetensors") {
    mgca::write_weights(out, {all, metadata});
    console::line("  written " + out.string());
  }
  const mgca::WeightRecords held(all);
  for (const auto& record : held.records()) {
    auto path = out;
    std::string shape;
    for (const auto side : record.shape) shape += (shape.empty() ? "" : " x ") + std::to_string(side);
    if (out.extension() == ".npy") mgca::io::write_npy(path.replace_extension("." + record.name + ".npy"), record);
    console::line("    " + record.name + "   " + shape + (out.extension() == ".npy" ? "   " + path.string() : ""));
  }
}

void embed(const EmbedOptions& o) {
  if (o.run.empty() && o.weights.empty()) mgca::fail(mgca::ErrorKind::argument, "embed: expected --run FOLDER or --weights FILE");
  if (o.images.empty() && o.reports.empty() && o.table.empty()) mgca::fail(mgca::ErrorKind::argument, "embed: nothing to embed; pass --images, --reports or --data");
  if (o.out.extension() != ".safetensors" && o.out.extension() != ".npy") {
    mgca::fail(mgca::ErrorKind::argument, "embed: --out ", o.out.string(), ": expected a name that ends in .safetensors or .npy");
  }
  if (o.batch_size < 1) mgca::fail(mgca::ErrorKind::argument, "embed: --batch-size ", o.batch_size, ": expected 1 or more");
  auto e = opened(o);
  std::optional<mgca::PairStudies> pairs;
  std::vector<std::string> reports;
  if (!o.table.empty()) {
    pairs.emplace(study::data_at(o.table));
    if (e.model->needs().reports) {
      for (std::int64_t i = 0; i < pairs->size(); ++i) reports.push_back(pairs->record(i).report);
    }
  } else if (!o.reports.empty()) {
    reports = lines_of(o.reports);
  }
  if (!reports.empty() && !e.model->needs().reports) (void)e.model->encode_text({});  // says that it has no text tower
  if (!reports.empty() && !e.tokenizer) mgca::fail(mgca::ErrorKind::argument, "embed: reports need --vocabulary, the word pieces the weights were trained with");
  if (!reports.empty() && !e.text_head) mgca::fail(mgca::ErrorKind::data, "embed: the weights hold no text tower with its projections, so reports have no embedding");
  Rows rows;
  const mgca::EvaluationScope evaluation(*e.model);
  if (pairs) {
    embed_images(e, o, pairs->size(), [&](std::int64_t i) { return pairs->image(i); }, rows);
  } else {
    const auto picture = [&](std::int64_t i) { return mgca::io::read_image(o.images[static_cast<std::size_t>(i)]); };
    embed_images(e, o, static_cast<std::int64_t>(o.images.size()), picture, rows);
  }
  if (!reports.empty()) {
    try {
      embed_reports(e, o, reports, rows);
    } catch (const mgca::Error& error) {
      mgca::fail(error.kind(), (pairs ? o.table : o.reports).string(), ": ", error.what());
    }
  }
  if (!e.image_head) console::line("  the weights hold no image projection: image.features alone are written");
  write(o.out, rows.joined(), e.metadata);
}

}  // namespace

void add_embed(CLI::App& program) {
  auto o = std::make_shared<EmbedOptions>();
  auto* command = program.add_subcommand("embed", "features of images and reports as .safetensors or .npy, rows in the order of the input");
  command->add_option("--out", o->out, "FILE.safetensors, or FILE.npy for one file each: FILE.image.global.npy, ...")->required()->type_name("FILE");
  command->add_option("--run", o->run, "run folder of mgca pretrain: its best weights, or --weights out of its checkpoints")->type_name("FOLDER");
  command->add_option("--weights", o->weights, "a file of weights of any dialect, as for mgca inspect")->type_name("FILE");
  command->add_option("--vocabulary", o->vocabulary, "word pieces the weights were trained with; without it: the run's")->type_name("FILE");
  command->add_option("--images", o->images, "PNG or JPEG files")->type_name("FILE");
  command->add_option("--reports", o->reports, "a text file with one report a line")->type_name("FILE");
  auto* data = command->add_option("--data", o->table, "CSV with the columns image and report, or folder of mgca prepare: both are embedded")->type_name("PATH");
  data->excludes("--images")->excludes("--reports");
  command->add_flag("--tokens", o->tokens, "the embeddings of patches and words too, with their attention");
  command->add_option("--set", o->set, "options of the model that shapes do not tell: --set image.heads=4")->type_name("KEY=VALUE")->allow_extra_args(false);
  command->add_option("--dialect", o->dialect, "layout of --weights; without it: told by the names")->type_name("NAME");
  command->add_option("--batch-size", o->batch_size, "records at once")->capture_default_str();
  command->add_option("--device", o->device, "cpu, cuda, cuda:N, or auto: a GPU where there is one")->type_name("NAME")->capture_default_str();
  command->footer("Example: mgca embed --run runs/mine --data pairs.csv --out features.safetensors");
  command->callback([o] { embed(*o); });
}

}  // namespace command
