// Open-i's Indiana University collection: 3,955 chest X-ray reports of two hospitals as XML, 7,470 images, free to download. Also in
// the form in which Kaggle hosts it, as two tables.
// Reference: Demner-Fushman et al. 2016, Preparing a collection of radiology examinations for distribution and retrieval.
#pragma once

#include <mgca/core/hash.hpp>
#include <mgca/core/utf8.hpp>
#include <mgca/data/prepared.hpp>
#include <mgca/data/split.hpp>
#include <mgca/data/uncertain_labels.hpp>

#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace mgca::data {

namespace detail {

struct OpeniReport {
  std::string id;                   // "CXR12"
  std::string impression, findings;
  std::vector<std::string> images;  // their names without folder, with ending
  std::vector<std::string> terms;   // what it was indexed with, lower case, without place and degree

  [[nodiscard]] std::string text() const { return impression + (impression.empty() || findings.empty() ? "" : " ") + findings; }
};

// A report of the collection has a few kilobytes.
inline constexpr std::size_t kOpeniReportBytes = std::size_t{1} << 20;

// One line of UTF-8 without blanks around it.
inline std::string openi_line(std::string_view text) {
  auto line = replaced_invalid_utf8(text);
  for (char& c : line) c = static_cast<unsigned char>(c) < 32 ? ' ' : c;
  const auto first = line.find_first_not_of(' ');
  return first == std::string::npos ? std::string() : line.substr(first, line.find_last_not_of(' ') - first + 1);
}

// "Pulmonary Atelectasis/lingula/focal \t" to "pulmonary atelectasis".
inline std::string openi_term(std::string_view term) {
  auto word = openi_line(term.substr(0, term.find('/')));
  for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return word;
}

// An element's text with that of the elements inside it.
inline std::string openi_text(pugi::xml_node element) {
  struct Walker final : pugi::xml_tree_walker {
    std::string text;
    bool for_each(pugi::xml_node& node) override {
      if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) text += node.value();
      return true;
    }
  } walker;
  element.traverse(walker);
  return openi_line(walker.text);
}

// Entities but XML's own five stay as they are written, document types are skipped. Throws Error(data) with file and byte.
inline OpeniReport parse_openi_report(std::string_view bytes, const std::string& name) {
  if (bytes.size() > kOpeniReportBytes) {
    fail(ErrorKind::data, name, ": ", bytes.size(), " bytes, the limit is ", kOpeniReportBytes, "; it is no report of Open-i");
  }
  pugi::xml_document document;
  const auto result = document.load_buffer(bytes.data(), bytes.size());
  if (!result) fail(ErrorKind::data, name, ": byte ", result.offset, ": ", result.description(), "; download NLMCXR_reports.tgz again");
  const auto root = document.child("eCitation");
  if (!root) fail(ErrorKind::data, name, ": no element 'eCitation'; expected a report of Open-i");
  OpeniReport report{.id = root.child("uId").attribute("id").value(), .impression = {}, .findings = {}, .images = {}, .terms = {}};
  for (const auto part : root.child("MedlineCitation").child("Article").child("Abstract").children("AbstractText")) {
    const std::string_view label = part.attribute("Label").value();
    if (label != "IMPRESSION" && label != "FINDINGS") continue;
    auto& text = label == "IMPRESSION" ? report.impression : report.findings;
    const auto more = openi_text(part);
    text += (text.empty() || more.empty() ? "" : " ") + more;
  }
  for (const auto place : {root, root.child("MedlineCitation")}) {
    for (const auto term : place.child("MeSH").children("major")) report.terms.push_back(openi_term(openi_text(term)));
  }
  for (const auto image : root.children("parentImage")) report.images.push_back(std::string(image.attribute("id").value()) + ".png");
  return report;
}

inline constexpr std::array<std::string_view, 6> kOpeniLabels{"Atelectasis", "Cardiomegaly",     "Consolidation",
                                                              "Edema",       "Pleural Effusion", "No Finding"};
static_assert(std::equal(kFiveFindings.begin(), kFiveFindings.end(), kOpeniLabels.begin()));

// The collection was indexed by hand with what is there: what is not named is absent. A report without terms tells nothing.
inline std::vector<float> openi_labels(const std::vector<std::string>& terms) {
  constexpr std::array<std::string_view, kOpeniLabels.size()> words{"pulmonary atelectasis", "cardiomegaly", "consolidation",
                                                                    "pulmonary edema", "pleural effusion", "normal"};
  const auto has = [&](std::string_view word) { return std::find(terms.begin(), terms.end(), word) != terms.end(); };
  std::vector<float> labels(words.size(), kUnknownLabel);
  if (terms.empty() || has("no indexing")) return labels;
  for (std::size_t i = 0; i < words.size(); ++i) labels[i] = has(words[i]) ? 1.0F : 0.0F;
  return labels;
}

class OpeniStudies {
 public:
  OpeniStudies(RawFolder& raw, const PrepareOptions& options) : raw_(raw), options_(options) {
    set_.label_names.assign(kOpeniLabels.begin(), kOpeniLabels.end());
  }

  [[nodiscard]] Prepared from_xml(const std::string& folder) {
    SourceFile group{.name = folder + "/*.xml", .files = 0};
    Sha256 hash;
    std::int64_t with_images = 0, images = 0;
    for (const auto& name : raw_.files(folder, ".xml")) {
      const auto bytes = raw_.root().read(name);
      const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());  // NOLINT: bytes as characters
      ++group.files;
      group.bytes += static_cast<std::int64_t>(bytes.size());
      hash.update(sha256(text));
      auto report = parse_openi_report(text, name);
      if (report.id.empty()) report.id = "CXR" + std::filesystem::path(name).stem().string();
      with_images += report.images.empty() ? 0 : 1;
      images += static_cast<std::int64_t>(report.images.size());
      if (report.images.empty()) set_.drop("the report names no image", name);
      for (const auto& image : report.images) add(report, image, View::unknown, name);
    }
    group.sha256 = hash.hex_digest();
    set_.expect("reports", 3'955, group.files);
    set_.expect("reports that name an image", 3'851, with_images);
    set_.expect("images that reports name", 7'470, images);
    set_.notes.emplace_back("The reports do not say which image is frontal and which lateral: all are kept, their view is unknown.");
    raw_.note(std::move(group));
    return finished();
  }

  [[nodiscard]] Prepared from_tables() {
    auto table = raw_.table("indiana_reports.csv");
    const auto uid = table.column("uid"), mesh = table.column("MeSH"), findings = table.column("findings"),
               impression = table.column("impression");
    std::map<std::string, OpeniReport> reports;
    table.for_each([&](const io::CsvRow& row) {
      OpeniReport report{
          .id = "CXR" + row.at(uid), .impression = openi_line(row.at(impression)), .findings = {}, .images = {}, .terms = {}};
      report.findings = openi_line(row.at(findings));
      std::string_view terms = row.at(mesh);
      while (!terms.empty()) {
        const auto end = std::min(terms.find(';'), terms.size());
        if (auto term = openi_term(terms.substr(0, end)); !term.empty()) report.terms.push_back(std::move(term));
        terms.remove_prefix(std::min(end + 1, terms.size()));
      }
      if (!reports.emplace(row.at(uid), std::move(report)).second) row.wrong(uid, "another number than the rows before");
    });
    set_.expect("reports", 3'851, static_cast<std::int64_t>(reports.size()));
    read_projections(reports);
    set_.notes.emplace_back("The table tells frontal from lateral, not PA from AP: the view of frontal images is unknown.");
    return finished();
  }

 private:
  void read_projections(std::map<std::string, OpeniReport>& reports) {
    auto table = raw_.table("indiana_projections.csv");
    const auto uid = table.column("uid"), file = table.column("filename"), projection = table.column("projection");
    std::int64_t rows = 0;
    table.for_each([&](const io::CsvRow& row) {
      ++rows;
      const auto& view = row.at(projection);
      if (view != "Frontal" && view != "Lateral") row.wrong(projection, "Frontal or Lateral");
      const auto found = reports.find(row.at(uid));
      if (found == reports.end()) return set_.drop("no row in the table of reports", row.place());
      found->second.images.push_back(row.at(file));
      add(found->second, row.at(file), view == "Lateral" ? View::lateral : View::unknown, row.place());
    });
    set_.expect("images", 7'466, rows);
    for (const auto& [number, report] : reports) {
      if (report.images.empty()) set_.drop("the report names no image", "indiana_reports.csv");
    }
  }

  void add(const OpeniReport& report, const std::string& image, View view, const std::string& place) {
    if (image.size() > 100 || image == ".png" || image.find_first_not_of(kNameCharacters) != std::string::npos) {
      fail(ErrorKind::data, place, ": the name of an image is not one of up to 100 letters, digits, '_', '-' and '.'");
    }
    if (report.text().empty()) return set_.drop("the report has neither impression nor findings", place);
    if (!seen_.insert(image).second) return set_.drop("an image named a second time", place);
    Study study{.image = path_of(image), .report = report.text(), .patient = report.id, .view = view, .labels = openi_labels(report.terms)};
    study.split = split_of_patient(report.id, {.seed = options_.seed});
    set_.studies.push_back(std::move(study));
  }

  // Where archives are usually unpacked to.
  [[nodiscard]] std::string path_of(const std::string& image) const {
    for (const std::string folder : {"NLMCXR_png/", "images/images_normalized/", "images/", ""}) {
      if (raw_.has(folder + image)) return folder + image;
    }
    return "NLMCXR_png/" + image;
  }

  [[nodiscard]] Prepared finished() {
    set_.notes.emplace_back("The collection names no patients: each report is one. Its split is ours, 70, 10 and 20 % by seed and report.");
    set_.notes.emplace_back("Labels are the terms the reports were indexed with by hand; what is not named is absent.");
    return std::move(set_);
  }

  static constexpr std::string_view kNameCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";

  RawFolder& raw_;
  const PrepareOptions& options_;
  Prepared set_{.name = "openi", .has_reports = true};
  std::unordered_set<std::string> seen_;
};

}  // namespace detail

// From NLMCXR_reports.tgz and NLMCXR_png.tgz, unpacked into the raw folder: reports in ecgen-radiology/ or NLMCXR_reports/, images in
// NLMCXR_png/, images/ or the folder itself; or from Kaggle's indiana_reports.csv and indiana_projections.csv with
// images/images_normalized/. One study per image; a report is its impression, one blank, its findings. Throws Error(system) for a
// missing file, Error(data) with file and byte or row.
[[nodiscard]] inline Prepared prepare_openi(RawFolder& raw, const PrepareOptions& options) {
  MGCA_CHECK(options.subsets == Subsets::by_patient, "openi: nobody published subsets of it; draw them by patient");
  detail::OpeniStudies studies(raw, options);
  const std::array<std::string, 4> folders{"NLMCXR_reports/ecgen-radiology", "ecgen-radiology", "NLMCXR_reports", "reports"};
  const auto folder = std::find_if(folders.begin(), folders.end(), [&](const std::string& name) { return raw.has(name); });
  if (folder == folders.end() && !raw.has("indiana_reports.csv")) {
    fail(ErrorKind::system, raw.folder().string(),
         ": holds neither ecgen-radiology/ (unpack NLMCXR_reports.tgz there) nor Kaggle's indiana_reports.csv");
  }
  auto set = folder == folders.end() ? studies.from_tables() : studies.from_xml(*folder);
  complete(set, raw, options);
  return set;
}

}  // namespace mgca::data
