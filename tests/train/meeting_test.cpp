#include "board.hpp"
#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/train/meeting.hpp>

#include <array>
#include <future>
#include <set>
#include <string>

using std::chrono::milliseconds;

namespace {

std::future<std::string> comes(const std::shared_ptr<mgca::test::Board>& board, std::int64_t rank, milliseconds patience = std::chrono::seconds(20)) {
  return std::async(std::launch::async, [=] {
    return mgca::meet(*board, {.rank = rank, .world = 3, .host = "node1", .port = 29400, .round = "job"}, patience).round;
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

TEST_CASE("meeting: who does not come is named", "[train][fast]") {
  const auto board = std::make_shared<mgca::test::Board>();
  auto first = comes(board, 0, milliseconds(60)), last = comes(board, 2, milliseconds(60));
  mgca::test::expect_error([&] { first.get(); }, {"rank 1 of 3 did not come to node1:29400", "MASTER_ADDR"});
  mgca::test::expect_error([&] { last.get(); }, {"rank 0 of 3 did not come"});
}
