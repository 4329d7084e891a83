#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/train/run_lock.hpp>

#include <array>
#include <csignal>
#include <fstream>
#include <optional>
#include <sys/wait.h>
#include <thread>
#include <vector>

using mgca::test::Scratch;

namespace {

// A process that tries to take the lock, writes what became of it into a pipe and, if it got it, holds on until it is told to go.
struct Contender {
  pid_t process = 0;
  int said = -1;
  int go = -1;

  explicit Contender(const std::filesystem::path& folder) {
    std::array<int, 2> out{}, in{};
    REQUIRE((::pipe(out.data()) == 0 && ::pipe(in.data()) == 0));
    process = ::fork();
    if (process == 0) {
      std::signal(SIGTERM, SIG_DFL);  // not the test program's own handling
      ::close(in[1]);
      std::string text = "got it";
      std::optional<mgca::RunLock> lock;
      try {
        lock.emplace(folder);
      } catch (const mgca::Error& error) {
        text = error.what();
      }
      (void)!::write(out[1], text.data(), text.size());
      ::close(out[1]);
      char end = 0;
      if (lock) (void)!::read(in[0], &end, 1);
      lock.reset();
      ::_exit(0);
    }
    ::close(out[1]);
    ::close(in[0]);
    said = out[0];
    go = in[1];
  }
  [[nodiscard]] std::string answer() const {
    std::string text;
    std::array<char, 1024> piece{};
    for (ssize_t n = 0; (n = ::read(said, piece.data(), piece.size())) > 0;) text.append(piece.data(), static_cast<std::size_t>(n));
    return text;
  }
  void end(int signal = 0) {
    if (signal != 0) ::kill(process, signal);
    ::close(go);
    ::close(said);
    (void)::waitpid(process, nullptr, 0);
  }
};

std::string host() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace

TEST_CASE("run_lock: of two or eight processes exactly one gets the folder, the others name its host and process", "[train][slow]") {
  for (const int count : {2, 8}) {
    for (int repetition = 0; repetition < 15; ++repetition) {
      const Scratch scratch;
      std::ofstream(scratch / "run.lock") << "host " << host() << ", process 4194300";  // of an owner long dead
      std::vector<Contender> contenders;
      for (int i = 0; i < count; ++i) contenders.emplace_back(scratch.path());
      pid_t owner = 0;
      std::vector<std::string> refused;
      for (const auto& contender : contenders) {
        const auto answer = contender.answer();
        if (answer != "got it") refused.push_back(answer);
        else if (owner == 0) owner = contender.process;
        else FAIL("two processes got the lock");
      }
      REQUIRE(owner != 0);
      CHECK(refused.size() == static_cast<std::size_t>(count) - 1);
      for (const auto& text : refused) {
        INFO(text);
        CHECK(text.find("(host " + host() + ", process " + std::to_string(owner) + ")") != std::string::npos);
        CHECK(text.find(scratch.path().string()) != std::string::npos);
      }
      for (auto& contender : contenders) contender.end();
    }
  }
}

TEST_CASE("run_lock: dies with its owner, however that ends, and is given back", "[train][fast]") {
  const Scratch scratch;
  for (const int signal : {SIGKILL, SIGTERM, 0}) {
    Contender owner(scratch.path());
    REQUIRE(owner.answer() == "got it");
    mgca::test::expect_error([&] { const mgca::RunLock lock(scratch.path()); }, {"process " + std::to_string(owner.process)});
    owner.end(signal);
    const mgca::RunLock lock(scratch.path());
    mgca::test::expect_error([&] { const mgca::RunLock second(scratch.path()); }, {"process " + std::to_string(::getpid())});
  }
}

TEST_CASE("run_lock: a folder that is missing or may not be written is refused by its name", "[train][fast]") {
  const Scratch scratch;
  mgca::test::expect_error([&] { const mgca::RunLock lock(scratch / "nowhere"); }, {"nowhere/run.lock", "No such file"});
  std::filesystem::permissions(scratch.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const pid_t child = ::fork();
  if (child == 0) {  // the administrator may write everywhere, so somebody else tries
    if (::getuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(2);
    try {
      const mgca::RunLock lock(scratch.path());
    } catch (const mgca::Error& error) {
      ::_exit(std::string(error.what()).find("Permission denied") != std::string::npos ? 0 : 3);
    }
    ::_exit(4);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  std::filesystem::permissions(scratch.path(), std::filesystem::perms::owner_all);
  CHECK(status == 0);
}
