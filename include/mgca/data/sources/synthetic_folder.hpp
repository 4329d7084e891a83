// The synthetic studies as a raw folder with picture files, so that everything that follows works as on real data.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/data/prepared.hpp>
#include <mgca/data/synthetic.hpp>
#include <mgca/io/image_file.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace mgca::data {

// Writes images/000001.png and so on into the raw folder, those that are not there yet, and synthetic.txt, which says what they were made
// from; then prepares them with reports, labels, boxes, masks and a split by patient: 70 % train, 10 % valid, 20 % test. Throws Error(data)
// where the folder holds pictures of other parameters.
[[nodiscard]] inline Prepared prepare_synthetic(RawFolder& raw, const SyntheticConfig& config, const PrepareOptions& options) {
  require_own_draws("synthetic", options);
  const SyntheticStudies studies(config);
  constexpr auto name = "synthetic.txt";
  std::string parameters;
  SyntheticConfig::describe(
      config, [&](const char* field, const auto& value, const char*) { parameters += mgca::detail::join(field, " = ", value, "\n"); });
  if (!raw.has(name)) atomic_write(posix_files(), raw.folder() / name, std::string_view(parameters));
  if (raw.text(name) != parameters) {
    fail(ErrorKind::data, (raw.folder() / name).string(),
         ": the pictures here were made with other parameters; use those, or an empty folder");
  }
  std::error_code code;
  std::filesystem::create_directories(raw.folder() / "images", code);
  if (code) fail_system(raw.folder() / "images", "make the folder", code.value());

  Prepared set{.name = "synthetic", .has_reports = true, .label_names = studies.label_names()};
  const SplitRule rule{.train = 0.7, .valid = 0.1, .seed = options.seed};
  for (std::int64_t i = 0; i < studies.size(); ++i) {
    auto study = studies.record(i);
    auto number = std::to_string(i + 1);
    study.image = "images/" + std::string(number.size() < 6 ? 6 - number.size() : 0, '0') + number + ".png";
    study.split = split_of_patient(study.patient, rule);
    set.studies.push_back(std::move(study));
  }
  // More threads than cores: most of the time goes by waiting until a picture is on the disk.
  parallel_for(studies.size(), [&](std::int64_t i) {
    const auto& image = set.studies[static_cast<std::size_t>(i)].image;
    if (raw.has(image.generic_string())) return;
    const auto png = io::encode_png(studies.image(i).plane());
    atomic_write(posix_files(), raw.folder() / image, std::span<const std::byte>(png));
  }, {.threads = 16});
  set.notes.emplace_back("The pictures are schematic drawings and have no clinical meaning.");
  complete(set, raw, options);
  return set;
}

}  // namespace mgca::data
