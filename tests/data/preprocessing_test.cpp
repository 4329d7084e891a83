#include "described.hpp"
#include "expect_error.hpp"

#include <mgca/data/preprocessing.hpp>

using mgca::Preprocessing;

TEST_CASE("preprocessing: every field is listed and survives the metadata of a file", "[data][fast]") {
  mgca::test::expect_described<Preprocessing>(200);
  const Preprocessing written{.image_size = 64, .stored_side = 73, .vocabulary = "ab12", .profile = mgca::Profile::official};
  const auto read = mgca::preprocessing_of({{Preprocessing::kKey, mgca::to_json_text(written, -1)}}, "best.safetensors");
  REQUIRE(read);
  CHECK(mgca::differences(*read, written).empty());
  CHECK_FALSE(mgca::preprocessing_of({{"format", "pt"}}, "x"));
}

TEST_CASE("preprocessing: every difference is told with both values, a vocabulary nobody told is none", "[data][fast]") {
  const Preprocessing here{.vocabulary = "ab12"};
  mgca::require_same_preprocessing(here, here, "w");
  mgca::require_same_preprocessing({}, here, "w");
  mgca::test::expect_error([&] { mgca::require_same_preprocessing({.image_size = 299, .vocabulary = "cd34", .profile = mgca::Profile::official}, here, "best.safetensors"); },
                           {"best.safetensors", "image_size: the weights were trained with 299, here it is 224", "vocabulary", "cd34", "ab12", "profile"});
}

TEST_CASE("preprocessing: metadata that are no such record are refused with file and key", "[data][fast]") {
  mgca::test::expect_error([] { (void)mgca::preprocessing_of({{Preprocessing::kKey, "{\"image_sise\": 3}"}}, "best.safetensors"); },
                           {"best.safetensors", "preprocessing", "did you mean 'image_size'"});
  mgca::test::expect_error([] { (void)mgca::preprocessing_of({{Preprocessing::kKey, "{"}}, "best.safetensors"); }, {"best.safetensors", "not valid JSON"});
}
