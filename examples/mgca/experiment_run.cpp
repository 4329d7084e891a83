// Cells as processes: locks, logs, records of what is done.
#include "experiment_run.hpp"

#include "console.hpp"
#include "study.hpp"

#include <mgca/core/file.hpp>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <set>
#include <thread>

extern "C" char** environ;

namespace experiment {

namespace {

// done.json: which command on which inputs made which result.
struct DoneRecord {
  std::string identity;
  std::map<std::string, std::string> inputs;  // SHA-256 of the result of each cell that was needed
  std::string result;                         // of this one's

  static void describe(auto& self, auto&& field) {
    field("identity", self.identity, "of the cell: SHA-256 of its command and of what it reads");
    field("inputs", self.inputs, "SHA-256 of the results it was made from");
    field("result", self.result, "SHA-256 of its own");
  }
  friend bool operator==(const DoneRecord&, const DoneRecord&) = default;
};

// cell.json, for people: the command as it was run.
struct CellRecord {
  std::string id, identity;
  std::vector<std::string> command, needs;

  static void describe(auto& self, auto&& field) {
    field("id", self.id, "of the cell");
    field("identity", self.identity, "SHA-256 of its command and of what it reads");
    field("command", self.command, "word by word, run in the experiment's folder");
    field("needs", self.needs, "cells before it");
  }
};

// Held by whoever works at a cell. The cell's process inherits it, so that it is not begun again while an orphan still runs.
class CellLock {
 public:
  // Nothing where another process holds it.
  static std::optional<CellLock> taken(const std::filesystem::path& folder) {
    const auto path = folder / "run.lock";
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file < 0) mgca::fail_system(path, "open", errno);
    CellLock lock(file);
    while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::nullopt;
      if (errno != EINTR) mgca::fail_system(path, "lock", errno);
    }
    return lock;
  }
  explicit CellLock(int file) : file_(file) {}
  CellLock(CellLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  CellLock& operator=(CellLock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~CellLock() {
    if (file_ >= 0) ::close(file_);
  }
  [[nodiscard]] int file() const { return file_; }

 private:
  int file_;
};

// The hash of a cell's result if it is done and nothing of it has changed since; `results` holds those of the cells before it.
std::optional<std::string> finished(const Plan& plan, const Cell& cell, const std::filesystem::path& folder,
                                    const std::vector<std::string>& results) {
  const auto path = folder / cell.folder / "done.json";
  if (!std::filesystem::exists(path) || !std::filesystem::exists(folder / cell.result)) return std::nullopt;
  const auto record = mgca::from_json_text<DoneRecord>(mgca::read_text_file(path), path.string());
  DoneRecord expected{.identity = cell.identity, .inputs = {}, .result = hash_of_file(folder / cell.result)};
  for (const auto at : cell.needs) expected.inputs[plan.cells[at].id] = results[at];
  if (record != expected) return std::nullopt;
  return record.result;
}

// The last lines of a log.
std::string tail_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  constexpr std::size_t shown = 8;
  std::string text;
  for (std::size_t i = lines.size() > shown ? lines.size() - shown : 0; i < lines.size(); ++i) text += "\n    " + lines[i];
  return text;
}

// Words and environment of a process, ready before the fork: after it nothing may be allocated.
class Words {
 public:
  explicit Words(std::vector<std::string> texts) : texts_(std::move(texts)) {
    for (auto& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
  }
  [[nodiscard]] char* const* data() const { return pointers_.data(); }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

// Ours, for so many threads; a cell is no rank of whatever started us as one of several.
std::vector<std::string> environment_of_cell(std::int64_t threads) {
  const std::set<std::string_view> left_out{"OMP_NUM_THREADS", "RANK", "WORLD_SIZE", "SLURM_PROCID", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID"};
  std::vector<std::string> texts;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view text(*one);
    if (!left_out.contains(text.substr(0, text.find('=')))) texts.emplace_back(text);
  }
  texts.push_back("OMP_NUM_THREADS=" + std::to_string(threads));
  return texts;
}

// This program again, in `folder`, its output at the end of the log. A process group of its own keeps the terminal's Ctrl-C from it, which
// we pass on; it dies with us, whatever kills us.
pid_t start(const Cell& cell, const std::filesystem::path& folder, std::int64_t threads, const CellLock& lock) {
  auto words = cell.command;
  words.insert(words.begin(), "mgca");
  const Words arguments(std::move(words)), environment(environment_of_cell(threads));
  const auto log_path = folder / cell.folder / "cell.log";
  const int log = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (log < 0) mgca::fail_system(log_path, "open", errno);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const auto here = folder.string();
  const auto parent = ::getpid();
  const auto child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool ready = ::getppid() == parent && ::chdir(here.c_str()) == 0 && ::dup2(nothing, 0) == 0 && ::dup2(log, 1) == 1 &&
                       ::dup2(log, 2) == 2 && ::fcntl(lock.file(), F_SETFD, 0) == 0;
    if (ready) ::execve("/proc/self/exe", arguments.data(), environment.data());
    ::_exit(127);
  }
  const int code = errno;
  ::close(log);
  if (nothing >= 0) ::close(nothing);
  if (child < 0) mgca::fail_system(log_path, "start a process for it", code);
  ::setpgid(child, child);
  return child;
}

class Runner {
 public:
  Runner(const Plan& plan, std::filesystem::path folder, std::int64_t workers)
      : plan_(plan), folder_(std::move(folder)), workers_(static_cast<std::size_t>(workers)), results_(plan.cells.size()) {
    for (const auto& cell : plan.cells) {
      std::error_code code;
      std::filesystem::create_directories(folder_ / cell.folder, code);
      if (code) mgca::fail_system(folder_ / cell.folder, "create the folder", code.value());
    }
  }

  RunOutcome run() {
    for (std::size_t i = 0; i < plan_.cells.size(); ++i) look_at(i);
    const auto before = done();
    if (before > 0) console::line("  " + std::to_string(before) + " of " + std::to_string(results_.size()) + " cells are done already");
    for (;;) {
      if (study::stop_requested() && !told_to_stop_) tell_to_stop();
      reap();
      if (!told_to_stop_) begin_some();
      if (running_.empty() && (told_to_stop_ || !anything_left())) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(running_.empty() ? 200 : 20));
    }
    outcome_.done = done();
    outcome_.interrupted = told_to_stop_;
    for (std::size_t i = 0; i < results_.size() && !told_to_stop_; ++i) {
      if (results_[i].empty() && !has_failed(i)) outcome_.blocked.push_back(i);
    }
    return std::move(outcome_);
  }

 private:
  struct Running {
    std::size_t cell;
    pid_t process;
    CellLock lock;
    std::chrono::steady_clock::time_point since;
  };

  [[nodiscard]] std::size_t done() const {
    return results_.size() - static_cast<std::size_t>(std::count(results_.begin(), results_.end(), ""));
  }
  [[nodiscard]] bool has_failed(std::size_t cell) const {
    return std::any_of(outcome_.failed.begin(), outcome_.failed.end(), [&](const auto& one) { return one.cell == cell; });
  }
  [[nodiscard]] bool is_running(std::size_t cell) const {
    return std::any_of(running_.begin(), running_.end(), [&](const auto& one) { return one.cell == cell; });
  }
  [[nodiscard]] bool may_begin(std::size_t cell) const {
    const auto& needs = plan_.cells[cell].needs;
    return results_[cell].empty() && !has_failed(cell) && !is_running(cell) &&
           std::none_of(needs.begin(), needs.end(), [&](auto at) { return results_[at].empty(); });
  }
  [[nodiscard]] bool anything_left() const {
    for (std::size_t i = 0; i < results_.size(); ++i) {
      if (may_begin(i)) return true;
    }
    return false;
  }

  // Notes that it is done, by whomever.
  bool look_at(std::size_t at) {
    const auto& cell = plan_.cells[at];
    if (std::any_of(cell.needs.begin(), cell.needs.end(), [&](auto before) { return results_[before].empty(); })) return false;
    results_[at] = finished(plan_, cell, folder_, results_).value_or("");
    return !results_[at].empty();
  }

  void begin_some() {
    for (std::size_t i = 0; i < results_.size() && running_.size() < workers_; ++i) {
      if (!may_begin(i)) continue;
      auto lock = CellLock::taken(folder_ / plan_.cells[i].folder);
      if (!lock || look_at(i)) continue;  // another process is at it, or was
      const auto& cell = plan_.cells[i];
      CellRecord record{.id = cell.id, .identity = cell.identity, .command = cell.command, .needs = {}};
      for (const auto at : cell.needs) record.needs.push_back(plan_.cells[at].id);
      auto& files = mgca::posix_files();
      for (const auto& folder : {folder_ / cell.folder, folder_ / cell.out()}) {
        if (std::filesystem::is_directory(folder)) mgca::remove_abandoned(files, folder);
      }
      mgca::atomic_write(files, folder_ / cell.folder / "cell.json", mgca::to_json_text(record) + "\n");
      const auto process = start(cell, folder_, plan_.experiment.threads, *lock);
      running_.push_back({.cell = i, .process = process, .lock = std::move(*lock), .since = std::chrono::steady_clock::now()});
    }
  }

  void reap() {
    for (std::size_t i = 0; i < running_.size();) {
      int status = 0;
      const auto ended = ::waitpid(running_[i].process, &status, WNOHANG);
      if (ended == 0 || (ended < 0 && errno == EINTR)) {
        ++i;
        continue;
      }
      const auto one = std::move(running_[i]);
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
      end(one.cell, ended < 0 ? -SIGKILL : WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), one.since);
    }
  }

  void end(std::size_t at, int code, std::chrono::steady_clock::time_point since) {
    const auto& cell = plan_.cells[at];
    if (code != 0 && told_to_stop_) return;  // it goes on next time
    auto why = tail_of(folder_ / cell.folder / "cell.log");
    if (code == 0 && !std::filesystem::exists(folder_ / cell.result)) {
      code = static_cast<int>(console::Exit::unexpected);
      why += "\n    it ended well and left no " + cell.result.string() + "; remove its folder and start again";
    }
    if (code != 0) {
      console::note("  failed    " + cell.id + why);
      outcome_.failed.push_back({.cell = at, .code = code, .last_lines = why});
      return;
    }
    DoneRecord record{.identity = cell.identity, .inputs = {}, .result = hash_of_file(folder_ / cell.result)};
    for (const auto before : cell.needs) record.inputs[plan_.cells[before].id] = results_[before];
    mgca::atomic_write(mgca::posix_files(), folder_ / cell.folder / "done.json", mgca::to_json_text(record) + "\n");
    results_[at] = record.result;
    console::line("  " + std::to_string(done()) + "/" + std::to_string(results_.size()) + "   " + cell.id + "   " +
                  console::duration(std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count()));
  }

  void tell_to_stop() {
    told_to_stop_ = true;
    for (const auto& one : running_) ::kill(one.process, study::signal_received());
  }

  const Plan& plan_;
  std::filesystem::path folder_;
  std::size_t workers_;
  std::vector<std::string> results_;  // SHA-256 of the result of each cell that is done
  std::vector<Running> running_;
  bool told_to_stop_ = false;
  RunOutcome outcome_;
};

}  // namespace

std::vector<CellState> states_of(const Plan& plan, const std::filesystem::path& folder) {
  std::vector<CellState> states;
  std::vector<std::string> results;
  for (const auto& cell : plan.cells) {
    const bool can = std::none_of(cell.needs.begin(), cell.needs.end(), [&](auto at) { return results[at].empty(); });
    results.push_back(can ? finished(plan, cell, folder, results).value_or("") : "");
    auto state = !results.back().empty() ? CellState::done : can ? CellState::ready : CellState::waiting;
    if (state == CellState::ready && std::filesystem::exists(folder / cell.folder / "run.lock") && !CellLock::taken(folder / cell.folder))
      state = CellState::elsewhere;
    states.push_back(state);
  }
  return states;
}

RunOutcome run_cells(const Plan& plan, const std::filesystem::path& folder, std::int64_t workers) {
  return Runner(plan, folder, workers).run();
}

}  // namespace experiment
