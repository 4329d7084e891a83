// The program `mgca`: prepare data, pretrain, classify, retrieve, explain and report from the command line.
#include "command.hpp"
#include "study.hpp"

#include <mgca/core/error.hpp>
#include <mgca/core/nearest.hpp>

#include <CLI/CLI.hpp>

#include <csignal>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <system_error>

namespace {
constexpr const char* no_memory = "mgca: out of memory; use a smaller batch (--set loader.batch_size=8), image or model, or source.store=none";

// Throws Error(argument) with the nearest names for a command that does not exist.
void require_known(const CLI::App& program, const std::string& command) {
  std::vector<std::string> names;
  for (const auto* one : program.get_subcommands({})) names.push_back(one->get_name());
  if (command.starts_with('-') || std::find(names.begin(), names.end(), command) != names.end()) return;
  mgca::fail(mgca::ErrorKind::argument, "no command '", command, "'", mgca::nearest_hint(command, names));
}

}  // namespace

void command::add_all(CLI::App& program) {
  add_prepare(program);
  add_check(program);
  add_pack(program);
  add_pretrain(program);
  add_classify(program);
  add_compare(program);
  add_detect(program);
  add_segment(program);
  add_retrieve(program);
  add_zeroshot(program);
  add_ground(program);
  add_explain(program);
  add_report(program);
  add_models(program);
  add_config(program);
  add_doctor(program);
  add_demo(program);
  add_inspect(program);
  add_convert(program);
  add_embed(program);
  add_experiment(program);
}

int main(int argc, char** argv) {
  using console::Exit;
  std::signal(SIGXFSZ, SIG_IGN);  // a file over the user's size limit is an error like a full disk, not a death
  CLI::App program("Learning from chest radiographs and the reports written about them", "mgca");
  program.set_version_flag("--version", study::version());
  program.require_subcommand(1);
  program.footer("First steps: mgca doctor, then mgca demo, then mgca pretrain --help\n\nExit codes: 0 success, 1 unexpected, 2 usage, 3 configuration, 4 data, 5 system,\n"
                 "130 or 143 interrupted by Ctrl-C or SIGTERM with a resumable run left behind.");
  command::add_all(program);
  if (argc == 1) {
    console::note(program.help());
    return static_cast<int>(Exit::usage);
  }
  Exit exit = Exit::success;
  try {
    require_known(program, argv[1]);
    program.parse(argc, argv);
  } catch (const CLI::RuntimeError& stopped) {  // a command that ended by a signal says so with its exit code
    return stopped.get_exit_code();
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return program.exit(error);  // --help, --version
    const auto used = program.get_subcommands();
    console::note(std::string("mgca: ") + error.what() + "; see mgca " + (used.empty() ? "" : used.front()->get_name() + " ") + "--help");
    exit = Exit::usage;
  } catch (const mgca::Error& error) {
    console::note(std::string("mgca: ") + error.what());
    exit = console::exit_code(error.kind());
  } catch (const std::filesystem::filesystem_error& error) {
    console::note("mgca: " + error.path1().string() + ": " + error.code().message());
    exit = Exit::system;
  } catch (const std::system_error& error) {
    console::note("mgca: the operating system refused: " + error.code().message() + "; close other programs or use fewer threads");
    exit = Exit::system;
  } catch (const std::bad_alloc&) {
    console::note(no_memory);
    exit = Exit::system;
  } catch (const std::exception& error) {
    const std::string text = error.what();
    const bool memory = text.find("not enough memory") != std::string::npos || text.find("out of memory") != std::string::npos ||
                        text.find("can't allocate memory") != std::string::npos;
    console::note(memory ? std::string(no_memory) : "mgca: unexpected: " + text.substr(0, text.find('\n')) + "; please report it with the command you typed");
    exit = memory ? Exit::system : Exit::unexpected;
  }
  return static_cast<int>(exit);
}
