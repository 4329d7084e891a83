// One command of the program: how it is called and what it does.
#pragma once

#include <filesystem>

namespace CLI {
class App;
}
namespace study {
struct BeginOptions;
struct RunOptions;
}

namespace command {

// Each adds its subcommand to the program; the subcommand's callback does the work and throws mgca::Error.
void add_pack(CLI::App& program);
void add_pretrain(CLI::App& program);
void add_classify(CLI::App& program);
void add_compare(CLI::App& program);
void add_detect(CLI::App& program);
void add_segment(CLI::App& program);
void add_retrieve(CLI::App& program);
void add_zeroshot(CLI::App& program);
void add_ground(CLI::App& program);
void add_explain(CLI::App& program);
void add_report(CLI::App& program);
void add_models(CLI::App& program);
void add_config(CLI::App& program);
void add_check(CLI::App& program);
void add_prepare(CLI::App& program);
void add_doctor(CLI::App& program);
void add_demo(CLI::App& program);
void add_inspect(CLI::App& program);
void add_convert(CLI::App& program);
void add_embed(CLI::App& program);
void add_experiment(CLI::App& program);

void add_all(CLI::App& program);  // all of them

// What `mgca pack` does with the published models' pictures of a prepared folder, without tokens.
void pack_pictures(const std::filesystem::path& data, const std::filesystem::path& out);

// Options that several commands share.
void add_begin_options(CLI::App& command, study::BeginOptions& options);  // --data, --model, --vocabulary, --set, --config
void add_run_options(CLI::App& command, study::RunOptions& options);    // --run, --data, --device
void add_split_option(CLI::App& command, study::RunOptions& options);   // --split
void add_label_options(CLI::App& command, study::RunOptions& options);  // --labels, --columns

}  // namespace command
