#include "published.hpp"

#include <mgca/core/error.hpp>
#include <mgca/core/nearest.hpp>

#include <algorithm>
#include <sstream>

namespace published {

namespace {

struct PublishedRow {
  std::string name;
  std::string values;  // with spaces between, in the order of the columns
};

struct PublishedTable {
  std::string name, source;
  std::vector<std::string> columns;
  std::vector<PublishedRow> rows;
};

// "chexpert 1", "chexpert 10", "chexpert 100", ...
std::vector<std::string> at_percents(const std::vector<std::string>& sets) {
  std::vector<std::string> columns;
  for (const auto& set : sets) {
    for (const auto* percent : {" 1", " 10", " 100"}) columns.push_back(set + percent);
  }
  return columns;
}

const std::vector<PublishedTable>& all() {
  static const std::vector<PublishedTable> tables{
      {"classification",
       "MGCA (Wang et al., NeurIPS 2022), confirmed by G2D (NeurIPS 2024), which repeats them; MGCA ViT-B/16 and MoCo v2: its supplement. "
       "Not verified: DSVE, VSE++, "
       "captioning, Contrastive-Binary, and COVIDx of MGCA ViT-B/16. AUROC in percent, of COVIDx accuracy",
       at_percents({"chexpert", "rsna", "covidx"}),
       {{"Random", "56.1 62.6 65.7 58.9 69.4 74.1 50.5 60.3 70.0"},
        {"ImageNet", "74.4 79.7 81.4 74.9 74.5 76.3 64.8 78.8 86.3"},
        {"DSVE", "50.1 51.0 51.5 49.7 52.1 57.8 - - -"},
        {"VSE++", "50.3 51.2 52.4 49.4 57.2 67.9 - - -"},
        {"Caption-Transformer", "77.2 82.6 83.9 - - - - - -"},
        {"Caption-LSTM", "85.2 85.3 86.2 - - - - - -"},
        {"Contrastive-Binary", "84.5 85.6 85.8 - - - - - -"},
        {"ConVIRT", "85.9 86.8 87.3 77.4 80.1 81.3 72.5 82.5 92.0"},
        {"GLoRIA", "86.6 87.8 88.1 86.1 88.0 88.6 67.3 77.8 89.0"},
        {"GLoRIA-MIMIC", "87.1 88.7 88.0 87.0 89.4 90.2 66.5 80.5 88.8"},
        {"MGCA ResNet-50", "87.6 88.0 88.2 88.6 89.1 89.9 72.0 83.5 90.5"},
        {"MGCA ViT-B/16", "88.8 89.1 89.7 89.1 89.9 90.8 74.8 84.8 92.3"},
        {"MoCo v2", "81.6 84.7 84.9 85.0 87.4 88.2 - - -"}}},
      {"detection and segmentation",
       "MGCA (Wang et al., NeurIPS 2022), confirmed by G2D (NeurIPS 2024), which repeats them; MGCA ViT-B/16: its supplement. Detection: "
       "mAP in percent; "
       "segmentation: Dice in percent; '-': below 1, or not published",
       at_percents({"rsna detection", "object-cxr detection", "siim segmentation", "rsna segmentation"}),
       {{"Random", "1.0 4.0 8.9 - 0.5 4.4 9.0 28.6 54.3 6.9 10.6 18.5"},
        {"ImageNet", "3.6 8.0 15.7 - 2.9 8.3 10.2 35.5 63.5 34.8 39.9 64.0"},
        {"ConVIRT", "8.2 15.6 17.9 - 8.6 15.9 25.0 43.2 59.9 55.0 67.4 67.5"},
        {"GLoRIA", "9.8 14.8 18.8 - 10.6 15.6 35.8 46.9 63.4 59.3 67.5 67.8"},
        {"GLoRIA-MIMIC", "11.6 16.1 24.8 - 8.9 16.6 37.4 57.1 64.0 60.3 68.7 68.3"},
        {"MGCA ResNet-50", "12.9 16.8 24.9 - 12.1 19.2 49.7 59.3 64.2 63.0 68.3 69.8"},
        {"MGCA ViT-B/16", "- - - - - - 49.0 64.7 66.4 66.2 71.3 73.6"}}},
      {"image only",
       "Supplement of MGCA (Wang et al., NeurIPS 2022), Table 3. AUROC in percent",
       at_percents({"chexpert", "rsna"}),
       {{"MoCo v2", "81.6 84.7 84.9 85.0 87.4 88.2"}, {"MGCA ViT-B/16", "88.8 89.1 89.7 89.1 89.9 90.8"}}},
      {"weights of the losses",
       "Supplement of MGCA (Wang et al., NeurIPS 2022), Table 4 (ViT-B/16). AUROC in percent",
       at_percents({"chexpert", "rsna"}),
       {{"1, 0.5, 0.5", "88.0 87.9 88.0 88.3 88.9 89.8"},
        {"1, 0.75, 0.75", "87.5 88.2 90.7 89.1 89.6 90.7"},
        {"1, 1, 1", "88.8 89.1 89.7 89.1 89.9 90.8"}}},
      {"attention heads",
       "Supplement of MGCA (Wang et al., NeurIPS 2022), Table 5 (ViT-B/16). AUROC in percent",
       at_percents({"chexpert", "rsna"}),
       {{"1", "88.8 89.1 89.7 89.1 89.9 90.8"}, {"2", "88.8 88.7 89.0 89.1 89.6 90.7"}, {"4", "88.8 88.7 89.4 89.4 89.7 90.6"}}},
      {"prototypes",
       "Supplement of MGCA (Wang et al., NeurIPS 2022), Table 6 (ViT-B/16). AUROC in percent",
       at_percents({"chexpert", "rsna"}),
       {{"250", "88.4 88.8 88.7 89.2 89.8 90.6"}, {"500", "88.8 89.1 89.7 89.1 89.9 90.8"}, {"750", "88.3 88.9 88.9 88.9 89.9 90.7"}}},
  };
  return tables;
}

template <class List, class Name>
std::size_t position(const List& list, const Name& name_of, const std::string& wanted, const std::string& what) {
  std::vector<std::string> names;
  for (const auto& one : list) names.push_back(name_of(one));
  const auto it = std::find(names.begin(), names.end(), wanted);
  if (it == names.end())
    mgca::fail(mgca::ErrorKind::config, "published numbers: no ", what, " '", wanted, "'", mgca::nearest_hint(wanted, names));
  return static_cast<std::size_t>(it - names.begin());
}

const PublishedTable& table_named(const std::string& name) {
  return all()[position(
      all(), [](const auto& one) { return one.name; }, name, "table")];
}

}  // namespace

std::vector<std::string> tables() {
  std::vector<std::string> names;
  for (const auto& one : all()) names.push_back(one.name);
  return names;
}

std::vector<std::string> rows(const std::string& table) {
  std::vector<std::string> names;
  for (const auto& one : table_named(table).rows) names.push_back(one.name);
  return names;
}

std::vector<std::string> columns(const std::string& table) { return table_named(table).columns; }

std::string value(const std::string& table, const std::string& row, const std::string& column) {
  const auto& found = table_named(table);
  const auto at = position(
      found.columns, [](const auto& one) { return one; }, column, "column of '" + table + "'");
  std::istringstream values(found
                                .rows[position(
                                    found.rows, [](const auto& one) { return one.name; }, row, "row of '" + table + "'")]
                                .values);
  std::string text;
  for (std::size_t i = 0; i <= at; ++i) values >> text;
  return text;
}

std::string source(const std::string& table) { return table_named(table).source; }

}  // namespace published
