#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/feed/loader.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <new>
#include <set>

namespace {

// Records are numbers; a batch remembers the records and one draw for each.
struct Numbers {
  // What befalls the preparation of one record.
  enum class Trouble { none, error, other_error, slow };

  struct Batch {
    std::vector<int64_t> records;
    std::vector<double> draws;
    friend bool operator==(const Batch&, const Batch&) = default;
  };
  int64_t count = 23;
  int64_t troubled = -1;
  Trouble trouble = Trouble::none;
  mutable std::atomic<int64_t> in_flight = 0;

  explicit Numbers(int64_t n, int64_t record = -1, Trouble what = Trouble::error) : count(n), troubled(record), trouble(what) {}
  [[nodiscard]] int64_t size() const { return count; }
  [[nodiscard]] Batch batch(std::span<const int64_t> records, mgca::RandomKey key) const {
    ++in_flight;
    Batch made;
    for (const auto record : records) {
      if (record == troubled && trouble == Trouble::error) mgca::fail(mgca::ErrorKind::data, "numbers: row ", record, " is damaged");
      if (record == troubled && trouble == Trouble::other_error) throw std::bad_alloc();
      if (record == troubled && trouble == Trouble::slow) std::this_thread::sleep_for(std::chrono::milliseconds(300));
      key.sample = static_cast<uint64_t>(record);
      made.records.push_back(record);
      made.draws.push_back(mgca::draw(key, mgca::Use::crop));
    }
    if (!records.empty() && records[0] % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    --in_flight;
    return made;
  }
};

std::vector<Numbers::Batch> collect(const mgca::Loader<Numbers>& loader, int64_t epoch, int64_t first = 0) {
  std::vector<Numbers::Batch> all;
  auto batches = loader.epoch_batches(epoch, first);
  for (auto& batch : batches) all.push_back(batch);
  return all;
}

}  // namespace

TEST_CASE("loader: the stream depends neither on the number of threads nor on how far ahead they work", "[feed][fast]") {
  const Numbers numbers(103);
  const auto alone = collect(mgca::Loader<Numbers>(numbers, {.batch_size = 8, .threads = 0}), 3);
  REQUIRE(alone.size() == 12);
  for (const int64_t threads : {0, 1, 2, 3, 5}) {
    for (const int64_t ahead : {1, 2, 4, 100}) {
      INFO(threads << " threads, " << ahead << " ahead");
      CHECK((collect(mgca::Loader<Numbers>(numbers, {.batch_size = 8, .threads = threads, .ahead = ahead}), 3) == alone));
    }
  }
}

TEST_CASE("loader: an epoch visits every record once and epochs differ", "[feed][fast]") {
  const Numbers numbers(23);
  const mgca::Loader<Numbers> loader(numbers, {.batch_size = 5, .last_batch = mgca::LastBatch::keep, .threads = 2});
  REQUIRE(loader.batches_per_epoch() == 5);
  std::multiset<int64_t> seen;
  for (const auto& batch : collect(loader, 0)) seen.insert(batch.records.begin(), batch.records.end());
  CHECK(seen.size() == 23);
  CHECK(std::set<int64_t>(seen.begin(), seen.end()).size() == 23);
  CHECK((loader.order(0) != loader.order(1)));
}

TEST_CASE("loader: an epoch can be entered at any batch", "[feed][fast]") {
  const Numbers numbers(40);
  const mgca::Loader<Numbers> loader(numbers, {.batch_size = 6, .threads = 2});
  const auto whole = collect(loader, 1);
  REQUIRE(whole.size() == 6);
  for (std::size_t first = 0; first <= whole.size(); ++first) {
    const auto rest = collect(loader, 1, static_cast<int64_t>(first));
    CHECK((rest == std::vector(whole.begin() + static_cast<std::ptrdiff_t>(first), whole.end())));
  }
}

TEST_CASE("loader: an error in a thread reaches the caller, and nothing hangs", "[feed][fast]") {
  const Numbers numbers(40, 17);
  for (const int64_t threads : {0, 1, 3}) {
    const mgca::Loader<Numbers> loader(numbers, {.batch_size = 4, .threads = threads});
    mgca::test::expect_error([&] { collect(loader, 0); }, {"row 17"});
  }
}

TEST_CASE("loader: an error comes in its batch's turn, the batches before and after it come, too", "[feed][fast]") {
  const Numbers numbers(40, 17), whole(40);
  const auto expected = collect(mgca::Loader<Numbers>(whole, {.batch_size = 4, .threads = 0}), 2);
  for (const int64_t threads : {0, 1, 3}) {
    const mgca::Loader<Numbers> loader(numbers, {.batch_size = 4, .threads = threads});
    auto batches = loader.epoch_batches(2);
    int64_t errors = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto& records = expected[i].records;
      if (std::count(records.begin(), records.end(), 17) > 0) {
        mgca::test::expect_error([&] { (void)batches.next(); }, {"row 17"});
        ++errors;
      } else {
        CHECK((batches.next() == expected[i]));
      }
    }
    CHECK(errors == 1);
    CHECK_FALSE(batches.next().has_value());
  }
}

TEST_CASE("loader: an exception of any type keeps its type on the way to the caller", "[feed][fast]") {
  const Numbers numbers(40, 17, Numbers::Trouble::other_error);
  for (const int64_t threads : {0, 3}) CHECK_THROWS_AS(collect(mgca::Loader<Numbers>(numbers, {.batch_size = 4, .threads = threads}), 0), std::bad_alloc);
}

TEST_CASE("loader: a batch that is slow to come is told with its rows, and still comes", "[feed][fast]") {
  const Numbers numbers(12, 5, Numbers::Trouble::slow), whole(12);
  std::vector<std::string> told;
  const mgca::EventSink sink = [&](std::string_view event, std::span<const mgca::Field> fields) {
    auto text = std::string(event);
    for (const auto& field : fields) text += std::visit([&](const auto& value) { return mgca::detail::join(" ", field.name, " ", value); }, field.value);
    told.push_back(text);
  };
  const mgca::Loader<Numbers> loader(numbers, {.batch_size = 4, .order = mgca::Order::as_stored, .threads = 1, .warn_after = 0.1}, sink);
  CHECK((collect(loader, 0) == collect(mgca::Loader<Numbers>(whole, {.batch_size = 4, .order = mgca::Order::as_stored, .threads = 0}), 0)));
  REQUIRE(told.size() >= 2);
  CHECK(told[0] == "loader_slow epoch 0 batch 1 seconds 0.1 rows 4 5 6 7");
  CHECK(told[1] == "loader_slow epoch 0 batch 1 seconds 0.2 rows 4 5 6 7");
}

TEST_CASE("loader: leaving while a thread is slow waits for that thread alone", "[feed][fast]") {
  const Numbers numbers(1000, 0, Numbers::Trouble::slow);
  const mgca::Loader<Numbers> loader(numbers, {.batch_size = 1, .order = mgca::Order::as_stored, .threads = 2, .ahead = 8});
  const auto begin = std::chrono::steady_clock::now();
  { auto batches = loader.epoch_batches(0); }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
  CHECK(numbers.in_flight == 0);
}

TEST_CASE("loader: the rows of a batch are those it is made of", "[feed][fast]") {
  const Numbers numbers(23);
  const mgca::Loader<Numbers> loader(numbers, {.batch_size = 5, .last_batch = mgca::LastBatch::keep, .threads = 0});
  const auto all = collect(loader, 3);
  for (std::size_t i = 0; i < all.size(); ++i) CHECK((loader.rows(3, static_cast<int64_t>(i)) == all[i].records));
  CHECK(loader.rows(3, 99).empty());
}

TEST_CASE("loader: leaving an epoch early stops its threads", "[feed][fast]") {
  const Numbers numbers(1000);
  const mgca::Loader<Numbers> loader(numbers, {.batch_size = 2, .threads = 3});
  for (int i = 0; i < 50; ++i) {
    auto batches = loader.epoch_batches(i);
    REQUIRE(batches.next().has_value());
  }
  CHECK(numbers.in_flight == 0);
}

TEST_CASE("loader: a data set too small for one batch is refused", "[feed][fast]") {
  const Numbers numbers(3);
  mgca::test::expect_error([&] { mgca::Loader<Numbers>(numbers, {.batch_size = 4}); }, {"3 records", "batch of 4", "LastBatch::keep"});
  mgca::test::expect_error([&] { mgca::Loader<Numbers>(numbers, {.batch_size = 0}); }, {"batch_size", "0"});
  mgca::test::expect_error([&] { mgca::Loader<Numbers>(numbers, {.batch_size = 1, .threads = -1}); }, {"threads >= 0", "-1"});
  mgca::test::expect_error([&] { mgca::Loader<Numbers>(numbers, {.batch_size = 1, .warn_after = 0}); }, {"warn_after", "0"});
}

TEST_CASE("loader: batches that can be page-locked are where it is asked for, on the thread that made them", "[feed][fast]") {
  struct Source {
    struct Batch {
      int64_t first = 0;
      bool locked = false;
      void pin() { locked = true; }
    };
    [[nodiscard]] int64_t size() const { return 6; }
    [[nodiscard]] Batch batch(std::span<const int64_t> records, mgca::RandomKey) const { return {.first = records[0]}; }
  } source;
  for (const bool pinned : {false, true}) {
    for (const int64_t threads : {0, 2}) {
      const mgca::Loader<Source> loader(source, {.batch_size = 2, .order = mgca::Order::as_stored, .threads = threads, .pinned = pinned});
      int64_t count = 0;
      auto epoch = loader.epoch_batches(0);
      while (const auto batch = epoch.next()) {
        CHECK(batch->locked == pinned);
        CHECK(batch->first == 2 * count++);
      }
      CHECK(count == 3);
    }
  }
}
