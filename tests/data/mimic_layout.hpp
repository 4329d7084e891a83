// The raw folder of MIMIC-CXR-JPG with its reports, as PhysioNet gives it, with invented studies: what a row, a report and a name look
// like, and what is odd about the real ones.
#pragma once

#include "raw_download.hpp"

#include <map>
#include <string>
#include <vector>

namespace mgca::test {

struct MimicLayout : RawDownload {
  struct Image {
    std::string dicom, subject, study, view, split;
  };

  std::string base;  // of tables and files/
  std::vector<Image> images{
      {"aaaa0001-02aa804e", "10000032", "50414267", "PA", "train"},       {"aaaa0002-174413ec", "10000032", "50414267", "LATERAL", "train"},
      {"aaaa0003-2a2277a9", "10000032", "53189527", "AP", "train"},       {"aaaa0004-68b5c4b1", "11000764", "57375967", "PA", "train"},
      {"aaaa0005-fffabebf", "11000764", "57375967", "AP", "train"},       {"aaaa0006-ea030e7a", "12000898", "50771383", "AP", "validate"},
      {"aaaa0007-d8e4a341", "13000935", "50578979", "PA", "test"},        {"aaaa0008-3b1c3d3a", "14000980", "50985099", "PA", "train"},
      {"aaaa0009-05ab8a3f", "14000980", "51491012", "AP", "train"},       {"aaaa0010-b87b1eb0", "15001176", "54935705", "", "train"},
      {"aaaa0011-93a6a3b3", "15001176", "54935706", "AP", "train"},       {"aaaa0012-0d1d3a2f", "15001176", "54935707", "PA", "train"},
      {"aaaa0013-0d1d3a2f", "16001217", "58235663", "PA", "validate"},
  };
  std::map<std::string, std::string> reports{
      {"50414267",
       "                                 FINAL REPORT\n EXAMINATION:  CHEST (PA AND LAT)\n \n INDICATION:  Canaryalpha.\n \n FINDINGS: \n "
       "\n"
       " The lungs are clear. Canarybravo 4.5 cm\n away.\n \n IMPRESSION: \n \n No acute process.\n"},
      {"53189527", "                                 FINAL REPORT\r\n \r\n IMPRESSION:  Small effusion.\r\n"},
      {"57375967", "                                 FINAL REPORT\n CHEST, TWO VIEWS: Heart size \"normal\", lungs clear.\n"},
      {"50771383", "\n FINDINGS: Edema, caf\xE9.\n IMPRESSION: N/A\n"},
      {"50578979", " WET READ: Nothing.\n CONCLUSION: Normal chest.\n"},
      {"50985099", " FINAL REPORT\n INDICATION: Canarycharlie without findings.\n"},
      {"51491012", "\n HISTORY: Canarydelta.\n FINDINGS: Would be text.\n IMPRESSION: Also.\n"},
      {"54935706", " FINAL REPORT\n PORTABLE CHEST: Canaryecho\n"},
      {"54935707", "\n IMPRESSION: \n \n FINDINGS: NA\n"},
      {"58235663", "\n IMPRESSION: x\n FINDINGS: y\n"},
  };
  // Of the 14 columns; -1 is uncertain, studies without findings are in the table too.
  std::string labels =
      "subject_id,study_id,Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,Lung Lesion,Lung Opacity,"
      "No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices\n"
      "10000032,50414267,,,,,,,,,1.0,,,,,\n"
      "10000032,53189527,-1.0,-1.0,-1.0,-1.0,,,,,,-1.0,,0.0,,\n"
      "11000764,57375967,1.0,0.0,,,,,,-1.0,,,,,,1.0\n"
      "12000898,50771383,0.0,1.0,0.0,1.0,,,,,,0.0,,,,\n"
      "13000935,50578979,,,,,,,,,1.0,,,,,\n"
      "14000980,50985099,,,,,,,,,1.0,,,,,\n";

  [[nodiscard]] static std::string folder(const std::string& subject) { return "files/p" + subject.substr(0, 2) + "/p" + subject; }
  [[nodiscard]] static std::string image_of(const Image& i) { return folder(i.subject) + "/s" + i.study + "/" + i.dicom + ".jpg"; }
  [[nodiscard]] std::string metadata() const {
    std::string text =
        "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,StudyDate,StudyTime,"
        "ProcedureCodeSequence_CodeMeaning,ViewCodeSequence_CodeMeaning,PatientOrientationCodeSequence_CodeMeaning\n";
    for (const auto& i : images) {
      text += i.dicom + "," + i.subject + "," + i.study + ",CHEST (PA AND LAT)," + i.view +
              ",3056,2544,21800506,213014.531,CHEST (PA AND LAT)," + (i.view.empty() ? "" : "postero-anterior") + ",Erect\n";
    }
    return text;
  }
  [[nodiscard]] std::string splits() const {
    std::string text = "dicom_id,study_id,subject_id,split\n";
    for (const auto& i : images) text += i.dicom + "," + i.study + "," + i.subject + "," + i.split + "\n";
    return text;
  }
  [[nodiscard]] std::string table(const std::string& name) const { return base + "mimic-cxr-2.0.0-" + name + ".csv"; }

  void write_images() const {
    for (const auto& i : images) picture(base + image_of(i));
  }
  // `where`: the folder that holds files/.
  void write_reports(const std::string& where) const {
    for (const auto& i : images) {
      if (const auto report = reports.find(i.study); report != reports.end())
        write(where + folder(i.subject) + "/s" + i.study + ".txt", report->second);
    }
  }
  void write_tables() const {
    write(table("metadata"), metadata());
    write(table("split"), splits());
    write(table("chexpert"), labels);
  }
  void write_all() const {
    write_tables();
    write_images();
    write_reports(base);
  }
};

inline const std::vector<std::string>& mimic_canaries() {
  static const std::vector<std::string> words{"anaryalpha", "anarybravo", "anarycharlie", "anarydelta", "anaryecho",
                                              "10000032",   "14000980",   "50985099",     "51491012"};
  return words;
}

}  // namespace mgca::test
