#include "catch.hpp"
#include "expect_error.hpp"
#include "gpu.hpp"
#include "ranks.hpp"

#include <mgca/tensor/collectives.hpp>
#include <mgca/tensor/process_group.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

TEST_CASE("process group: sums, copies and gathers give every rank the same, in order of ranks", "[tensor][fast]") {
  mgca::test::on_ranks(3, [](mgca::ProcessGroup& group) {
    const auto rank = static_cast<double>(group.rank());
    const auto mine = torch::full({2, 2}, rank + 1);
    auto sum = mine.clone();
    group.sum(sum);
    if (!sum.equal(torch::full({2, 2}, 6.0))) throw std::runtime_error("sum");
    auto copy = mine.clone();
    group.copy(copy, 2);
    if (!copy.equal(torch::full({2, 2}, 3.0))) throw std::runtime_error("copy");
    if (!group.gather(mine).select(1, 0).equal(torch::tensor({1.0, 1.0, 2.0, 2.0, 3.0, 3.0}).to(mine.dtype()))) throw std::runtime_error("gather");
    const auto bytes = torch::full({3}, 7 + group.rank(), torch::kUInt8);
    if (group.gather(bytes).sum().item<int64_t>() != 3 * (7 + 8 + 9)) throw std::runtime_error("bytes");
    group.barrier();
  });
}

TEST_CASE("process group: operations that were started together all come about", "[tensor][fast]") {
  mgca::test::on_ranks(2, [](mgca::ProcessGroup& group) {
    std::array<torch::Tensor, 8> tensors;
    std::array<mgca::Collective, 8> waiting;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      tensors[i] = torch::full({1000}, static_cast<double>(i) + static_cast<double>(group.rank()));
      waiting[i] = group.start_sum(tensors[i]);
    }
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      waiting[i].wait();
      waiting[i].wait();  // a second time is nothing
      if (tensors[i][0].item<double>() != 2 * static_cast<double>(i) + 1) throw std::runtime_error("sum " + std::to_string(i));
    }
  });
}

TEST_CASE("process group: what the check throws ends a wait for a rank that does not come", "[tensor][fast]") {
  const auto store = mgca::local_store();
  std::atomic<bool> done = false;
  std::jthread other([&] {
    const auto group = mgca::connect_group(store, {.rank = 1, .world = 2}, torch::kCPU);
    while (!done) std::this_thread::sleep_for(std::chrono::milliseconds(10));  // there, but it never takes part
  });
  const auto begin = std::chrono::steady_clock::now();
  {
    const auto group = mgca::connect_group(store, {.rank = 0, .world = 2}, torch::kCPU,
                                           {.check = [] { mgca::fail(mgca::ErrorKind::system, "rank 1 lost"); }});
    auto x = torch::ones({4});
    mgca::test::expect_error([&] { group->sum(x); }, {"rank 1 lost"});
  }
  done = true;
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}

TEST_CASE("process group: ranks of one host find together under its name", "[tensor][fast]") {
  std::array<char, 256> name{};
  REQUIRE(::gethostname(name.data(), name.size() - 1) == 0);
  const auto store = mgca::local_store();
  mgca::test::on_threads(2, [&](int64_t rank) {
    const auto group = mgca::connect_group(store, {.rank = rank, .world = 2, .host = name.data()}, torch::kCPU);
    auto x = torch::ones({1});
    group->sum(x);
    mgca::test::require(x.item<double>() == 2, "sum");
  });
}

// Threads of this process, each with the signals it blocks: bit n - 1 is signal n.
static std::map<std::string, std::uint64_t> blocked_signals() {
  std::map<std::string, std::uint64_t> blocked;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(thread.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("SigBlk:")) blocked[thread.path().filename()] = std::stoull(line.substr(7), nullptr, 16);
    }
  }
  return blocked;
}

TEST_CASE("process group: a connection that another rank closed ends no process by SIGPIPE", "[tensor][fast]") {
  constexpr auto kPipe = std::uint64_t{1} << (SIGPIPE - 1);
  const auto before = blocked_signals();
  const auto group = mgca::connect_group(mgca::local_store(), {}, torch::kCPU);
  std::size_t of_group = 0;
  for (const auto& [thread, blocked] : blocked_signals()) {
    const auto was = before.find(thread);
    CHECK((was != before.end() ? blocked == was->second : (blocked & kPipe) != 0));  // nothing has changed for the caller
    of_group += was == before.end() ? 1 : 0;
  }
  CHECK(of_group >= 2);  // one talks, others wait
}

// Two ranks that begin to connect at the same moment, since `timeout` is a limit for that, too; work(group) on each.
template <class Work>
static void on_two_ranks(std::chrono::milliseconds timeout, Work&& work) {
  const auto store = mgca::local_store();
  std::barrier begin(2);
  mgca::test::on_threads(2, [&](int64_t rank) {
    begin.arrive_and_wait();
    const auto group = mgca::connect_group(store, {.rank = rank, .world = 2}, torch::kCPU, {.timeout = timeout});
    work(*group);
  });
}

TEST_CASE("process group: an operation that takes too long ends by an error", "[tensor][fast]") {
  std::promise<void> over;
  on_two_ranks(std::chrono::seconds(3), [&](mgca::ProcessGroup& group) {
    if (group.rank() == 1) {
      (void)over.get_future().wait_for(std::chrono::minutes(1));  // there, but it never takes part
      return;
    }
    mgca::test::require_error([&] { group.barrier(); }, {"a sum did not come about in 3 s"});
    over.set_value();
  });
}

// A process of its own: a shell that runs the tests would take theirs into the background.
TEST_CASE("process-group-worker: stops itself in the middle of a sum", "[.worker]") {
  on_two_ranks(std::chrono::seconds(3), [](mgca::ProcessGroup& group) {
    if (group.rank() == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));  // the other waits
      (void)::kill(::getpid(), SIGSTOP);
      std::this_thread::sleep_for(std::chrono::milliseconds(300));  // it has time to give up
    }
    auto x = torch::ones({4});
    group.sum(x);
    mgca::test::require(x.equal(torch::full({4}, 2.0)), "sum");
  });
}

TEST_CASE("process group: a stop of the process, as by Ctrl-Z, uses up no time of an operation", "[tensor][fast]") {
  const auto worker = ::fork();
  REQUIRE(worker >= 0);
  if (worker == 0) {
    (void)::dup2(STDERR_FILENO, STDOUT_FILENO);
    ::execl("/proc/self/exe", "test_tensor", "[.worker]", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  int status = 0;
  REQUIRE(::waitpid(worker, &status, WUNTRACED) == worker);
  REQUIRE(WIFSTOPPED(status));
  std::this_thread::sleep_for(std::chrono::seconds(4));
  REQUIRE(::kill(worker, SIGCONT) == 0);
  REQUIRE(::waitpid(worker, &status, 0) == worker);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("process group: wrong ranks and stores of others are refused", "[tensor][fast]") {
  struct Board : mgca::RankStore {
    void set(const std::string&, const std::string&) override {}
    std::optional<std::string> find(const std::string&) override { return {}; }
    std::int64_t add(const std::string&, std::int64_t) override { return 0; }
  };
  mgca::test::expect_error([&] { (void)mgca::connect_group(mgca::local_store(), {.rank = 2, .world = 2}, torch::kCPU); }, {"got rank 2 of world 2"});
  mgca::test::expect_error([&] { (void)mgca::connect_group(std::make_shared<Board>(), {}, torch::kCPU); }, {"connect_store"});
}

TEST_CASE("rank store: texts and numbers are seen by all", "[tensor][fast]") {
  const auto store = mgca::local_store();
  CHECK(!store->find("nobody"));
  store->set("a", "text");
  CHECK(store->find("a") == "text");
  CHECK(store->add("n", 2) == 2);
  CHECK(store->add("n", 3) == 5);
}

TEST_CASE("rank store: a hosted place is found by its port, and an attempt does not see the words of another", "[tensor][fast]") {
  const auto place = mgca::host_store("1");
  const mgca::RankAddress address{.port = place.port, .hosted = true, .round = "1"};
  const auto same = mgca::connect_store(address, std::chrono::seconds(10));
  place.store->set("a", "text");
  CHECK(same->find("a") == "text");
  auto later = address;
  later.round = "2";
  CHECK_FALSE(mgca::connect_store(later, std::chrono::seconds(10))->find("a"));
}

TEST_CASE("process group: GPUs, each a rank, sum, copy and gather by NCCL; a build without it says so", "[tensor][gpu]") {
  if (!mgca::test::cuda_found()) return;
  const auto store = mgca::local_store();
  const auto device = [](int64_t rank) { return torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(rank)); };
  try {
    (void)mgca::connect_group(store, {.rank = 0, .world = 1}, device(0), {.name = "alone"});
  } catch (const mgca::Error& error) {
    CHECK(std::string(error.what()).find("needs NCCL, and this program was built without it; configure with -DMGCA_NCCL=ON") != std::string::npos);
    return;
  }
  const auto world = std::min<int64_t>(4, at::getNumGPUs());
  mgca::test::on_threads(world, [&](int64_t rank) {
    const auto group = mgca::connect_group(store, {.rank = rank, .world = world}, device(rank), {.name = "gpus"});
    const auto x = torch::full({3}, static_cast<double>(rank + 1), torch::dtype(torch::kFloat32).device(device(rank))).requires_grad_();
    const auto total = mgca::summed(x, group.get());
    total.square().sum().backward();
    const auto sum = static_cast<double>(world * (world + 1)) / 2;
    mgca::test::require(total.cpu().equal(torch::full({3}, sum)), "sum");
    mgca::test::require(x.grad().cpu().equal(torch::full({3}, 2 * sum * static_cast<double>(world))), "gradient of a sum");
    auto copy = x.detach().clone();
    group->copy(copy, world - 1);
    mgca::test::require(copy.cpu().equal(torch::full({3}, static_cast<double>(world))), "copy");
    mgca::test::require(group->gather(x.detach()).cpu().view({world, 3}).select(1, 0).equal(torch::arange(1, world + 1, torch::kFloat32)), "gather");
  });
}
