// What data-parallel training costs a step: two ranks, a core and a thread each, beside one rank alone of the same batch a rank.
// usage: over_ranks_bench [MODEL [PAIRS [STEPS]]]   default: mgca-vit-tiny 16 20
// The three kinds of step take turns in short rounds, so that what else the machine does meets all of them alike.
#include <mgca/catalog.hpp>
#include <mgca/train/gradient_average.hpp>
#include <mgca/train/optimizer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ATen/Parallel.h>

namespace {

struct Asked {
  std::string model = "mgca-vit-tiny";
  std::int64_t pairs = 16, steps = 20;  // steps a round
};

std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    mgca::fail(mgca::ErrorKind::system, "no free port");
  }
  ::close(socket);
  return ntohs(address.sin_port);
}

// The logical processors that share a core with `processor`, itself among them, as Linux lists them ("0,4" or "0-1"); none where it lists none.
std::vector<std::size_t> threads_of_core(std::size_t processor) {
  std::ifstream list("/sys/devices/system/cpu/cpu" + std::to_string(processor) + "/topology/thread_siblings_list");
  std::vector<std::size_t> threads;
  for (std::string range; std::getline(list, range, ',');) {
    const auto dash = range.find('-');
    const std::size_t first = std::stoul(range), last = dash == std::string::npos ? first : std::stoul(range.substr(dash + 1));
    for (auto thread = first; thread <= last; ++thread) threads.push_back(thread);
  }
  return threads;
}

// A logical processor of each of two cores that this process may use; where it may use fewer cores, of those.
std::vector<std::size_t> two_cores() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) mgca::fail(mgca::ErrorKind::system, "the cores of this process are not known");
  std::vector<std::size_t> cores, taken;
  for (std::size_t core = 0; core < CPU_SETSIZE && cores.size() < 2; ++core) {
    if (!CPU_ISSET(core, &allowed) || std::find(taken.begin(), taken.end(), core) != taken.end()) continue;
    cores.push_back(core);
    taken = threads_of_core(core);
  }
  return cores;
}

void pin_to_core(std::size_t core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) mgca::fail(mgca::ErrorKind::system, "this process cannot be kept on core ", core);
  at::set_num_threads(1);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double least(const std::vector<double>& values) { return *std::min_element(values.begin(), values.end()); }

// Of this process, its threads that send and receive included.
double processor_milliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

enum Kind : std::size_t { alone, beside, together };  // rank 1 waits; both compute, nothing is sent; both train one model

int run_rank(const Asked& asked, std::int64_t rank, std::size_t core, std::uint16_t port) {
  pin_to_core(core);
  const mgca::RankAddress address{.rank = rank, .world = 2, .local_rank = rank, .port = port};
  const auto store = mgca::connect_store(address, std::chrono::minutes(1));
  const auto data = mgca::connect_group(store, address, torch::kCPU, {.name = "data"});
  const auto control = mgca::connect_group(store, address, torch::kCPU, {.name = "control"});
  const auto losses = mgca::connect_group(store, address, torch::kCPU, {.name = "losses"});
  torch::manual_seed(1);
  const auto model = mgca::create_model(asked.model);
  model->train();
  mgca::AdamW optimizer(*model, {});
  const auto size = model->image_size(), T = model->text_length();
  const auto pictures = torch::randn({asked.pairs, 3, size, size});
  const auto words = torch::full({asked.pairs}, T - 2, torch::kLong);
  const auto slots = torch::constant_pad_nd(torch::arange(T - 2), {1, 1}, -1).expand({asked.pairs, T});
  mgca::AlignmentInput input{.images = pictures, .tokens = {.ids = torch::randint(200, model->vocabulary(), {asked.pairs, T}),
                                                            .mask = torch::ones({asked.pairs, T}, torch::kLong), .word_slot = slots, .words = words}};
  std::array<std::vector<double>, 3> milliseconds, processor;
  const auto steps = [&](Kind kind, std::int64_t count, mgca::GradientAverage* average) {
    input.peers = average == nullptr ? nullptr : losses.get();
    for (std::int64_t i = 0; i < count; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      const auto processor_begin = processor_milliseconds();
      optimizer.zero_grad();
      const auto loss = model->losses(input).total();
      if (average != nullptr) average->expect(mgca::GradientAverage::Pass::last);
      loss.backward();
      if (average != nullptr) average->finish();
      optimizer.step(1e-5);
      milliseconds[kind].push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
      processor[kind].push_back(processor_milliseconds() - processor_begin);
    }
  };
  constexpr int kRounds = 7;  // the first warms up
  for (int round = 0; round < kRounds; ++round) {
    if (round == 1) milliseconds = {}, processor = {};
    if (rank == 0) steps(alone, asked.steps, nullptr);
    control->barrier();
    steps(beside, asked.steps, nullptr);
    control->barrier();
    mgca::GradientAverage average(*model, {.data = *data, .control = *control, .peers = *losses});
    steps(together, asked.steps, &average);
    control->barrier();
  }
  // What both measured: the slower core decides how soon two that work together are done.
  const auto slower = [&](double mine) { return control->gather(torch::tensor({mine}, torch::kFloat64)).max().item<double>(); };
  std::array<std::array<double, 3>, 3> found{};
  for (std::size_t kind = 0; kind < 3; ++kind) {
    const auto mine = [&](auto&& of, const auto& lists) { return kind == alone && rank != 0 ? 0.0 : of(lists[kind]); };
    found[kind] = {slower(mine(median, milliseconds)), slower(mine(least, milliseconds)), slower(mine(median, processor))};
  }
  if (rank != 0) return 0;
  std::int64_t bytes = 0;
  for (const auto& parameter : model->parameters()) bytes += parameter.requires_grad() ? static_cast<std::int64_t>(parameter.nbytes()) : 0;
  std::printf("%s, %lld pairs a rank, %.1f MB of gradients, %lld steps of each kind; the slower rank's\n", asked.model.c_str(), static_cast<long long>(asked.pairs),
              static_cast<double>(bytes) / 1e6, static_cast<long long>(asked.steps * (kRounds - 1)));
  for (const auto& [kind, what] : {std::pair(alone, "one rank alone on its core"), std::pair(beside, "two beside each other"), std::pair(together, "two that train one model")}) {
    const auto [middle, best, busy] = found[kind];
    std::printf("  %-28s median %8.1f ms %.3f   least %8.1f ms %.3f   processor %8.1f ms\n", what, middle, middle / found[alone][0], best, best / found[alone][1], busy);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Asked asked;
  if (argc > 1) asked.model = argv[1];
  if (argc > 2) asked.pairs = std::atoll(argv[2]);
  if (argc > 3) asked.steps = std::atoll(argv[3]);
  try {
    const auto cores = two_cores();
    if (cores.size() < 2) {
      std::printf("over_ranks_bench: nothing is measured: two ranks need a core each, and this process may use one\n");
      return 0;
    }
    const auto port = free_port();
    std::vector<pid_t> ranks;
    for (std::int64_t rank = 0; rank < 2; ++rank) {
      const auto child = ::fork();
      if (child == 0) {
        try {
          ::_exit(run_rank(asked, rank, cores[static_cast<std::size_t>(rank)], port) + std::fflush(stdout));
        } catch (const std::exception& error) {
          std::fprintf(stderr, "rank %lld: %s\n", static_cast<long long>(rank), error.what());
          ::_exit(1);
        }
      }
      ranks.push_back(child);
    }
    int worst = 0;
    for (const auto child : ranks) {
      int status = 0;
      ::waitpid(child, &status, 0);
      worst = std::max(worst, WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    return worst;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "over_ranks_bench: %s\n", error.what());
    return 1;
  }
}
