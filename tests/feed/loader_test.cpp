#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/feed/loader.hpp>

#include <atomic>
#include <chrono>
#include <set>

namespace {

// Records are numbers; a batch remembers the records and one draw for each.
struct Numbers {
  struct Batch {
    std::vector<int64_t> records;
    std::vector<double> draws;
    friend bool operator==(const Batch&, const Batch&) = default;
  };
  int64_t count = 23;
  int64_t broken = -1;                      // the record whose preparation fails
  mutable std::atomic<int64_t> in_flight = 0;

  explicit Numbers(int64_t n, int64_t bad = -1) : count(n), broken(bad) {}
  [[nodiscard]] int64_t size() const { return count; }
  [[nodiscard]] Batch batch(std::span<const int64_t> records, mgca::RandomKey key) const {
    ++in_flight;
    Batch made;
    for (const auto record : records) {
      if (record == broken) mgca::fail(mgca::ErrorKind::data, "numbers: row ", record, " is damaged");
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

TEST_CASE("loader: the stream does not depend on the number of threads", "[feed][fast]") {
  const Numbers numbers(103);
  const auto alone = collect(mgca::Loader<Numbers>(numbers, {.batch_size = 8, .threads = 0}), 3);
  for (const int64_t threads : {1, 2, 5}) {
    CHECK((collect(mgca::Loader<Numbers>(numbers, {.batch_size = 8, .threads = threads, .ahead = 3}), 3) == alone));
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
}
