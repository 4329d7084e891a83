// A data set of your own: four members, no base class of ours. Here pictures of one bright disc, whose report says how large and where it is.
#include <mgca/catalog.hpp>
#include <mgca/mgca.hpp>

#include <iostream>

class Discs {
 public:
  explicit Discs(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string size = is_large(i) ? "large" : "small", height = is_upper(i) ? "upper" : "lower", side = is_left(i) ? "left" : "right";
      studies_.push_back({.row = i + 1, .report = "A " + size + " disc in the " + height + " " + side + " lung.", .patient = std::to_string(i),
                          .split = i % 5 == 4 ? "test" : "train", .labels = {is_left(i) ? 1.F : 0.F}});
    }
  }

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(studies_.size()); }
  [[nodiscard]] const mgca::Study& record(std::int64_t i) const { return studies_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] mgca::GreyImage image(std::int64_t i) const {  // from several threads at once
    mgca::GreyImage picture({.height = 64, .width = 64});
    const std::int64_t cy = is_upper(i) ? 16 : 44, cx = is_left(i) ? 16 : 48, radius = is_large(i) ? 12 : 6;
    for (std::int64_t y = 0; y < 64; ++y) {
      for (std::int64_t x = 0; x < 64; ++x) picture.at(y, x) = (y - cy) * (y - cy) + (x - cx) * (x - cx) < radius * radius ? 255 : 40;
    }
    return picture;
  }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return names_; }

 private:
  static bool is_left(std::int64_t i) { return i % 2 == 0; }
  static bool is_upper(std::int64_t i) { return i / 2 % 2 == 0; }
  static bool is_large(std::int64_t i) { return i / 4 % 2 == 0; }

  std::vector<mgca::Study> studies_;
  std::vector<std::string> names_{"left"};
};
static_assert(mgca::Dataset<Discs>);

int main(int argc, char** argv) {
  const std::filesystem::path data = argc > 1 ? argv[1] : "examples/data";
  const Discs discs(64);
  const auto train = mgca::split_of(discs, "train");
  const auto model = mgca::create_model("mgca-resnet-small");
  const mgca::WordPiece tokenizer(mgca::Vocabulary::read(data / "vocab" / "bert-base-cased-vocab.txt"), {.length = model->text_length()});
  const mgca::StudySource source(train, tokenizer, {.stored_side = 64, .augmentation = {.crop = 64, .random_crop = false}});
  const mgca::Loader batches(source, {.batch_size = 16});
  mgca::PretrainTask task(model);
  mgca::History history;
  mgca::FitOptions options;
  options.epochs = 4;
  options.schedule.rate = 5e-4;
  mgca::fit(task, batches, options, history);
  std::cout << (history.fell("loss") ? "ok: the loss fell on a data set the library has never seen\n" : "the loss did not fall\n");
  return history.fell("loss") ? 0 : 1;
}
