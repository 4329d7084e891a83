#include "described.hpp"
#include "expect_error.hpp"

#include <mgca/catalog/choice.hpp>

using mgca::ModelChoice;

TEST_CASE("choice: every field is described", "[catalog][fast]") {
  mgca::test::expect_described<ModelChoice>(sizeof(std::string) + sizeof(std::vector<std::string>) + sizeof(uint64_t));
}

TEST_CASE("choice: survives JSON with its overrides", "[catalog][fast]") {
  const ModelChoice choice{.name = "mgca-vit-tiny", .overrides = {"image.depth=2", "profile=official"}, .seed = 18446744073709551615ULL};
  const auto again = mgca::from_json_text<ModelChoice>(mgca::to_json_text(choice), "choice");
  CHECK(again.name == choice.name);
  CHECK(again.overrides == choice.overrides);
  CHECK(again.seed == choice.seed);
}

TEST_CASE("choice: unknown keys and wrong types are refused with their path", "[catalog][fast]") {
  mgca::test::expect_error([] { (void)mgca::from_json_text<ModelChoice>(R"({"nam": "x"})", "run.json"); }, {"run.json", "/nam", "did you mean 'name'"});
  mgca::test::expect_error([] { (void)mgca::from_json_text<ModelChoice>(R"({"seed": -1})", "run.json"); }, {"/seed", "-1"});
}
