// The process that starts ranks on this machine and watches over them.
#include "console.hpp"
#include "rank_messages.hpp"
#include "ranks.hpp"
#include "study.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

extern "C" char** environ;

namespace ranks {

namespace {

using Clock = std::chrono::steady_clock;
using console::Exit;

std::atomic<bool> stop_asked = false;  // by Ctrl-Z; signal handlers can reach nothing but globals
void on_stop(int) { stop_asked = true; }
void watch_stops() {
  if (std::signal(SIGTSTP, on_stop) == SIG_IGN) std::signal(SIGTSTP, SIG_IGN);  // whoever started us wants it so
}
// Returns when this process is told to go on.
void stand_still() {
  std::signal(SIGTSTP, SIG_DFL);
  std::raise(SIGTSTP);
  std::signal(SIGTSTP, on_stop);
}

std::vector<std::string> own_words() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

// Ours, with that of rank `rank` as torchrun would set it.
std::vector<std::string> environment_of_rank(std::int64_t rank, std::int64_t world, std::uint16_t port) {
  const auto local = std::to_string(rank);
  std::map<std::string, std::string> set{{"RANK", local}, {"WORLD_SIZE", std::to_string(world)}, {"LOCAL_RANK", local}, {"MASTER_ADDR", "127.0.0.1"},
                                         {"MASTER_PORT", std::to_string(port)}, {"TORCHELASTIC_USE_AGENT_STORE", "True"}, {"TORCHELASTIC_RUN_ID", "0"},
                                         {"MGCA_SUPERVISED", "1"}};
  if (std::getenv("NCCL_SOCKET_IFNAME") == nullptr) set["NCCL_SOCKET_IFNAME"] = "lo";  // all of them are here
  if (std::getenv("OMP_NUM_THREADS") == nullptr) {
    set["OMP_NUM_THREADS"] = std::to_string(std::max<std::int64_t>(1, static_cast<std::int64_t>(std::thread::hardware_concurrency()) / world));
  }
  std::vector<std::string> texts;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string text(*one);
    if (!set.contains(text.substr(0, text.find('=')))) texts.push_back(text);
  }
  for (const auto& [name, value] : set) texts.push_back(name + "=" + value);
  return texts;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// A rank as we see it: a process and what it says on standard error.
struct Child {
  pid_t process = -1;
  int errors = -1;           // its standard error, to be read; -1: closed
  std::string unfinished;    // line
  bool running = true;
  int status = 0;            // when it has ended

  [[nodiscard]] bool interrupted() const { return !running && WIFEXITED(status) && WEXITSTATUS(status) > 128; }
  [[nodiscard]] bool failed() const { return !running && status != 0 && !interrupted(); }
};

// One attempt with all ranks.
class Attempt {
 public:
  explicit Attempt(const Options& options)
      : options_(options), place_(mgca::host_store("0")), messages_(options.count), children_(static_cast<std::size_t>(options.count)) {
    try {
      for (std::int64_t rank = 0; rank < options_.count; ++rank) start(rank);
    } catch (...) {
      signal_all(SIGKILL);
      for (auto& child : children_) {
        if (child.process > 0) (void)::waitpid(child.process, nullptr, 0);
      }
      throw;
    }
  }

  // Returns when no rank runs any more.
  void run() {
    while (std::any_of(children_.begin(), children_.end(), [](const auto& child) { return child.running; })) {
      read_errors();
      messages_.show_due();
      for (std::int64_t rank = 0; rank < options_.count; ++rank) reap(rank);
      if (stop_asked.exchange(false)) stop_together();
      if (const int signal = study::signal_received(); signal != 0 && !std::exchange(told_to_stop_, true)) signal_all(signal);
      if (lost_ && !std::exchange(ending_, true)) {  // the others hear of it and end by themselves, with what they have to say
        deadline_ = Clock::now() + std::chrono::seconds(5);
      }
      if (lost_ && Clock::now() > deadline_) signal_all(SIGKILL);
    }
    while (std::any_of(children_.begin(), children_.end(), [](const auto& child) { return child.errors >= 0; })) read_errors();  // to their ends
    messages_.end("mgca: " + lost_.value_or(""));
  }

  [[nodiscard]] const std::optional<std::string>& lost() const { return lost_; }  // who, and why
  [[nodiscard]] bool all_say_why() const { return !messages_.error_of_all().empty(); }
  // Of the rank that was lost first, which is why the others ended.
  [[nodiscard]] Exit exit() const {
    const auto rank = lost_->starts_with("rank ") ? static_cast<std::size_t>(std::atoll(lost_->c_str() + 5)) : 0;
    const auto status = children_.at(std::min(rank, children_.size() - 1)).status;
    return WIFEXITED(status) && WEXITSTATUS(status) != 0 && WEXITSTATUS(status) <= static_cast<int>(Exit::system) ? static_cast<Exit>(WEXITSTATUS(status)) : Exit::system;
  }
  [[nodiscard]] bool interrupted() const {
    return std::any_of(children_.begin(), children_.end(), [](const auto& child) { return child.interrupted(); });
  }

 private:
  // A process group of its own keeps the terminal's Ctrl-C from it, which we pass on; it dies with us, whatever kills us.
  void start(std::int64_t rank) {
    auto words = own_words();
    auto variables = environment_of_rank(rank, options_.count, place_.port);
    const auto arguments = pointers(words), environment = pointers(variables);  // ready before the fork: after it nothing may be allocated
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) mgca::fail_system("rank " + std::to_string(rank), "make a pipe for its messages", errno);
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    const auto parent = ::getpid();
    const auto process = ::fork();
    if (process == 0) {
      ::setpgid(0, 0);
      std::signal(SIGTERM, SIG_DFL);  // ours would be forgotten by what follows
      std::signal(SIGINT, SIG_DFL);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() == parent && ::dup2(nothing, STDIN_FILENO) == 0 && ::dup2(ends[1], STDERR_FILENO) == STDERR_FILENO) {
        ::execve("/proc/self/exe", arguments.data(), environment.data());
      }
      ::_exit(127);
    }
    const int code = errno;
    ::close(ends[1]);
    if (nothing >= 0) ::close(nothing);
    auto& child = children_[static_cast<std::size_t>(rank)];
    child.errors = ends[0];
    child.process = process;
    if (process < 0) mgca::fail_system("rank " + std::to_string(rank), "start a process for it", code);
    ::setpgid(process, process);
  }

  void signal_all(int signal) {
    for (const auto& child : children_) {
      if (child.process > 0 && child.running) ::kill(child.process, signal);
    }
  }

  // Ctrl-Z does not reach the ranks, which would miss us. They stop first and go on last: nobody waits for who stands still.
  void stop_together() {
    console::note("  stopped, with all ranks; fg goes on");
    signal_all(SIGSTOP);
    stand_still();
    signal_all(SIGCONT);
  }

  // Waits for a moment, and passes on what ranks say, in whole lines.
  void read_errors() {
    std::vector<pollfd> files;
    for (const auto& child : children_) files.push_back({.fd = child.errors, .events = POLLIN, .revents = 0});
    (void)::poll(files.data(), files.size(), 20);
    for (std::size_t rank = 0; rank < children_.size(); ++rank) {
      auto& child = children_[rank];
      if (files[rank].revents == 0) continue;
      char text[4096];
      const auto length = ::read(child.errors, text, sizeof text);
      if (length < 0 && errno == EINTR) continue;
      if (length > 0) child.unfinished.append(text, static_cast<std::size_t>(length));
      else ::close(std::exchange(child.errors, -1));
      if (length <= 0 && !child.unfinished.empty()) child.unfinished += '\n';
      for (auto end = child.unfinished.find('\n'); end != std::string::npos; end = child.unfinished.find('\n')) {
        const auto line = child.unfinished.substr(0, end);
        messages_.hear(static_cast<std::int64_t>(rank), line);
        child.unfinished.erase(0, end + 1);
      }
    }
  }

  void reap(std::int64_t rank) {
    auto& child = children_[static_cast<std::size_t>(rank)];
    if (!child.running) return;
    const auto ended = ::waitpid(child.process, &child.status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return;
    child.running = false;
    if (ended < 0) child.status = SIGKILL;  // nobody can say how it ended
    if (!child.failed() || lost_) return;
    const auto how = WIFSIGNALED(child.status) ? "killed by signal " + std::to_string(WTERMSIG(child.status))
                                               : "it ended with exit code " + std::to_string(WEXITSTATUS(child.status));
    mgca::tell_lost(*place_.store, rank, how);
    lost_ = mgca::told_lost(*place_.store).value_or("rank " + std::to_string(rank) + " lost: " + how);  // another word may have come first
  }

  const Options& options_;
  mgca::HostedStore place_;
  Messages messages_;
  std::vector<Child> children_;
  std::optional<std::string> lost_;
  bool told_to_stop_ = false, ending_ = false;
  Clock::time_point deadline_;
};

}  // namespace

void supervise(const Options& options) {
  watch_stops();
  for (std::int64_t restarts = 0;; ++restarts) {
    Attempt attempt(options);
    attempt.run();
    if (!attempt.lost() && !attempt.interrupted()) return;
    if (!attempt.lost() || study::signal_received() != 0) throw CLI::RuntimeError(128 + (study::signal_received() != 0 ? study::signal_received() : SIGTERM));
    const auto exit = attempt.exit();
    const bool lasting = exit == Exit::usage || exit == Exit::config || exit == Exit::data;  // it would happen again
    if (lasting || restarts == options.max_restarts) {
      if (!attempt.all_say_why()) {
        console::note("mgca: " + *attempt.lost() + (restarts > 0 ? "; all ranks were started again " + std::to_string(restarts) + " times" : "") +
                      (lasting || attempt.lost()->find("an error of its own") != std::string::npos ? "" : "; the same command goes on from the last checkpoint"));
      }
      throw CLI::RuntimeError(static_cast<int>(exit));
    }
    console::note("  " + *attempt.lost() + "; all ranks are started again (" + std::to_string(restarts + 1) + " of " + std::to_string(options.max_restarts) + ")");
  }
}

}  // namespace ranks
