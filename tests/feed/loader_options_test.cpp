#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/feed/loader.hpp>

#include <span>
#include <vector>

namespace {

// Batches are the positions of their records.
struct Positions {
  using Batch = std::vector<int64_t>;
  int64_t count = 0;
  [[nodiscard]] int64_t size() const { return count; }
  [[nodiscard]] Batch batch(std::span<const int64_t> records, mgca::RandomKey) const { return {records.begin(), records.end()}; }
};

std::vector<std::vector<int64_t>> batches_for(int64_t records, const mgca::LoaderOptions& options, int64_t first = 0) {
  const Positions source{records};
  const mgca::Loader<Positions> loader(source, options);
  std::vector<std::vector<int64_t>> all;
  auto batches = loader.epoch_batches(2, first);
  for (auto& batch : batches) all.push_back(batch);
  return all;
}

}  // namespace

TEST_CASE("loader_options: the parts of ranks, joined in their order, are the batches of one process, and rows() names all of a batch", "[feed][fast]") {
  const auto whole = batches_for(54, {.batch_size = 12, .last_batch = mgca::LastBatch::keep, .threads = 0});
  REQUIRE(whole.size() == 5);  // the last has 6
  for (const int64_t world : {1, 2, 3, 6}) {
    auto joined = whole;
    for (auto& batch : joined) batch.clear();
    for (int64_t rank = 0; rank < world; ++rank) {
      INFO("rank " << rank << " of " << world);
      const mgca::LoaderOptions options{.batch_size = 12, .last_batch = mgca::LastBatch::keep, .rank = rank, .world = world};
      const auto parts = batches_for(54, options);
      REQUIRE(parts.size() == whole.size());
      CHECK((batches_for(54, options, 3) == std::vector(parts.begin() + 3, parts.end())));
      for (std::size_t k = 0; k < parts.size(); ++k) {
        CHECK(parts[k].size() * static_cast<std::size_t>(world) == whole[k].size());
        joined[k].insert(joined[k].end(), parts[k].begin(), parts[k].end());
        const Positions source{54};
        CHECK((mgca::Loader<Positions>(source, options).rows(2, static_cast<int64_t>(k)) == whole[k]));
      }
    }
    CHECK((joined == whole));
  }
}

TEST_CASE("loader_options: whole batches go to ranks in turn, and a rank may get none", "[feed][fast]") {
  const auto whole = batches_for(29, {.batch_size = 8, .last_batch = mgca::LastBatch::keep, .threads = 0});
  REQUIRE(whole.size() == 4);
  for (const int64_t world : {2, 3, 6}) {
    for (int64_t rank = 0; rank < world; ++rank) {
      INFO("rank " << rank << " of " << world);
      const mgca::LoaderOptions options{.batch_size = 8, .last_batch = mgca::LastBatch::keep, .rank = rank, .world = world, .share = mgca::Share::batches};
      std::vector<std::vector<int64_t>> expected;
      for (auto k = static_cast<std::size_t>(rank); k < whole.size(); k += static_cast<std::size_t>(world)) expected.push_back(whole[k]);
      CHECK((batches_for(29, options) == expected));
      const Positions source{29};
      const mgca::Loader<Positions> loader(source, options);
      CHECK(loader.batches_per_epoch() == static_cast<int64_t>(expected.size()));
      for (std::size_t k = 0; k < expected.size(); ++k) CHECK((loader.rows(2, static_cast<int64_t>(k)) == expected[k]));
    }
  }
}

TEST_CASE("loader_options: what ranks cannot share evenly is refused with the numbers and a way out", "[feed][fast]") {
  using mgca::test::expect_error;
  expect_error([] { (void)batches_for(100, {.batch_size = 72, .rank = 0, .world = 5}); }, {"batch_size of 72", "5 ranks", "75"});
  expect_error([] { (void)batches_for(75, {.batch_size = 8, .last_batch = mgca::LastBatch::keep, .rank = 0, .world = 2}); }, {"3 records", "2 ranks", "drop"});
  expect_error([] { (void)batches_for(5, {.batch_size = 8, .rank = 1, .world = 2, .share = mgca::Share::batches}); }, {"5 records", "no batch of 8"});
  expect_error([] { (void)batches_for(9, {.rank = 2, .world = 2}); }, {"rank 2", "world 2"});
  expect_error([] { (void)batches_for(9, {.rank = -1, .world = 2}); }, {"rank -1"});
}
