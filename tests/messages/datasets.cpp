// Data sets with one member less than mgca::Dataset asks for.
#include <mgca/data/dataset.hpp>

struct NoImage {
  std::int64_t size() const;
  const mgca::Study& record(std::int64_t i) const;
  const std::vector<std::string>& label_names() const;
};
struct NoSize {};
struct NoLabels {
  std::int64_t size() const;
  const mgca::Study& record(std::int64_t i) const;
  mgca::GreyImage image(std::int64_t i) const;
};
struct OtherRecord {
  std::int64_t size() const;
  int record(std::int64_t i) const;
};

void use(const NoImage& a, const NoSize& b, const NoLabels& c, const OtherRecord& d) {
  (void)mgca::split_of(a, "train");  // expected: a data set lacks image(i) const -> mgca::GreyImage, see mgca/data/dataset.hpp
  (void)mgca::split_of(b, "train");  // expected: a data set lacks size() const -> std::int64_t, see mgca/data/dataset.hpp
  (void)mgca::split_of(c, "train");  // expected: a data set lacks label_names() const -> const std::vector<std::string>&, see mgca/data/dataset.hpp
  (void)mgca::split_of(d, "train");  // expected: a data set lacks record(i) const -> const mgca::Study&, see mgca/data/dataset.hpp
}
