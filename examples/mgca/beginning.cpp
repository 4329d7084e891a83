#include "beginning.hpp"

#include "console.hpp"

#include <mgca/core/hash.hpp>
#include <mgca/data/audit.hpp>
#include <mgca/data/fingerprint.hpp>
#include <mgca/data/split.hpp>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <unistd.h>

namespace study {

namespace {

// What a process that was killed while writing left behind, under names nobody reads.
void remove_temporaries(const std::filesystem::path& folder) {
  auto& files = mgca::posix_files();
  if (!std::filesystem::is_directory(folder)) return;
  for (const auto& name : files.list(folder)) {
    if (name.starts_with('.') && name.find(".tmp-") != std::string::npos) files.remove(folder / name);
  }
}

// Throws Error(config) if the run in the folder was begun with other data or another vocabulary.
void require_same_inputs(const Manifest& now, const std::filesystem::path& run) {
  const auto before = read_manifest(run);
  const auto compare = [&](const char* what, const std::string& old_hash, const std::string& new_hash) {
    if (old_hash == new_hash) return;
    mgca::fail(mgca::ErrorKind::config, run.string(), ": the run there was begun with another ", what, " (SHA-256 ", old_hash, ", now ",
               new_hash, "); put it back as it was, or choose another --out");
  };
  compare("data set", before.data, now.data);
  compare("vocabulary", before.vocabulary, now.vocabulary);
}

std::string state_of_files(const Study& study) {
  mgca::Sha256 hash;
  hash.update(mgca::data::fingerprint(study.data));
  if (study.pack) return hash.update(study.pack->identity()).hex_digest();
  for (std::int64_t i = 0; i < study.data.size(); ++i) hash.update(hex(study.data.image_stamp(i)));
  return hash.hex_digest();
}

// Writes what a run begins with. The caller holds the folder's lock.
void write_beginning(const Study& study, const std::filesystem::path& run, const Manifest& manifest) {
  auto& files = mgca::posix_files();
  std::string tokens;
  for (const auto& token : study.tokenizer.vocabulary().tokens()) tokens += token + "\n";
  mgca::atomic_write(files, run / "config.json", mgca::to_json_text(study.config) + "\n");
  if (study.reads_reports()) mgca::atomic_write(files, run / "vocabulary.txt", tokens);
  mgca::atomic_write(files, run / "manifest.json", mgca::to_json_text(manifest) + "\n");
  for (std::int64_t i = 0; i < study.data.size(); ++i) {
    if (study.data.record(i).patient.empty()) return;  // nobody can say who is in which split
  }
  mgca::atomic_write(files, run / "split.json",
                     mgca::to_json_text(mgca::data::split_manifest(study.data, study.config.data.split_rule)) + "\n");
}

}  // namespace

std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

Manifest read_manifest(const std::filesystem::path& run) {
  const auto path = run / "manifest.json";
  return mgca::from_json_text<Manifest>(mgca::read_text_file(path), path.string());
}

void require_writable(const std::filesystem::path& run) {
  auto folder = std::filesystem::absolute(run).lexically_normal();
  while (!folder.has_filename() || !std::filesystem::exists(folder)) {
    if (folder == folder.parent_path()) break;
    folder = folder.parent_path();
  }
  if (!std::filesystem::is_directory(folder)) mgca::fail_system(folder, "make a run folder here", ENOTDIR);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) mgca::fail_system(folder, "write here; choose another --out", errno);
}

Checked checked(const Study& study, const std::filesystem::path& run) {
  const auto table = study.config.data.table.string();
  const bool pictures = study.config.check == DataCheck::pictures;
  const auto path = run / "data_check.json";
  Checked now{.files = pictures ? state_of_files(study) : ""};
  std::optional<Checked> before;
  if (pictures && std::filesystem::exists(path)) before = mgca::from_json_text<Checked>(mgca::read_text_file(path), path.string());
  if (before && before->files == now.files) {
    now = *before;
  } else {
    std::vector<mgca::data::SeenPicture> seen;  // by a pack when it was made: nothing is decoded
    if (pictures && study.pack) seen = mgca::data::seen_pictures(*study.pack, study.data);
    const auto audit = mgca::data::audit(study.data, {.pictures = pictures}, std::move(seen));
    auto grave = mgca::data::grave(audit.problems);
    if (study.config.source.bad.policy != mgca::BadSamples::fail) {  // counted, and refused where there are too many, by the sources
      std::erase_if(grave, [](const auto& problem) { return problem.kind == mgca::data::ProblemKind::unreadable_image; });
    }
    mgca::data::require_none(grave, table);
    now.data = mgca::data::fingerprint(study.data, audit.pictures);
    now.lesser = static_cast<std::int64_t>(audit.problems.size());
    if (!audit.problems.empty()) now.first = "row " + std::to_string(audit.problems[0].row) + ": " + audit.problems[0].what;
  }
  if (now.lesser > 0)
    console::note("  warning: " + now.first + " (lesser problems: " + std::to_string(now.lesser) + "; mgca check " + table +
                  " lists them)");
  return now;
}

std::unique_ptr<mgca::RunLock> begin_in(const std::filesystem::path& run, const Study& study, const Manifest& manifest, const Checked& found) {
  std::error_code code;
  std::filesystem::create_directories(run, code);
  if (code) mgca::fail_system(run, "create the run folder", code.value());
  auto lock = std::make_unique<mgca::RunLock>(run);
  if (has_begun(run)) {
    require_same(study.config, run);
    require_same_inputs(manifest, run);
  }
  remove_temporaries(run);
  remove_temporaries(run / "checkpoints");
  write_beginning(study, run, manifest);
  mgca::atomic_write(mgca::posix_files(), run / "data_check.json", mgca::to_json_text(found) + "\n");
  return lock;
}

}  // namespace study
