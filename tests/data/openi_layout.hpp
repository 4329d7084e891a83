// Open-i's collection as it is unpacked, with invented reports in the exact form of the real ones.
#pragma once

#include "raw_download.hpp"

#include <mgca/io/csv.hpp>

#include <string>
#include <vector>

namespace mgca::test {

struct OpeniLayout : RawDownload {
  struct Report {
    std::string number, findings, impression;
    std::vector<std::string> terms, images;
  };

  std::vector<Report> reports{
      {"1",
       "The cardiac silhouette is normal. Canaryalpha &amp; XXXX.\n  Lungs &lt;clear&gt;.",
       "Normal chest x-XXXX.",
       {"normal"},
       {"CXR1_1_IM-0001-3001", "CXR1_1_IM-0001-4001"}},
      {"10", "", "No acute disease.", {"Pulmonary Atelectasis/lingula/focal \t \n", "Cardiomegaly/mild   "}, {"CXR10_IM-0002-1001"}},
      {"2", "Borderline cardiomegaly.", "", {"Pleural Effusion/left", "Pulmonary Edema"}, {"CXR2_IM-0652-1001", "CXR2_IM-0652-2001"}},
      {"3", "", "", {"normal"}, {"CXR3_IM-1384-1001"}},
      {"4", "Canarybravo without image.", "Unseen.", {"Consolidation/lung"}, {}},
      {"5", "Clear lungs.", "Clear.", {"no indexing"}, {"CXR5_IM-2117-1003002"}},
  };

  [[nodiscard]] static std::string xml(const Report& report) {
    std::string text =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<eCitation>\n<meta type=\"rr\"/>\n<uId id=\"CXR" + report.number +
        "\"/>\n<pmcId id=\"" + report.number +
        "\"/>\n<docSource>CXR</docSource>\n<licenseType>open-access</licenseType>\n<MedlineCitation Owner=\"Indiana University\" "
        "Status=\"supplied by publisher\">\n<Article PubModel=\"Electronic\">\n<ArticleTitle>Indiana University Chest X-ray "
        "Collection</ArticleTitle>\n"
        "<Abstract>\n<AbstractText Label=\"COMPARISON\">None.</AbstractText>\n<AbstractText "
        "Label=\"INDICATION\">Canarycharlie</AbstractText>\n"
        "<AbstractText Label=\"FINDINGS\">" +
        report.findings + "</AbstractText>\n<AbstractText Label=\"IMPRESSION\">" + report.impression +
        "</AbstractText>\n</Abstract>\n<Affiliation>Indiana University</Affiliation>\n</Article>\n</MedlineCitation>\n<MeSH>\n";
    for (const auto& term : report.terms) text += "<major>" + term + "</major>\n";
    text += "<automatic>not read</automatic>\n</MeSH>\n";
    for (const auto& image : report.images) {
      text += "<parentImage id=\"" + image +
              "\">\n<figureId>F1</figureId>\n<caption>Xray Chest PA and Lateral</caption>\n<panel type=\"single\">\n<url>/hadoop/" + image +
              ".jpg</url>\n</panel>\n</parentImage>\n";
    }
    return text + "</eCitation>\n";
  }
  void write_xml(const std::string& folder = "ecgen-radiology/") const {
    for (const auto& report : reports) write(folder + report.number + ".xml", xml(report));
  }
  void write_images(const std::string& folder = "NLMCXR_png/", const std::string& ending = ".png") const {
    for (const auto& report : reports) {
      for (const auto& image : report.images) picture(folder + image + ending);
    }
  }
  // Kaggle's names drop "CXR" and add the ending of the DICOM file.
  [[nodiscard]] static std::string kaggle_name(const std::string& image) { return image.substr(3) + ".dcm.png"; }
  void write_kaggle() const {
    std::string table = "uid,MeSH,Problems,image,indication,comparison,findings,impression\n";
    std::string projections = "uid,filename,projection\n";
    for (const auto& report : reports) {
      std::string terms;
      for (const auto& term : report.terms) terms += (terms.empty() ? "" : ";") + term.substr(0, term.find_last_not_of(" \t\n") + 1);
      table += report.number + "," + io::csv_cell(terms) + ",x,Xray Chest PA and Lateral,Canarycharlie,None.," +
               io::csv_cell(report.findings) + "," + io::csv_cell(report.impression) + "\n";
      for (std::size_t i = 0; i < report.images.size(); ++i) {
        projections += report.number + "," + kaggle_name(report.images[i]) + (i == 0 ? ",Frontal\n" : ",Lateral\n");
        picture("images/images_normalized/" + kaggle_name(report.images[i]));
      }
    }
    write("indiana_reports.csv", table);
    write("indiana_projections.csv", projections);
  }
};

}  // namespace mgca::test
