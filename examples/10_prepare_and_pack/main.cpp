// From a table of pictures to a data set that is divided by patient, checked and packed. No libtorch.
#include <mgca/data/audit.hpp>
#include <mgca/data/pack_build.hpp>
#include <mgca/data/prepared_folder.hpp>
#include <mgca/data/sources/own_pairs.hpp>

#include <iostream>

int main(int argc, char** argv) {
  const std::filesystem::path sample = argc > 1 ? argv[1] : "examples/data", out = "prepared_sample";

  // Prepare: the raw folder is only read; what is written says where it came from.
  mgca::RawFolder raw(sample / "covid-pairs");
  const mgca::PrepareOptions options{.seed = 1};
  const auto set = mgca::data::prepare_pairs(raw, {}, options);
  const auto manifest = mgca::data::write_prepared(set, raw, options, out).manifest;
  for (const auto& [split, count] : manifest.splits) {
    std::cout << split << ": " << count.studies << " studies of " << count.patients << " patients, list " << count.sha256.substr(0, 12) << "\n";
  }

  // Check: every picture is decoded once, all problems are told at once.
  const mgca::PairStudies studies(mgca::data::pairs_of(out, mgca::data::read_prepared(out)));
  const auto audit = mgca::data::audit(studies, {.similar = 12});
  for (const auto& problem : audit.problems) std::cout << "row " << problem.row << ": " << problem.what << "\n";

  // Pack: decoded and reduced once; training maps the file and copies crops out of it.
  const auto outcome = mgca::data::pack(studies, out / "images.pack", {.side = 256});
  const mgca::ImagePack pack(out / "images.pack");
  const auto picture = pack.picture(0);
  std::cout << outcome.kept << " pictures were packed before; the first is " << picture.height << " x " << picture.width << " pixels\n";

  std::cout << "ok: " << pack.size() << " pictures are prepared, checked and packed\n";
}
