// mgca doctor: what this machine offers.
#include "command.hpp"
#include "study.hpp"

#include <mgca/tensor/precision.hpp>

#include <CLI/CLI.hpp>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <fstream>
#include <thread>

namespace command {

namespace {

// A line of /proc/meminfo in bytes; nothing where there is no such line.
std::optional<std::uintmax_t> memory(const std::string& name) {
  std::ifstream file("/proc/meminfo");
  std::uintmax_t kilobytes = 0;
  for (std::string word; file >> word;) {
    if (word == name + ":" && file >> kilobytes) return kilobytes * 1024;
  }
  return std::nullopt;
}

std::string memory_text() {
  const auto total = memory("MemTotal"), free = memory("MemAvailable");
  return total && free ? console::bytes(*total) + ", " + console::bytes(*free) + " free" : "unknown";
}

std::string disk_text() {
  std::error_code code;
  const auto space = std::filesystem::space(".", code);
  return code ? code.message() : console::bytes(space.available) + " free in this folder";
}

std::string cuda_text() {
  if (at::hasCUDA()) return std::to_string(at::getNumGPUs()) + " device(s): --device cuda, or cuda:N";
  if (at::Context::hasCUDART()) return "none: this build can use a GPU, but the driver shows none";
  return "none: this build is for CPUs; ./bootstrap.sh build --cuda makes one for GPUs";
}

std::string precision_text() {
  if (at::hasCUDA()) return "bf16 on GPUs since Ampere, f16 on older ones";
  return mgca::cpu_has_fast_bf16() ? "f32 or bf16; bf16 is fastest with AMX or AVX-512-BF16" : "f32; bf16 would be slower, this CPU has no AVX-512";
}

void show_machine() {
  console::table({"what", "here"}, {{"mgca", study::version()},
                                    {"libtorch", TORCH_VERSION},
                                    {"vector instructions", at::get_cpu_capability()},
                                    {"cores", std::to_string(std::thread::hardware_concurrency())},
                                    {"compute threads", std::to_string(at::get_num_threads()) + "; OMP_NUM_THREADS changes it"},
                                    {"memory", memory_text()},
                                    {"disk", disk_text()},
                                    {"CUDA", cuda_text()},
                                    {"--precision", precision_text()}});
}

}  // namespace

void add_doctor(CLI::App& program) {
  auto* command = program.add_subcommand("doctor", "what this machine offers");
  command->footer("What is wrong with data is told by mgca check. Example: mgca doctor");
  command->callback(show_machine);
}

}  // namespace command
