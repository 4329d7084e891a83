// Numbers of the MGCA paper, its supplement and later papers that tell them, to stand beside one's own.
#pragma once

#include <string>
#include <vector>

namespace published {

[[nodiscard]] std::vector<std::string> tables();
// Throw Error(config) with the nearest names for what there is not.
[[nodiscard]] std::vector<std::string> rows(const std::string& table);
[[nodiscard]] std::vector<std::string> columns(const std::string& table);
// As printed; "-" where it was not published or is not known.
[[nodiscard]] std::string value(const std::string& table, const std::string& row, const std::string& column);
// Where a table's numbers were read.
[[nodiscard]] std::string source(const std::string& table);

}  // namespace published
