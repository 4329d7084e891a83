// The program `mgca`: pretrain, classify, retrieve, explain and report from the command line.
#include "command.hpp"
#include "console.hpp"

#include <mgca/core/error.hpp>
#include <mgca/version.hpp>

#include <CLI/CLI.hpp>

#include <exception>
#include <filesystem>
#include <new>
#include <string>

#define MGCA_TEXT_(x) #x
#define MGCA_TEXT(x) MGCA_TEXT_(x)

int main(int argc, char** argv) {
  using console::Exit;
  CLI::App program("Learning from chest radiographs and the reports written about them", "mgca");
  program.set_version_flag("--version", MGCA_TEXT(MGCA_VERSION_MAJOR) "." MGCA_TEXT(MGCA_VERSION_MINOR) "." MGCA_TEXT(MGCA_VERSION_PATCH));
  program.require_subcommand(1);
  program.footer("Exit codes: 0 success, 1 unexpected, 2 usage, 3 configuration, 4 data, 5 system,\n"
                 "130 or 143 interrupted by Ctrl-C or SIGTERM with a resumable run left behind.");
  command::add_pretrain(program);
  command::add_classify(program);
  command::add_retrieve(program);
  command::add_explain(program);
  command::add_report(program);
  command::add_models(program);
  command::add_config(program);
  command::add_doctor(program);
  command::add_demo(program);
  Exit exit = Exit::success;
  try {
    program.parse(argc, argv);
  } catch (const CLI::RuntimeError& stopped) {  // a command that ended by a signal says so with its exit code
    return stopped.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
  } catch (const mgca::Error& error) {
    console::note(std::string("mgca: ") + error.what());
    exit = console::exit_code(error.kind());
  } catch (const std::filesystem::filesystem_error& error) {
    console::note(std::string("mgca: ") + error.path1().string() + ": " + error.code().message());
    exit = Exit::system;
  } catch (const std::bad_alloc&) {
    console::note("mgca: out of memory; use a smaller batch, image or model");
    exit = Exit::system;
  } catch (const std::exception& error) {
    const std::string text = error.what();
    console::note("mgca: unexpected: " + text.substr(0, text.find('\n')));
    exit = text.find("not enough memory") != std::string::npos ? Exit::system : Exit::unexpected;
  }
  return static_cast<int>(exit);
}
