// mgca explain: where the model looks in one radiograph, and at which words of its report.
#include "command.hpp"
#include "study.hpp"

#include <mgca/image/geometry.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/tasks/explain.hpp>
#include <mgca/viz/heatmap.hpp>

#include <CLI/CLI.hpp>

namespace command {

void add_explain(CLI::App& program) {
  struct Options : study::RunOptions {
    std::filesystem::path out;
    std::int64_t row = 0;
    bool show_text = false;
  };
  auto o = std::make_shared<Options>();
  auto* command = program.add_subcommand("explain", "where the model looks in one radiograph, and at which words of its report");
  add_run_options(*command, *o);
  command->add_option("--row", o->row, "row of the data table, counted from 1 without the header")->required()->type_name("NUMBER");
  command->add_option("--out", o->out, "folder for heatmap.png and words.csv")->required()->type_name("FOLDER");
  command->add_flag("--show-text", o->show_text, "write the words of the report beside their weights");
  command->footer("Example: mgca explain --run runs/mine --row 12 --out runs/mine/row-12");
  command->callback([o] {
    auto study = study::open_run(*o);
    if (o->row < 1 || o->row > study.data.size()) {
      mgca::fail(mgca::ErrorKind::argument, "explain: row ", o->row, " is outside 1 .. ", study.data.size());
    }
    const study::Study::Split one(study.data, {o->row - 1});
    const auto source = study.source(one);
    const std::array<std::int64_t, 1> record{0};
    const auto batch = source.batch(record, {});
    const auto device = study.model->parameters().front().device();
    const auto explained = mgca::tasks::explain(*study.model, mgca::network_input(batch.images, device), batch.tokens.to(device));
    const auto side = source.config().augmentation.crop, offset = (source.config().stored_side - side) / 2;
    const auto seen = mgca::image::crop(source.stored(0).plane(), {.top = offset, .left = offset, .height = side, .width = side});
    const auto backdrop = mgca::image::resize(seen.plane(), {.height = 448, .width = 448});
    const auto map = mgca::viz::heatmap(explained.regions.plane(), backdrop.plane());
    std::error_code code;
    std::filesystem::create_directories(o->out, code);
    if (code) mgca::fail_system(o->out, "create the folder", code.value());
    auto& files = mgca::posix_files();
    const auto png = mgca::io::encode_png(map.picture.plane());
    mgca::atomic_write(files, o->out / "heatmap.png", std::span<const std::byte>(png));
    std::string csv = o->show_text ? "slot,weight,word\n" : "slot,weight\n";
    const auto words = source.words(0, study.tokenizer.vocabulary());
    for (std::size_t i = 0; i < explained.words.size(); ++i) {
      csv += std::to_string(i) + "," + console::number(explained.words[i], 6) + (o->show_text && i < words.size() ? "," + mgca::io::csv_cell(words[i]) : "") + "\n";
    }
    mgca::atomic_write(files, o->out / "words.csv", csv);
    console::line("similarity of image and report: " + console::number(explained.similarity));
    console::line("heat map: " + (o->out / "heatmap.png").string() + "   " + explained.region_formula + "; " + map.formula);
    console::line("words:    " + (o->out / "words.csv").string() + "   " + explained.word_formula);
  });
}

}  // namespace command
