// What stands in results.json of a classifier.
#pragma once

#include "downstream.hpp"

#include <mgca/catalog/protocol.hpp>

namespace classification {

using Results = downstream::Results<mgca::ClassifyProtocol>;

}  // namespace classification
