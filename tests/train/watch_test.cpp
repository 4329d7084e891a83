#include "board.hpp"
#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/train/watch.hpp>

#include <atomic>

using mgca::test::Board;
using mgca::test::Cable;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kTimeout{240};

mgca::RankAddress rank_of(std::int64_t rank, std::int64_t world, bool hosted = true) {
  return {.rank = rank, .world = world, .host = "node1", .port = 29400, .hosted = hosted};
}

// What check() says in the end, and after how long; empty where it says nothing in that time.
std::pair<std::string, milliseconds> word_of(const mgca::Watch& watch, milliseconds patience = kTimeout + milliseconds(600)) {
  const auto begin = std::chrono::steady_clock::now();
  const auto passed = [&] { return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin); };
  for (; passed() < patience; std::this_thread::sleep_for(milliseconds(2))) {
    try {
      watch.check();
    } catch (const mgca::Error& error) {
      CHECK(error.kind() == mgca::ErrorKind::system);
      return {error.what(), passed()};
    }
  }
  return {"", passed()};
}

}  // namespace

TEST_CASE("watch: a rank without a sign of life is named to all within the timeout, and to itself when it comes back", "[train][fast]") {
  const auto board = std::make_shared<Board>();
  const auto cable = std::make_shared<Cable>(board);
  mgca::Watch first(board, rank_of(0, 3), {.timeout = kTimeout});
  mgca::Watch second(cable, rank_of(1, 3), {.timeout = std::chrono::seconds(20)});
  mgca::Watch third(board, rank_of(2, 3), {.timeout = kTimeout});
  CHECK(word_of(first, 2 * kTimeout).first.empty());  // all are alive
  cable->mute = true;
  const auto [word, after] = word_of(first);
  CHECK(word == "rank 1 lost: no sign of life for 0.2 s");
  CHECK(after > kTimeout / 2);
  CHECK(word_of(third, kTimeout / 2).first == word);  // which does not watch it
  cable->mute = false;
  CHECK(word_of(second).first == word);
}

TEST_CASE("watch: how a rank goes is told to the others: at once by an error, after the timeout by an early end", "[train][fast]") {
  const auto board = std::make_shared<Board>();
  mgca::Watch first(board, rank_of(0, 2), {.timeout = std::chrono::seconds(20)});
  try {
    const mgca::Watch second(board, rank_of(1, 2));
    throw std::runtime_error("of its own");
  } catch (const std::runtime_error&) {
  }
  const auto [word, after] = word_of(first);
  CHECK(word == "rank 1 lost: it ended with an error of its own; see its messages");
  CHECK(after < kTimeout);
  first.leave(mgca::Leaving::failed);  // since rank 1 was lost: the first word counts
  CHECK(mgca::told_lost(*board) == word);

  const auto other = std::make_shared<Board>();
  mgca::Watch waits(other, rank_of(0, 2), {.timeout = kTimeout});
  {
    const mgca::Watch ends(other, rank_of(1, 2));
    std::this_thread::sleep_for(milliseconds(40));
  }
  CHECK(word_of(waits).first == "rank 1 lost: it ended before the training was over");
}

TEST_CASE("watch: a supervisor's word counts at once, and the first of several", "[train][fast]") {
  const auto board = std::make_shared<Board>();
  const mgca::Watch watch(board, rank_of(0, 4), {.timeout = std::chrono::seconds(20)});
  CHECK_FALSE(mgca::told_lost(*board));
  mgca::tell_lost(*board, 3, "killed by signal 9");
  mgca::tell_lost(*board, 2, "it followed");
  CHECK(word_of(watch, milliseconds(500)).first == "rank 3 lost: killed by signal 9");
}

TEST_CASE("watch: a meeting place out of reach is noticed, by its error and by its silence, and who keeps it is named", "[train][fast]") {
  const auto broken = std::make_shared<Board>(), silent = std::make_shared<Board>();
  {
    const mgca::Watch of_rank(broken, rank_of(1, 2, /*hosted=*/false), {.timeout = std::chrono::seconds(20)});
    broken->gone = true;
    const auto word = word_of(of_rank, milliseconds(500)).first;
    CHECK(word == "rank 0 lost: the meeting place it keeps at node1:29400 is out of reach; it has ended, or the network is cut: connection reset");
  }
  const auto begin = std::chrono::steady_clock::now();
  {
    const mgca::Watch of_agent(silent, rank_of(1, 2), {.timeout = kTimeout});
    silent->mute = true;
    const auto word = word_of(of_agent).first;
    CHECK(word.starts_with("whoever started the ranks is lost: the meeting place it keeps at node1:29400"));
    CHECK(word.ends_with("no answer for 0.2 s"));
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));  // it does not wait for a call that hangs
  silent->mute = false;
}

TEST_CASE("watch: a clock that jumps, as after a pause of the machine, makes nobody lose anybody", "[train][fast]") {
  const auto board = std::make_shared<Board>();
  std::atomic<std::int64_t> ahead = 0;  // s
  const auto now = [&] { return std::chrono::steady_clock::now() + std::chrono::seconds(ahead); };
  const mgca::Watch first(board, rank_of(0, 2), {.timeout = kTimeout, .now = now}), second(board, rank_of(1, 2), {.timeout = kTimeout, .now = now});
  for (const auto jump : {3600, -3600, 86400}) {
    ahead += jump;
    CHECK(word_of(first, milliseconds(60)).first.empty());
    CHECK(word_of(second, milliseconds(10)).first.empty());
  }
}

TEST_CASE("watch: who hangs is called when another is lost; who leaves in time and who is alone are not", "[train][fast]") {
  const auto board = std::make_shared<Board>();
  std::atomic<int> called = 0;
  std::string said;
  {
    mgca::Watch hangs(board, rank_of(0, 2), {.timeout = std::chrono::seconds(20), .on_lost = [&](const std::string& word) { said = word, ++called; }, .grace = milliseconds(20)});
    const mgca::Watch leaves(board, rank_of(1, 2), {.timeout = std::chrono::seconds(20), .on_lost = [&](const std::string&) { called += 10; }});
    mgca::tell_lost(*board, 1, "it was stopped");
    for (int i = 0; i < 500 && called == 0; ++i) std::this_thread::sleep_for(milliseconds(2));
  }
  CHECK(called == 1);
  CHECK(said == "rank 1 lost: it was stopped");

  const mgca::Watch alone(std::make_shared<Board>(), rank_of(0, 1), {.timeout = milliseconds(100)}), waits(std::make_shared<Board>(), rank_of(0, 2), {.timeout = milliseconds(100)});
  CHECK(word_of(alone, milliseconds(200)).first.empty());
  CHECK(word_of(waits).first == "rank 1 lost: no sign of life for 0.1 s");  // it ended before its first
  mgca::test::expect_error([&] { mgca::Watch(board, rank_of(2, 2)); }, {"rank 2 of world 2"});
  mgca::test::expect_error([&] { mgca::Watch(board, rank_of(0, 2), {.timeout = milliseconds(10)}); }, {"at least 0.1 s", "10 ms"});
}
