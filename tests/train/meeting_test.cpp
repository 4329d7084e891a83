#include "board.hpp"
#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/train/meeting.hpp>

#include <array>
#include <future>
#include <set>
#include <string>
#include <vector>

using std::chrono::milliseconds;

namespace {

std::future<std::string> comes(const std::shared_ptr<mgca::test::Board>& board, std::int64_t rank, milliseconds patience = std::chrono::seconds(20)) {
  return std::async(std::launch::async, [=] {
    return mgca::meet(*board, {.rank = rank, .world = 3, .host = "node1", .port = 29400, .round = "job"}, {.patience = patience}).round;
  });
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
  const auto board = std::make_shared<mgca::test::Board>();
  auto first = comes(board, 0, milliseconds(60)), last = comes(board, 2, milliseconds(60));
  mgca::test::expect_error([&] { first.get(); }, {"rank 1 of 3 did not come to node1:29400", "MASTER_ADDR"});
  mgca::test::expect_error([&] { last.get(); }, {"rank 1 of 3 did not come"});
  auto alone = comes(std::make_shared<mgca::test::Board>(), 1, milliseconds(60));
  mgca::test::expect_error([&] { alone.get(); }, {"ranks 0 and 2 of 3 did not come"});
}

TEST_CASE("meeting: who is missing is told in the meantime, by the first rank that is there", "[train][fast]") {
  const auto words_of = [](const std::shared_ptr<mgca::test::Board>& board, const std::vector<std::int64_t>& ranks) {
    std::vector<std::multiset<std::string>> words(3);
    std::vector<std::future<void>> all;
    for (const auto rank : ranks) {
      const mgca::EventSink sink = [&heard = words[static_cast<std::size_t>(rank)]](std::string_view event, std::span<const mgca::Field> fields) {
        CHECK(event == "waiting_for_ranks");
        CHECK(std::get<double>(fields[1].value) > 0);
        heard.insert(std::get<std::string>(fields[0].value));
      };
      all.push_back(std::async(std::launch::async, [=] { (void)mgca::meet(*board, {.rank = rank, .world = 3}, {.patience = milliseconds(400), .sink = sink}); }));
    }
    for (auto& one : all) CHECK_THROWS(one.get());
    return words;
  };
  const auto only = [](const std::multiset<std::string>& heard, const std::string& word) {  // after 40, 80, 160 and 320 ms, or later on a busy machine
    return !heard.empty() && heard.size() <= 4 && heard.count(word) == heard.size();
  };
  const auto board = std::make_shared<mgca::test::Board>();
  auto words = words_of(board, {0});
  CHECK(only(words[0], "ranks 1 and 2"));
  words = words_of(board, {1, 2});  // beside the name that the dead rank 0 has left
  CHECK(only(words[1], "rank 0"));
  CHECK(words[2].empty());
  words = words_of(board, {0, 1});
  CHECK(only(words[0], "rank 2"));
  CHECK(words[1].empty());
}
