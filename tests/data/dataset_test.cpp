#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/data/dataset.hpp>
#include <mgca/data/synthetic.hpp>

#include <algorithm>

using mgca::Subset;
using mgca::test::expect_error;

namespace {

// The least a data set is.
struct Three {
  std::vector<mgca::Study> studies{{.row = 1, .split = "train"}, {.row = 2, .split = "test"}, {.row = 3, .split = "train"}};
  std::vector<std::string> names{"nodule"};
  [[nodiscard]] int64_t size() const { return 3; }
  [[nodiscard]] const mgca::Study& record(int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
  [[nodiscard]] mgca::GreyImage image(int64_t i) const { return mgca::GreyImage({.height = 1, .width = 1}, static_cast<uint8_t>(i)); }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
};

struct Empty : Three {
  [[nodiscard]] int64_t size() const { return 0; }
};

struct WithoutImage {
  [[nodiscard]] int64_t size() const;
  [[nodiscard]] const mgca::Study& record(int64_t i) const;
  [[nodiscard]] const std::vector<std::string>& label_names() const;
};

}  // namespace

static_assert(mgca::Dataset<Three> && mgca::Dataset<Subset<Three>> && mgca::Dataset<Subset<Subset<Three>>>);
static_assert(!mgca::Dataset<WithoutImage> && !mgca::Dataset<int>);

TEST_CASE("dataset: a subset keeps order, repeats and pictures, also of a subset", "[data][fast]") {
  const Three data;
  const Subset<Three> some(data, {2, 0, 2});
  REQUIRE(some.size() == 3);
  CHECK(some.record(0).row == 3);
  CHECK(some.record(1).row == 1);
  CHECK(some.original(2) == 2);
  CHECK(some.image(0).at(0, 0) == 2);
  CHECK(some.label_names() == std::vector<std::string>{"nodule"});
  const Subset<Subset<Three>> fewer(some, {1});
  CHECK(fewer.record(0).row == 1);
}

TEST_CASE("dataset: a subset of records that do not exist is refused", "[data][fast]") {
  const Three data;
  expect_error([&] { Subset<Three>(data, {0, 3}); }, {"record 3 of 3"});
  expect_error([&] { Subset<Three>(data, {-1}); }, {"record -1 of 3"});
}

TEST_CASE("dataset: the splits are disjoint and complete, and one that is not there is refused with those that are", "[data][fast]") {
  const Three data;
  CHECK(mgca::split_of(data, "train").size() + mgca::split_of(data, "test").size() == data.size());
  CHECK(mgca::split_of(data, "train").original(1) == 2);
  expect_error([&] { (void)mgca::split_of(data, "valid"); }, {"'valid'", "'train'", "'test'"});
  expect_error([] { (void)mgca::split_of(Empty(), "train"); }, {"'train'", "none"});
}
