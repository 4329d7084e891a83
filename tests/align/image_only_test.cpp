#include "expect_error.hpp"
#include "tiny_encoders.hpp"

#include <mgca/align/simclr.hpp>
#include <mgca/align/supervised.hpp>

TEST_CASE("image_only: whoever asks for text is told that there is no text tower", "[align][fast]") {
  const auto model = mgca::SimClr<mgca::test::TinyImage>({.embedding = 4});
  const std::shared_ptr<mgca::AlignmentModel> any = model.ptr();
  CHECK_FALSE(any->needs().reports);
  CHECK((any->text_length() == 0 && any->vocabulary() == 0));
  mgca::test::expect_error([&] { (void)any->encode_text(mgca::test::tiny_tokens({3})); }, {"no text tower", "pictures alone"});
}

TEST_CASE("image_only: pictures have unit rows and the trunk's own summary, whatever the model", "[align][fast]") {
  torch::manual_seed(1);
  const auto images = torch::randn({3, 3, 8, 8});
  const std::vector<std::shared_ptr<mgca::AlignmentModel>> models{mgca::SimClr<mgca::test::TinyImage>({.embedding = 4}).ptr(),
                                                                  mgca::Supervised<mgca::test::TinyImage>({.classes = 2}).ptr()};
  for (const auto& model : models) {
    const auto found = model->encode_image(images);
    CHECK(torch::allclose(found.global.norm(2, {1}), torch::ones({3})));
    CHECK(torch::equal(found.features, model->image_features(images)));
    CHECK(found.attention.sizes() == at::IntArrayRef({3, 4}));
    CHECK((model->image_width() == 6 && model->image_size() == 0));
    CHECK(mgca::state_dict(*model).front().name == "img_encoder_q.model.proj.weight");  // where every model has its trunk
  }
}
