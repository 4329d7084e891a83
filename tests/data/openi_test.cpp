#include "catch.hpp"
#include "expect_error.hpp"
#include "openi_layout.hpp"
#include "raw_download.hpp"

#include <mgca/data/sources/openi.hpp>

#include <chrono>
#include <cmath>
#include <map>

using mgca::test::dropped;
using mgca::test::expect_error;
using mgca::test::OpeniLayout;
using mgca::test::study_of;
namespace data = mgca::data;

namespace {

mgca::Prepared prepare(const OpeniLayout& layout, const mgca::PrepareOptions& options = {}) {
  mgca::RawFolder raw(layout.scratch.path());
  return data::prepare_openi(raw, options);
}

data::detail::OpeniReport parse(const std::string& text) { return data::detail::parse_openi_report(text, "reports/7.xml"); }

}  // namespace

TEST_CASE("openi: each image of a report is a study with impression, findings and the terms it was indexed with", "[data][fast]") {
  OpeniLayout layout;
  layout.write_xml();
  layout.write_images();
  const auto set = prepare(layout);
  REQUIRE(set.studies.size() == 6);
  const auto& first = study_of(set, "CXR1_1_IM-0001-3001.png");
  CHECK(first.image == "NLMCXR_png/CXR1_1_IM-0001-3001.png");
  CHECK(first.report == "Normal chest x-XXXX. The cardiac silhouette is normal. Canaryalpha & XXXX.   Lungs <clear>.");
  CHECK(first.patient == "CXR1");
  CHECK(first.labels == std::vector<float>{0, 0, 0, 0, 0, 1});
  CHECK(study_of(set, "CXR1_1_IM-0001-4001.png").report == first.report);
  CHECK(study_of(set, "CXR10_IM-0002-1001.png").report == "No acute disease.");
  CHECK(study_of(set, "CXR10_IM-0002-1001.png").labels == std::vector<float>{1, 1, 0, 0, 0, 0});
  CHECK(study_of(set, "CXR2_IM-0652-2001.png").report == "Borderline cardiomegaly.");
  CHECK(study_of(set, "CXR2_IM-0652-2001.png").labels == std::vector<float>{0, 0, 0, 1, 1, 0});
  for (const float label : study_of(set, "CXR5_IM-2117-1003002.png").labels) CHECK(std::isnan(label));
  CHECK(dropped(set, "the report has neither impression nor findings") == 1);
  CHECK(dropped(set, "the report names no image") == 1);
  CHECK(set.expected == std::vector<mgca::ExpectedCount>{
                            {"reports", 3955, 6}, {"reports that name an image", 3851, 5}, {"images that reports name", 7470, 7}});
}

TEST_CASE("openi: a report's images are on one side of the split, another seed divides otherwise", "[data][fast]") {
  OpeniLayout layout;
  const auto pattern = layout.reports[0];
  layout.reports.clear();
  for (int i = 0; i < 40; ++i) {
    const auto number = std::to_string(i);
    layout.reports.push_back({number, pattern.findings, pattern.impression, pattern.terms, {"CXR" + number + "_a", "CXR" + number + "_b"}});
  }
  layout.write_xml();
  layout.write_images();
  const auto set = prepare(layout), other = prepare(layout, {.seed = 1});
  std::map<std::string, std::string> sides;
  int moved = 0;
  for (std::size_t i = 0; i < set.studies.size(); ++i) {
    CHECK(sides.emplace(set.studies[i].patient, set.studies[i].split).first->second == set.studies[i].split);
    moved += set.studies[i].split != other.studies[i].split ? 1 : 0;
  }
  CHECK(moved > 0);
  expect_error([&] { (void)prepare(layout, {.subsets = mgca::Subsets::as_published}); }, {"openi", "draw them by patient"});
}

TEST_CASE("openi: the other usual places and Kaggle's tables give the same reports, labels and splits", "[data][fast]") {
  OpeniLayout here, there, kaggle;
  here.write_xml();
  here.write_images();
  there.write_xml("NLMCXR_reports/ecgen-radiology/");
  there.write_images("images/");
  kaggle.reports[0].findings = "The cardiac silhouette is normal. Canaryalpha & XXXX.\n  Lungs <clear>.";  // without the entities of XML
  kaggle.write_kaggle();
  const auto a = prepare(here), b = prepare(there), c = prepare(kaggle);
  REQUIRE(a.studies.size() == b.studies.size());
  REQUIRE(a.studies.size() == c.studies.size());
  for (const auto& study : a.studies) {
    const auto name = study.image.filename().string();
    for (const auto* other : {&study_of(b, name), &study_of(c, OpeniLayout::kaggle_name(study.image.stem().string()))}) {
      CHECK(other->report == study.report);
      CHECK(other->split == study.split);
      CHECK(other->patient == study.patient);
    }
  }
  CHECK(study_of(c, "1_1_IM-0001-4001.dcm.png").view == mgca::View::lateral);
  CHECK(study_of(c, "1_1_IM-0001-3001.dcm.png").view == mgca::View::unknown);
  CHECK(study_of(c, "2_IM-0652-1001.dcm.png").labels[3] == 1.0F);
  CHECK(dropped(c, "the report has neither impression nor findings") == 1);
  CHECK(dropped(c, "the report names no image") == 1);
}

TEST_CASE("openi: images named twice and rows without report are counted", "[data][fast]") {
  OpeniLayout layout;
  layout.reports[2].images[1] = layout.reports[0].images[0];
  layout.write_xml();
  layout.write_images();
  CHECK(dropped(prepare(layout), "an image named a second time") == 1);
  OpeniLayout kaggle;
  kaggle.write_kaggle();
  kaggle.write("indiana_projections.csv", "uid,filename,projection\n1,1_1_IM-0001-3001.dcm.png,Frontal\n77,x.png,Lateral\n");
  CHECK(dropped(prepare(kaggle), "no row in the table of reports") == 1);
  kaggle.write("indiana_projections.csv", "uid,filename,view\n");
  expect_error([&] { (void)prepare(kaggle); }, {"indiana_projections.csv", "no column 'projection'"});
  kaggle.write("indiana_projections.csv", "uid,filename,projection\n1,../x.png,Frontal\n");
  expect_error([&] { (void)prepare(kaggle); }, {"indiana_projections.csv: row 1", "the name of an image"});
}

TEST_CASE("openi: damaged and foreign files are named, their text is not", "[data][fast]") {
  OpeniLayout layout;
  const auto whole = OpeniLayout::xml(layout.reports[0]);
  for (const auto& text : {whole.substr(0, 900), whole + "<more>", std::string("Canarydelta"), std::string(), std::string(64, '\0')}) {
    std::string message;
    try {
      (void)parse(text);
    } catch (const mgca::Error& error) {
      message = error.what();
    }
    CHECK(message.starts_with("reports/7.xml: "));
    CHECK(message.find("Canary") == std::string::npos);
  }
  expect_error([] { (void)parse("<PubmedArticle/>"); }, {"reports/7.xml", "no element 'eCitation'"});
  expect_error([&] { (void)parse(whole + std::string(std::size_t{1} << 20, ' ')); }, {"the limit is 1048576"});
  const OpeniLayout nothing;
  expect_error([&] { (void)prepare(nothing); }, {"ecgen-radiology", "NLMCXR_reports.tgz", "indiana_reports.csv"});
  layout.reports[0].images = {"../../secret"};
  layout.write_xml();
  expect_error([&] { (void)prepare(layout); }, {"ecgen-radiology/1.xml", "the name of an image"});
}

TEST_CASE("openi: entities are not expanded, external ones not read, depth costs nothing", "[data][fast]") {
  const auto report = [](const std::string& head, const std::string& findings) {
    return head + "<eCitation><MedlineCitation><Article><Abstract><AbstractText Label=\"FINDINGS\">" + findings +
           "</AbstractText></Abstract></Article></MedlineCitation></eCitation>";
  };
  std::string bomb = "<!DOCTYPE x [<!ENTITY a0 \"ha\">";
  for (int i = 1; i < 30; ++i) {
    const auto before = "&a" + std::to_string(i - 1) + ";";
    bomb += "<!ENTITY a" + std::to_string(i) + " \"" + before + before + "\">";
  }
  CHECK(parse(report(bomb + "]>", "&a29;")).findings == "&a29;");
  CHECK(parse(report("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/hostname\">]>", "&e;")).findings == "&e;");
  std::string deep;
  for (int i = 0; i < 150'000; ++i) deep += "<b>";
  const auto start = std::chrono::steady_clock::now();
  expect_error([&] { (void)parse(report("", deep)); }, {"reports/7.xml"});
  std::string closed = deep;
  closed.resize(300'000);
  closed += "lungs";
  for (int i = 0; i < 100'000; ++i) closed += "</b>";
  CHECK(parse(report("", closed)).findings == "lungs");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CHECK(took.count() < 5);
}

TEST_CASE("openi: text inside marks, in CDATA, of other encodings and damaged is read as UTF-8", "[data][fast]") {
  const auto findings = [](const std::string& head, const std::string& text) {
    return parse(
               head + "<eCitation><MedlineCitation><Article><Abstract><AbstractText Label=\"FINDINGS\">" + text +
               "</AbstractText><AbstractText Label=\"FINDINGS\">Second.</AbstractText></Abstract></Article></MedlineCitation></eCitation>")
        .findings;
  };
  CHECK(findings("", " a <i>b</i> c ") == "a b c Second.");
  CHECK(findings("", "<![CDATA[1 < 2]]>") == "1 < 2 Second.");
  CHECK(findings("", "caf\xC3\xA9 &#233; &#x1F600;") == "caf\xC3\xA9 \xC3\xA9 \xF0\x9F\x98\x80 Second.");
  CHECK(findings("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>", "caf\xE9") == "caf\xC3\xA9 Second.");
  CHECK(findings("", "caf\xE9") == "caf\xEF\xBF\xBD Second.");
}
