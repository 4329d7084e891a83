// mgca retrieve: reports for images and images for reports, over a whole split.
#include "command.hpp"
#include "evaluate.hpp"

#include <mgca/tasks/retrieve.hpp>

#include <CLI/CLI.hpp>

namespace command {

void add_retrieve(CLI::App& program) {
  auto o = std::make_shared<study::RunOptions>();
  auto* command = program.add_subcommand("retrieve", "finds reports for images and images for reports over a whole split");
  add_run_options(*command, *o);
  add_split_option(*command, *o);
  command->footer("recall@k: share of queries whose own partner is among the first k of the split; ties count against the model.\n"
                  "Writes retrieve.csv into the run folder. Example: mgca retrieve --run runs/mine");
  command->callback([o] {
    auto study = study::open_run(*o);
    const auto split = study.split(o->split);
    const auto source = study.source(split);
    const auto ranks = mgca::tasks::retrieve(mgca::tasks::embed(*study.model, source));
    std::vector<std::vector<std::string>> rows;
    std::string csv = "k,image_to_text,text_to_image,chance\n";
    for (const std::int64_t k : {1, 5, 10}) {
      const auto r = evaluate::recall_at(ranks, k);
      const double chance = std::min(1.0, static_cast<double>(k) / static_cast<double>(split.size()));
      rows.push_back({"recall@" + std::to_string(k), evaluate::text_of(r.image_to_text), evaluate::text_of(r.text_to_image), console::number(chance)});
      csv += std::to_string(k) + "," + console::number(*r.image_to_text.estimate, 6) + "," + console::number(*r.text_to_image.estimate, 6) + "," + console::number(chance, 6) + "\n";
    }
    rows.push_back({"median rank", console::number(ranks.image_to_text.median(), 1), console::number(ranks.text_to_image.median(), 1),
                    console::number(static_cast<double>(split.size() + 1) / 2, 1)});
    console::table({"of " + std::to_string(split.size()) + " pairs", "image -> report", "report -> image", "chance"}, rows);
    mgca::atomic_write(mgca::posix_files(), o->run / "retrieve.csv", csv);
    console::line("  written to " + (o->run / "retrieve.csv").string());
  });
}

}  // namespace command
