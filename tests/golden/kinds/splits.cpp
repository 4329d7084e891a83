// Random rows as numpy, pandas and scikit-learn draw them; long lists by their first 64 entries. A tensor's name says what it
// holds: permutation.SEED.ROWS, choice.SEED.ROWS.TAKEN, sample.SEED.ROWS.SHARE[.count], split.SEED.ROWS.TEST.{train,test,counts},
// two_choices.SEED.ROWS.
#include "../case.hpp"

#include <mgca/core/error.hpp>
#include <mgca/data/legacy_random.hpp>

#include <algorithm>

namespace mgca::golden {

namespace {

using Rows = std::vector<int64_t>;

Tensor head(const Rows& rows) {
  return torch::tensor(Rows(rows.begin(), rows.begin() + std::min<std::ptrdiff_t>(64, std::ssize(rows))), torch::kLong);
}
Tensor number(int64_t value) { return torch::tensor({value}, torch::kLong); }

// "KIND.SEED.ROWS.REST": REST may itself hold a period, as 0.35 does.
struct Draw {
  std::string what, rest;
  uint32_t seed;
  int64_t rows;
};
Draw read_name(const std::string& name) {
  const auto a = name.find('.'), b = name.find('.', a + 1), c = name.find('.', b + 1);
  if (a == std::string::npos || b == std::string::npos) fail(ErrorKind::data, "splits: tensor '", name, "' is not named WHAT.SEED.ROWS...");
  return {.what = name.substr(0, a), .rest = c == std::string::npos ? "" : name.substr(c + 1),
          .seed = static_cast<uint32_t>(std::stoul(name.substr(a + 1, b - a - 1))), .rows = std::stoll(name.substr(b + 1, c - b - 1))};
}

Tensor drawn(const std::string& name) {
  const auto draw = read_name(name);
  data::LegacyRandom random(draw.seed);
  if (draw.what == "permutation") return head(random.permutation(draw.rows));
  if (draw.what == "choice") return head(random.choice({.count = draw.rows, .taken = std::stoll(draw.rest)}));
  if (draw.what == "two_choices") {
    const data::LegacyRandom::Choice nine{.count = draw.rows, .taken = std::min<int64_t>(9, draw.rows)};
    const auto first = random.choice(nine);
    return torch::stack({head(first), head(random.choice(nine))});
  }
  const auto dot = draw.rest.rfind('.');
  const auto last = draw.rest.substr(dot + 1);
  if (draw.what == "sample") {
    const auto rows = data::legacy_sample(draw.rows, {.fraction = std::stod(draw.rest), .seed = draw.seed});
    return last == "count" ? number(std::ssize(rows)) : head(rows);
  }
  if (draw.what == "split") {
    const auto size = draw.rest.substr(0, dot);
    const bool share = size.find('.') != std::string::npos;
    const auto sides = data::legacy_train_test_split(
        draw.rows,
        {.test = share ? data::SplitSize(std::stod(size)) : data::SplitSize(int64_t{std::stoll(size)}), .train = {}, .seed = draw.seed});
    if (last == "train") return head(sides.train);
    if (last == "test") return head(sides.test);
    return torch::tensor({std::ssize(sides.train), std::ssize(sides.test)}, torch::kLong);
  }
  fail(ErrorKind::data, "splits: no draw '", draw.what, "'; known are permutation, choice, two_choices, sample and split");
}

// What the configuration alone asks for.
std::vector<std::string> usual_names(const nlohmann::json& config) {
  std::vector<std::string> names;
  for (const auto& seed : config.at("seeds")) {
    for (const int64_t rows : config.at("sizes")) {
      const auto at = "." + seed.dump() + "." + std::to_string(rows);
      names.push_back("permutation" + at);
      names.push_back("two_choices" + at);
      names.push_back("choice" + at + "." + std::to_string(rows / 7));
      for (const std::string share : {"0.01", "0.1", "0.35"}) {
        names.push_back("sample" + at + "." + share);
        names.push_back("sample" + at + "." + share + ".count");
      }
      for (const auto& test : {std::string("0.3"), std::string("0.1"), std::to_string(rows / 3)}) {
        for (const std::string side : {"train", "test", "counts"}) names.push_back("split" + at + "." + test + "." + side);
      }
    }
  }
  return names;
}

Answer splits(const Case& one) {
  std::vector<std::string> names;
  for (const auto& [name, positions] : one.asked) names.push_back(name);
  if (names.empty()) names = usual_names(one.config);
  Answer answer;
  for (const auto& name : names) answer.tensors[name] = drawn(name);
  return answer;
}

const Kind splits_kind("splits", splits);

}  // namespace

}  // namespace mgca::golden
