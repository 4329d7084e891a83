// What stands in results.json of a classifier, and its scores file: what `mgca classify` writes and `mgca compare` reads.
#pragma once

#include "downstream.hpp"

#include <mgca/catalog/protocol.hpp>

namespace classification {

using Results = downstream::Results<mgca::ClassifyProtocol>;

// A line per picture: its row in the table, the number of its patient (0, 1, ... in order, which names nobody), and truth and
// logit of each label.
[[nodiscard]] inline std::filesystem::path scores_file(const std::filesystem::path& out, std::uint64_t seed) {
  return out / ("scores-seed" + std::to_string(seed) + ".csv");
}

}  // namespace classification
