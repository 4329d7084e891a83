// From an experiment to its cells: one command each, in a folder of its own, in the order of what needs what.
#pragma once

#include "experiment.hpp"

#include <map>

namespace experiment {

// One command of the program. Its folder's name ends with a hash of the command, of the content of the files it reads and of the cells it
// needs: another command is another cell, and where files lie does not count.
struct Cell {
  std::string id;                    // mgca/seed-1/classify-10
  std::vector<std::string> command;  // without the program; paths to other cells are relative to the experiment's folder
  std::string identity;              // SHA-256
  std::filesystem::path folder;      // cells/mgca/seed-1/classify-10-0123abcd
  std::filesystem::path result;      // in the folder; it is whole when the command has ended well
  std::vector<std::size_t> needs;    // cells before this one

  [[nodiscard]] std::filesystem::path out() const { return folder / "out"; }
};

struct Plan {
  Experiment experiment;
  std::vector<Cell> cells;
  std::map<std::string, std::size_t> by_id;
  std::vector<std::string> missing;  // files and folders that are not there, with what to do

  // Nothing where the variant takes no part in the evaluation.
  [[nodiscard]] const Cell* find(const std::string& id) const;
};

// Throws Error(config) for what does not fit together.
[[nodiscard]] Plan make_plan(Experiment experiment, const std::filesystem::path& data_root);

// SHA-256 of a file, read piece by piece.
[[nodiscard]] std::string hash_of_file(const std::filesystem::path& path);

[[nodiscard]] std::string result_id(const Variant& variant, std::uint64_t seed, const Evaluation& evaluation, int percent);
[[nodiscard]] std::string comparison_id(const std::string& variant, const std::string& reference, const Evaluation& evaluation,
                                        int percent);

}  // namespace experiment
