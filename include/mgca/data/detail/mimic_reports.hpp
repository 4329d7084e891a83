// The reports of MIMIC-CXR: found, read on all cores, cut into sections.
#pragma once

#include <mgca/core/hash.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/data/detail/mimic_tables.hpp>
#include <mgca/text/report_sections.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

namespace mgca::data::detail {

struct MimicReport {
  enum class State : std::uint8_t { text, empty, own_rule, missing };
  State state = State::missing;
  std::string text;  // impression, one blank, findings
};

// A section that pandas takes for a missing value when it reads the sectioned table.
inline bool is_missing_text(std::string_view section) {
  constexpr std::array<std::string_view, 18> missing{"",     "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
                                                     "1.#QNAN", "<NA>", "N/A", "NA",  "NULL",    "NaN",      "n/a",  "nan",  "null"};
  return std::find(missing.begin(), missing.end(), section) != missing.end();
}

// What pretraining reads of a report: impression, one blank, findings, each as far as it is there, on one line.
inline MimicReport mimic_report(const std::string& study, std::string_view bytes) {
  const auto text = text::report_text(bytes);
  const auto cut = text::section_report(study, text);
  if (!cut.row) return {.state = MimicReport::State::own_rule, .text = {}};
  const bool impression = !is_missing_text(cut.row->impression), findings = !is_missing_text(cut.row->findings);
  if (!impression && !findings) return {.state = MimicReport::State::empty, .text = {}};
  MimicReport report{.state = MimicReport::State::text, .text = {}};
  if (impression) report.text += cut.row->impression;
  if (impression && findings) report.text += ' ';
  if (findings) report.text += cut.row->findings;
  std::replace(report.text.begin(), report.text.end(), '\n', ' ');
  return report;
}

// Where reports may lie: beside the radiographs' folders, or unpacked from mimic-cxr-reports.zip into a folder of their own.
inline std::vector<std::string> mimic_report_folders(const RawFolder& raw, const std::string& base) {
  std::vector<std::string> folders{base + "files"};
  for (const auto& root : {base, std::string(), std::string("mimic-cxr/2.1.0/"), std::string("mimic-cxr/2.0.0/")}) {
    for (const std::string name : {"mimic-cxr-reports/files", "mimic-cxr-reports", "reports/files", "reports", "files"}) {
      const auto folder = root + name;
      std::error_code code;
      const bool known = std::find(folders.begin(), folders.end(), folder) != folders.end();
      if (!known && std::filesystem::is_directory(raw.folder() / folder, code)) folders.push_back(folder);
    }
  }
  return folders;
}

struct MimicReportFile {
  const MimicImage* image = nullptr;  // the first one of the study
  std::size_t folder = 0;             // where it was found; their number: nowhere
  std::int64_t bytes = 0;
  std::string sha256;
};

// A report is a few kilobytes; what is a thousand times longer is something else.
inline constexpr std::uintmax_t kMimicReportBytes = std::uintmax_t{4} << 20;

inline void read_mimic_report(const RawFolder& raw, const std::vector<std::string>& folders, MimicReportFile& file, MimicReport& report) {
  const auto& image = *file.image;
  for (file.folder = 0; file.folder < folders.size(); ++file.folder) {
    const auto name = folders[file.folder] + "/" + mimic_patient_folder(image) + "/s" + image.study + ".txt";
    if (!raw.has(name)) continue;
    try {
      std::error_code code;
      if (const auto size = std::filesystem::file_size(raw.folder() / name, code); !code && size > kMimicReportBytes) {
        fail(ErrorKind::data, "larger than the limit of ", kMimicReportBytes, " bytes");
      }
      const auto bytes = raw.root().read(name);
      const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());  // NOLINT: bytes as characters
      file.bytes = static_cast<std::int64_t>(bytes.size());
      file.sha256 = sha256(text);
      report = mimic_report("s" + image.study, text);
    } catch (const Error& error) {  // its path holds the patient's number
      fail(error.kind(), "mimic-cxr-2.0.0-metadata.csv: row ", image.row, ": the report of this study, below ", folders[file.folder],
           ", cannot be read: it is larger than ", kMimicReportBytes,
           " bytes, no regular file, not permitted, or a link out of the raw folder");
    }
    return;
  }
}

// Reads each study's report once, on all cores, and says where they were.
inline std::vector<MimicReport> read_mimic_reports(RawFolder& raw, const MimicSet& mimic, Prepared& set) {
  std::vector<MimicReport> reports(mimic.reports);
  const auto folders = mimic_report_folders(raw, mimic.base);
  std::vector<MimicReportFile> files(mimic.reports);
  for (const auto& image : mimic.images) {
    if (files[image.report].image == nullptr) files[image.report].image = &image;
  }
  parallel_for(
      static_cast<std::int64_t>(files.size()),
      [&](std::int64_t i) {
        const auto at = static_cast<std::size_t>(i);
        read_mimic_report(raw, folders, files[at], reports[at]);
      },
      {.grain = 32});
  std::sort(files.begin(), files.end(), [](const MimicReportFile& a, const MimicReportFile& b) {
    return std::tie(a.image->subject, a.image->study) < std::tie(b.image->subject, b.image->study);
  });
  for (std::size_t folder = 0; folder < folders.size(); ++folder) {
    SourceFile group{.name = folders[folder] + "/p*/p*/s*.txt", .files = 0};
    Sha256 hash;
    for (const auto& file : files) {
      if (file.folder != folder) continue;
      ++group.files;
      group.bytes += file.bytes;
      hash.update(file.sha256);
    }
    if (group.files == 0) continue;
    group.sha256 = hash.hex_digest();
    set.notes.push_back(std::to_string(group.files) + " reports were read from " + folders[folder] + ".");
    raw.note(std::move(group));
  }
  if (std::all_of(files.begin(), files.end(), [&](const MimicReportFile& file) { return file.folder == folders.size(); })) {
    fail(ErrorKind::data, raw.folder().string(), ": holds no report of the ", files.size(),
         " studies; unpack mimic-cxr-reports.zip of MIMIC-CXR there, so that reports lie in files/p10/p10000032/ or below "
         "mimic-cxr-reports/");
  }
  return reports;
}

// Reads the reports of all images and gives those whose report has a text, the master table of the released code: `add` takes each
// image with its report.
template <class Add>
void for_each_mimic_pair(RawFolder& raw, const MimicSet& mimic, Prepared& set, Add&& add) {
  using State = MimicReport::State;
  const auto reports = read_mimic_reports(raw, mimic, set);
  for (const auto& image : mimic.images) {
    const auto& report = reports[image.report];
    if (report.state == State::text) {
      add(image, report.text);
      continue;
    }
    set.drop(report.state == State::missing ? "the study has no report file"
             : report.state == State::empty ? "the report has neither impression nor findings"
                                            : "the study is one of the 54 whose report only a rule of its own cuts",
             mimic.base + "mimic-cxr-2.0.0-metadata.csv: row " + std::to_string(image.row));
  }
  const auto own = std::count_if(reports.begin(), reports.end(), [](const MimicReport& report) { return report.state == State::own_rule; });
  if (own > 0) set.notes.push_back("Left out: " + std::to_string(own) + " of the 54 studies whose report only a rule of its own cuts.");
}

}  // namespace mgca::data::detail
