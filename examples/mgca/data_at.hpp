// Data as a person names them: a CSV of pairs, a folder of mgca prepare, or a run folder.
#pragma once

#include <mgca/data/sources/pairs.hpp>

#include <filesystem>

namespace study {

// Throws Error for a folder that is neither of these, and for a prepared one whose tables were changed.
[[nodiscard]] mgca::PairsConfig data_at(const std::filesystem::path& path);

}  // namespace study
