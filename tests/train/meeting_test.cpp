#include "board.hpp"
#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/train/meeting.hpp>

#include <array>
#include <future>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// With so much patience a word is certain, however busy the machine: it is due after a tenth, and no pause counts as more than a second.
constexpr milliseconds kTalks{1500};

std::future<std::string> comes(const std::shared_ptr<mgca::test::Board>& board, std::int64_t rank, milliseconds patience = seconds(20),
                               const mgca::EventSink& sink = {}) {
  return std::async(std::launch::async, [=] {
    return mgca::meet(*board, {.rank = rank, .world = 3, .host = "node1", .port = 29400, .round = "job"}, {.patience = patience, .sink = sink}).round;
  });
}

// Here these have put down a name before. Those that come replace it, and none is missing for it comes a little later.
std::shared_ptr<mgca::test::Board> place_of_earlier(const std::vector<std::int64_t>& ranks) {
  auto board = std::make_shared<mgca::test::Board>();
  for (const auto rank : ranks) board->set("meet/name/" + std::to_string(rank), "earlier");
  return board;
}

}  // namespace

TEST_CASE("meeting: ranks that come in any order go in one round, which another attempt at the same place does not have", "[train][fast]") {
  const auto board = std::make_shared<mgca::test::Board>();
  std::set<std::string> rounds;
  for (const auto& order : {std::array{0, 1, 2}, std::array{2, 1, 0}, std::array{1, 0, 2}}) {  // the names of earlier ones are still there
    std::array<std::future<std::string>, 3> all;
    for (const auto rank : order) {
      all[static_cast<std::size_t>(rank)] = comes(board, rank);
      std::this_thread::sleep_for(milliseconds(25));
    }
    const auto round = all[0].get();
    CHECK(round.starts_with("job/"));
    CHECK(all[1].get() == round);
    CHECK(all[2].get() == round);
    CHECK(rounds.insert(round).second);
  }
}

TEST_CASE("meeting: a rank that died while it waited is not taken for the one that is started in its place", "[train][fast]") {
  for (const std::int64_t dies : {1, 0}) {
    const auto board = std::make_shared<mgca::test::Board>();
    const auto cable = std::make_shared<mgca::test::Cable>(board);
    auto dead = comes(cable, dies), other = comes(board, 1 - dies);
    std::this_thread::sleep_for(milliseconds(40));
    cable->gone = true;
    CHECK_THROWS(dead.get());
    auto last = comes(board, 2);
    std::this_thread::sleep_for(milliseconds(40));
    CHECK(other.wait_for(milliseconds(0)) == std::future_status::timeout);  // nobody goes with the dead
    CHECK(last.wait_for(milliseconds(0)) == std::future_status::timeout);
    auto again = comes(board, dies);
    const auto round = again.get();
    CHECK(other.get() == round);
    CHECK(last.get() == round);
  }
}

TEST_CASE("meeting: who does not come is named by all", "[train][fast]") {
  const auto board = place_of_earlier({0, 2});
  auto first = comes(board, 0, milliseconds(60)), last = comes(board, 2, milliseconds(60));
  mgca::test::expect_error([&] { first.get(); }, {"rank 1 of 3 did not come to node1:29400", "MASTER_ADDR"});
  mgca::test::expect_error([&] { last.get(); }, {"rank 1 of 3 did not come"});
  auto alone = comes(std::make_shared<mgca::test::Board>(), 1, milliseconds(60));
  mgca::test::expect_error([&] { alone.get(); }, {"ranks 0 and 2 of 3 did not come"});
}

TEST_CASE("meeting: a rank 0 that lets nobody go, though all have answered, is named", "[train][fast]") {
  struct NobodyGoes : mgca::test::Board {
    void set(const std::string& key, const std::string& value) override {
      if (!key.starts_with("meet/go/")) Board::set(key, value);
    }
  };
  const auto board = std::make_shared<NobodyGoes>();
  auto first = comes(board, 0), second = comes(board, 1, seconds(3)), third = comes(board, 2, seconds(3));
  CHECK_NOTHROW(first.get());  // all have answered
  mgca::test::expect_error([&] { second.get(); }, {"rank 0 of 3 did not come"});
  mgca::test::expect_error([&] { third.get(); }, {"rank 0 of 3 did not come"});
}

TEST_CASE("meeting: a rank 0 that makes no new list for a rank that was started again is named", "[train][fast]") {
  const auto board = place_of_earlier({0, 2});
  auto second = comes(board, 1, seconds(2));
  std::optional<std::string> name;
  while (!(name = board->find("meet/name/1"))) std::this_thread::sleep_for(milliseconds(1));
  board->set("meet/list", "earlier.0 0:earlier 1:" + *name + " 2:before-that ");
  mgca::test::expect_error([&] { second.get(); }, {"rank 0 of 3 did not come"});
  CHECK(board->find("meet/answer/earlier.0/1"));
}

TEST_CASE("meeting: who is missing is told in the meantime, by the first rank that is there", "[train][fast]") {
  using Words = std::vector<std::string>;
  // What each of the ranks that come says until it gives up.
  const auto words_of = [](const std::vector<std::int64_t>& there, const std::vector<std::int64_t>& names) {
    const auto board = place_of_earlier(names);
    std::vector<Words> words(3);
    std::vector<std::future<std::string>> all;
    for (const auto rank : there) {
      all.push_back(comes(board, rank, kTalks, [&heard = words[static_cast<std::size_t>(rank)]](std::string_view event, std::span<const mgca::Field> fields) {
        const bool counts = std::get<double>(fields[1].value) > 0;
        heard.push_back(std::string(event) + ": " + std::get<std::string>(fields[0].value) + (counts ? "" : " at once"));
      }));
    }
    for (auto& one : all) one.wait();
    return words;
  };
  const auto only = [](const Words& heard, const std::string& word) {
    return !heard.empty() && heard.size() <= 4 && std::set(heard.begin(), heard.end()) == std::set{"waiting_for_ranks: " + word};
  };
  auto alone = std::async(std::launch::async, words_of, std::vector<std::int64_t>{0}, std::vector<std::int64_t>{});
  auto led = std::async(std::launch::async, words_of, std::vector<std::int64_t>{0, 1}, std::vector<std::int64_t>{0, 1});
  const auto lost = words_of({1, 2}, {0, 1, 2});  // beside the name that a dead rank 0 has left
  CHECK(only(lost[1], "rank 0"));
  CHECK(lost[2].empty());
  CHECK(only(alone.get()[0], "ranks 1 and 2"));
  const auto two = led.get();
  CHECK(only(two[0], "rank 2"));
  CHECK(two[1].empty());
}
