#include "data_at.hpp"

#include <mgca/data/prepared_folder.hpp>

namespace study {

mgca::PairsConfig data_at(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {.table = path};
  return mgca::data::pairs_of(path, mgca::data::read_prepared(path));
}

}  // namespace study
