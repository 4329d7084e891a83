#include "described.hpp"
#include "expect_error.hpp"

#include <mgca/catalog/protocols.hpp>

#include <set>

using mgca::find_protocol;
using mgca::ProtocolTask;
using mgca::TowerFamily;
using mgca::TowerUse;
using mgca::test::expect_error;

namespace {

// The recipes of the two sources side by side, as published.
struct TrainedAs {
  const char* protocol;
  const char* set;
  int percent;
  std::int64_t batch;
  double rate, decay;
  std::uint64_t seed = 42;
};

void expect_common(const auto& training, const TrainedAs& row) {
  CHECK(training.epochs == 50);
  CHECK(training.patience == 10);
  CHECK(training.batch_size == row.batch);
  CHECK(training.rate == row.rate);
  CHECK(training.weight_decay == row.decay);
  CHECK(training.seed == row.seed);
}

template <class Recipe>
mgca::NamedProtocol<Recipe> named(const TrainedAs& row, TowerFamily tower = TowerFamily::any) {
  const auto found = find_protocol<Recipe>({.name = row.protocol, .data_set = row.set, .percent = row.percent, .tower = tower});
  CHECK(found.origin.name == row.protocol);
  CHECK(found.recipe.data.set == row.set);
  CHECK(found.recipe.percent == row.percent);
  CHECK(found.recipe.split == "test");
  CHECK_FALSE(found.origin.metric.empty());
  return found;
}

}  // namespace

TEST_CASE("protocols: every recipe is valid, has a note, survives JSON and is told apart from all others", "[catalog]") {
  std::set<std::string> keys;
  for (const auto& any : mgca::protocols()) {
    std::visit([&](const auto& one) {
      using Named = std::remove_cvref_t<decltype(one)>;
      const auto text = mgca::to_json_text(one);
      INFO(text);
      CHECK_NOTHROW(one.recipe.validate());
      auto settled = one.recipe;
      settled.settle();
      CHECK(mgca::differences(settled, one.recipe).empty());
      CHECK_FALSE(one.origin.note.empty());
      CHECK(to_string(one.origin.task) == names_of(ProtocolTask{})[any.index()]);
      CHECK(mgca::to_json_text(mgca::from_json_text<Named>(text, "protocol")) == text);
      int percent = 0;
      if constexpr (requires { one.recipe.percent; }) percent = one.recipe.percent;
      const mgca::ProtocolKey key{one.origin.name, one.origin.task, one.recipe.data.set, percent, one.origin.tower};
      CHECK(mgca::to_json_text(std::get<Named>(find_protocol(key))) == text);
      CHECK(keys.insert(key.name + " " + std::string(to_string(key.task)) + " " + key.data_set + " " + std::to_string(percent) + " " + std::string(to_string(key.tower))).second);
    }, any);
  }
}

TEST_CASE("protocols: linear classification is trained as published", "[catalog]") {
  for (const auto& row : std::vector<TrainedAs>{{"mgca-paper", "chexpert", 1, 48, 5e-4, 1e-6},     {"mgca-paper", "chexpert", 10, 48, 5e-4, 1e-6},
                                                {"mgca-paper", "chexpert", 100, 96, 5e-4, 1e-6},   {"mgca-paper", "rsna", 100, 48, 5e-4, 1e-6},
                                                {"mgca-paper", "covidx", 100, 48, 5e-4, 1e-6},     {"mgca-scripts", "chexpert", 1, 48, 5e-4, 1e-6},
                                                {"mgca-scripts", "chexpert", 100, 48, 5e-4, 1e-6}, {"mgca-scripts", "rsna", 10, 48, 5e-4, 1e-6},
                                                {"mgca-scripts", "covidx", 1, 48, 5e-4, 1e-6}}) {
    INFO(row.protocol << " " << row.set << " " << row.percent);
    const auto [origin, r] = named<mgca::ClassifyProtocol>(row);
    expect_common(r.training, row);
    CHECK(r.trained == mgca::Trained::head);
    CHECK(r.pictures.stored_side == 256);
    CHECK(r.pictures.augmentation.crop == 224);
    CHECK(r.pictures.augmentation.random_crop);
    const bool as_moco = std::string_view(row.set) == "chexpert" && origin.source == mgca::ProtocolSource::scripts;
    CHECK((r.pictures.augmentation.flip == 0.5 && r.pictures.augmentation.jittered == 0.8 && r.pictures.augmentation.blurred == 0.5) == as_moco);
    CHECK_FALSE(r.stored_features);
    const bool covidx = std::string_view(row.set) == "covidx";
    CHECK((r.training.labels == mgca::LabelKind::exclusive) == covidx);
    CHECK(origin.metric == (covidx ? "accuracy" : "auroc"));
    CHECK(r.fixed.at("best_epoch") == "smallest validation loss");
    CHECK(r.data.prepare.protocol == (origin.source == mgca::ProtocolSource::paper ? mgca::DataProtocol::paper : mgca::DataProtocol::code));
  }
}

TEST_CASE("protocols: detection is trained as published", "[catalog]") {
  for (const auto& row : std::vector<TrainedAs>{{"mgca-paper", "rsna", 1, 8, 5e-4, 1e-6},         {"mgca-paper", "rsna", 10, 16, 5e-4, 1e-6},
                                                {"mgca-paper", "object-cxr", 1, 8, 5e-4, 1e-6},   {"mgca-scripts", "rsna", 1, 8, 2e-4, 1e-6},
                                                {"mgca-scripts", "rsna", 10, 16, 5e-4, 1e-6},     {"mgca-scripts", "rsna", 100, 16, 5e-4, 1e-6},
                                                {"mgca-scripts", "object-cxr", 1, 8, 2.5e-4, 1e-6}, {"mgca-scripts", "object-cxr", 100, 16, 5e-4, 1e-6},
                                                {"g2d", "rsna", 1, 8, 2e-4, 1e-6}}) {
    INFO(row.protocol << " " << row.set << " " << row.percent);
    const auto [origin, r] = named<mgca::DetectProtocol>(row);
    const bool paper = origin.source == mgca::ProtocolSource::paper;
    expect_common(r.training, row);
    CHECK(r.pictures.side == 224);
    CHECK(r.head.anchors == mgca::YoloConfig().anchors);
    CHECK(r.training.find.confidence == 0.5);
    CHECK(r.training.find.suppression == 0.5);
    CHECK(r.training.find.pixel == 1);
    CHECK(r.training.schedule == mgca::ScheduleKind::constant);
    CHECK(r.training.monitor == (paper ? mgca::DetectMonitor::loss : mgca::DetectMonitor::mean_average_precision));
    CHECK(r.training.tower == (paper ? TowerUse::frozen : TowerUse::frozen_drifting));
    CHECK(r.training.images == (paper ? mgca::CountedImages::all : mgca::CountedImages::found_and_true));
    CHECK(r.data.choices.empty() == (std::string_view(row.set) != "rsna"));
  }
}

TEST_CASE("protocols: segmentation is trained as published, by tower", "[catalog]") {
  for (const auto& row : std::vector<TrainedAs>{{"mgca-paper", "siim", 1, 8, 5e-4, 1e-6},       {"mgca-paper", "siim", 10, 8, 5e-4, 1e-6},
                                                {"mgca-paper", "rsna", 100, 8, 5e-4, 1e-6},     {"mgca-scripts", "siim", 1, 8, 5e-4, 0.05},
                                                {"mgca-scripts", "siim", 10, 8, 5e-4, 0.05, 0}, {"mgca-scripts", "siim", 100, 8, 5e-4, 0.05},
                                                {"mgca-scripts", "rsna", 10, 16, 5e-4, 0.05},   {"g2d", "siim", 10, 8, 2e-4, 0.05},
                                                {"g2d", "rsna", 1, 16, 2e-4, 0.05}}) {
    for (const auto tower : {TowerFamily::resnet, TowerFamily::vit}) {
      INFO(row.protocol << " " << row.set << " " << row.percent << " " << to_string(tower));
      if (std::string_view(row.protocol) == "g2d" && tower == TowerFamily::vit) continue;
      const auto [origin, r] = named<mgca::SegmentProtocol>(row, tower);
      const bool paper = origin.source == mgca::ProtocolSource::paper, scripts = origin.source == mgca::ProtocolSource::scripts, resnet = tower == TowerFamily::resnet;
      expect_common(r.training, row);
      CHECK(r.pictures.side == (paper && resnet ? 512 : 224));
      CHECK(r.pictures.origin == (std::string_view(row.set) == "siim" ? mgca::MaskOrigin::mask : mgca::MaskOrigin::boxes));
      CHECK(r.pictures.profile == (scripts ? mgca::Profile::official : mgca::Profile::fixed));
      CHECK(r.pictures.augmentation.moved == 0.5);
      CHECK(r.pictures.augmentation.rotate == 10);
      CHECK(r.pictures.augmentation.scale == 0.1);
      CHECK(r.pictures.augmentation.shift == 0);
      CHECK(r.training.tower == (scripts && resnet ? TowerUse::frozen_drifting : TowerUse::frozen));
      CHECK(r.training.loss.focal_weight == 10);
      CHECK(r.training.loss.gamma == 2);
      CHECK(r.training.loss.dice == (paper ? mgca::ops::DiceTerm::one_minus : mgca::ops::DiceTerm::negative_log));
      CHECK(r.training.schedule == mgca::ScheduleKind::constant);
    }
  }
}

TEST_CASE("protocols: GLoRIA's five classes exclude each other, CheXzero's findings are asked against their negation", "[catalog]") {
  const auto gloria = find_protocol<mgca::ZeroShotProtocol>({.name = "gloria", .data_set = "chexpert"}).recipe;
  CHECK(gloria.split == "5x200");
  CHECK(gloria.prompts == mgca::PromptSource::gloria);
  CHECK(gloria.each == 5);
  CHECK(gloria.labels == mgca::LabelKind::exclusive);
  CHECK(gloria.similarity.ensemble == mgca::PromptEnsemble::highest);
  CHECK(gloria.similarity.similarity == mgca::PromptSimilarity::global_and_local);
  for (const char* set : {"chexpert", "nih", "mine"}) {
    const auto chexzero = find_protocol<mgca::ZeroShotProtocol>({.name = "chexzero", .data_set = set}).recipe;
    CHECK(chexzero.data.set.empty());
    CHECK(chexzero.prompts == mgca::PromptSource::negation);
    CHECK(chexzero.labels == mgca::LabelKind::independent);
    CHECK(chexzero.similarity.ensemble == mgca::PromptEnsemble::mean);
  }
}

TEST_CASE("protocols: what differs between the text and the scripts is told", "[catalog]") {
  const auto paper = find_protocol<mgca::DetectProtocol>({.name = "mgca-paper", .data_set = "rsna", .percent = 1});
  const auto scripts = find_protocol<mgca::DetectProtocol>({.name = "mgca-scripts", .data_set = "rsna", .percent = 1});
  std::set<std::string> paths;
  for (const auto& one : mgca::differences(paper.recipe, scripts.recipe)) paths.insert(one.path);
  CHECK(paths == std::set<std::string>{"data.prepare.protocol", "data.prepare.subsets", "training.tower", "training.arithmetic", "training.images",
                                       "training.monitor", "training.rate"});
}

TEST_CASE("protocols: an unknown one is refused with the nearest names", "[catalog]") {
  expect_error([] { (void)find_protocol({.name = "mgca-script", .data_set = "rsna"}); }, {"no protocol 'mgca-script'", "did you mean 'mgca-scripts'?", "chexzero"});
  expect_error([] { (void)find_protocol({.name = "gloria", .task = ProtocolTask::detect, .data_set = "rsna"}); }, {"'gloria'", "task 'detect'", "zeroshot"});
  expect_error([] { (void)find_protocol({.name = "mgca-paper", .task = ProtocolTask::detect, .data_set = "objectcxr"}); }, {"data set 'objectcxr'", "did you mean 'object-cxr'"});
  expect_error([] { (void)find_protocol({.name = "mgca-paper", .data_set = "rsna", .percent = 5}); }, {"percentage '5'", "1, 10, 100"});
  expect_error([] { (void)find_protocol({.name = "g2d", .task = ProtocolTask::segment, .data_set = "siim", .tower = TowerFamily::vit}); }, {"image tower 'vit'", "resnet"});
  expect_error([] { (void)find_protocol({.name = "mgca-paper", .task = ProtocolTask::segment, .data_set = "siim"}); }, {"say which: resnet or vit"});
}

TEST_CASE("protocols: what no option changes is refused where it is changed", "[catalog]") {
  mgca::ClassifyProtocol recipe;
  expect_error([&] { mgca::apply_overrides(recipe, {R"(fixed={"optimizer":"SGD"})"}); }, {"`fixed` tells what no option changes"});
  expect_error([&] { mgca::apply_overrides(recipe, {"percent=7"}); }, {"1, 10 or 100"});
  recipe.standardised = true;
  CHECK_NOTHROW(recipe.settle());
  recipe.trained = mgca::Trained::all;
  expect_error([&] { recipe.settle(); }, {"only where they are computed once"});
  recipe = {};
  recipe.training.labels = mgca::LabelKind::exclusive;
  recipe.settle();
  CHECK(recipe.threshold == "the highest logit");
}
