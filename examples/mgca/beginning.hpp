// What a pretraining run begins with: its data are checked, its folder is made, its manifest written.
#pragma once

#include "start.hpp"
#include "study.hpp"

#include <mgca/train/run_lock.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace study {

struct Manifest {
  std::string library, data, vocabulary, pack, config, device;
  std::int64_t train = 0, valid = 0, bad = 0, threads = 0, ranks = 1, parameters = 0;
  std::vector<StartRecord> start;
  static void describe(auto& self, auto&& field) {
    field("library", self.library, "version");
    field("data", self.data, "SHA-256 of tables and pictures");
    field("vocabulary", self.vocabulary, "SHA-256 of the vocabulary");
    field("pack", self.pack, "SHA-256 of the pack's header and index; empty: pictures came from the image files");
    field("config", self.config, "hash of config.json without its paths");
    field("device", self.device, "where it was trained");
    field("train", self.train, "training pairs");
    field("valid", self.valid, "validation pairs");
    field("bad", self.bad, "pairs whose picture could not be read when the run began");
    field("threads", self.threads, "compute threads");
    field("ranks", self.ranks, "processes that trained together");
    field("parameters", self.parameters, "trainable parameters");
    field("start", self.start, "files of start weights");
  }
};

// What the check of the data found, kept in the run folder: pictures are looked at again only if a file has changed.
struct Checked {
  std::string files;    // SHA-256 of the tables' content and of the state of the pack, or else of every picture's file
  std::string data;     // SHA-256 of tables and pictures
  std::int64_t lesser = 0;  // problems that are no reason not to train
  std::string first;        // of them
  static void describe(auto& self, auto&& field) {
    field("files", self.files, "SHA-256 of tables, and of the pack's index or of size and time of every picture's file");
    field("data", self.data, "SHA-256 of tables and pictures");
    field("lesser", self.lesser, "problems that are no reason not to train");
    field("first", self.first, "the first of them");
  }
};

[[nodiscard]] std::string hex(std::uint64_t value);

// Throws Error(system) before any work is done; makes nothing.
void require_writable(const std::filesystem::path& run);

// Throws Error(data) listing what a run must not begin with, and notes the rest.
[[nodiscard]] Checked checked(const Study& study, const std::filesystem::path& run);

[[nodiscard]] Manifest read_manifest(const std::filesystem::path& run);

// Makes the folder ours, and writes config.json, manifest.json, vocabulary.txt, split.json and data_check.json.
// Throws Error(config) if the run in it was begun with other options, data or another vocabulary.
[[nodiscard]] std::unique_ptr<mgca::RunLock> begin_in(const std::filesystem::path& run, const Study& study, const Manifest& manifest, const Checked& found);

}  // namespace study
