#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/config.hpp>

using mgca::test::expect_error;

namespace {

enum class Pooling : uint8_t { cls, mean };
constexpr auto names_of(Pooling) { return std::to_array<std::string_view>({"cls", "mean"}); }

struct Tower {
  int64_t depth = 12;
  Pooling pooling = Pooling::cls;
  std::optional<double> dropout;
  static void describe(auto& self, auto&& field) {
    field("depth", self.depth, "blocks");
    field("pooling", self.pooling, "how tokens become one vector");
    field("dropout", self.dropout, "share of units left out");
  }
};

struct Model {
  Tower image;
  std::string name = "mgca";
  std::vector<double> weights{1, 1, 1};
  std::map<std::string, double> extra;
  bool frozen = false;
  static void describe(auto& self, auto&& field) {
    field("image", self.image, "image tower");
    field("name", self.name, "name");
    field("weights", self.weights, "loss weights");
    field("extra", self.extra, "anything else");
    field("frozen", self.frozen, "towers do not learn");
  }
  void validate() const { MGCA_CHECK(image.depth > 0, "model: depth must be positive, got ", image.depth); }
};
struct Letter {
  std::string to;
  mgca::Json content;
  static void describe(auto& self, auto&& field) {
    field("to", self.to, "whom");
    field("content", self.content, "not known here");
  }
};
static_assert(mgca::Described<Model>);
static_assert(!mgca::Described<int>);

Model read(const std::string& text) { return mgca::from_json_text<Model>(text, "model.json"); }

}  // namespace

TEST_CASE("config: a member of type Json takes any value and gives it back, beside members that are checked", "[core][fast]") {
  const std::string text = R"({"to":"A","content":{"depth":3,"list":[1,null,{"x":"y"}]}})";
  const auto letter = mgca::from_json_text<Letter>(text, "letter");
  CHECK(letter.content.at("list").size() == 3);
  CHECK(mgca::to_json_text(letter, -1) == text);
  expect_error([] { (void)mgca::from_json_text<Letter>(R"({"to":"A","contents":{}})", "letter"); }, {"/contents: unknown key", "content"});
}

TEST_CASE("config: what is written is what is read", "[core][fast]") {
  Model model;
  mgca::apply_overrides(model, {"image.depth=6", "image.pooling=mean", "image.dropout=0.25", "name=x=y", "weights=[0.5,2]", "extra.alpha=3", "frozen=true"});
  CHECK(model.image.depth == 6);
  CHECK(model.image.pooling == Pooling::mean);
  CHECK(model.image.dropout == 0.25);
  CHECK(model.name == "x=y");
  CHECK(model.weights == std::vector<double>{0.5, 2});
  CHECK(model.extra.at("alpha") == 3);
  CHECK(model.frozen);
  const auto text = mgca::to_json_text(model);
  CHECK(mgca::to_json_text(read(text)) == text);
  CHECK(mgca::config_hash(read(text)) == mgca::config_hash(model));
  CHECK(mgca::config_hash(model) != mgca::config_hash(Model{}));
}

TEST_CASE("config: all problems are listed at once, each with its path", "[core][fast]") {
  expect_error([] { read(R"({"image": {"dept": 3, "depth": "six", "pooling": "avg"}, "weights": [1, "a"], "frozen": 1})"); },
               {"model.json: 5 problems", "/image/dept: unknown key", "did you mean 'depth'", "/image/depth: expected integer, got string",
                "/image/pooling: unknown value 'avg'", "/weights/1: expected number, got string", "/frozen: expected true or false, got number"});
  expect_error([] { read(R"({"image": {"depth": 99999999999999999999}})"); }, {"/image/depth"});
  expect_error([] { read(R"({"image": {"depth": 2.5}})"); }, {"/image/depth: expected integer"});
  expect_error([] { read(R"([])"); }, {"expected object, got array"});
}

TEST_CASE("config: broken JSON names the line, repeated keys are refused", "[core][fast]") {
  expect_error([] { read("{\n\"name\": \"a\",\n}"); }, {"model.json", "line 3"});
  expect_error([] { read(R"({"name": "a", "name": "b"})"); }, {"'name' appears twice"});
  expect_error([] { read(""); }, {"not valid JSON"});
  expect_error([] { read(R"({"name": 1e999})"); }, {"model.json", "too large"});
}

TEST_CASE("config: bytes that are not UTF-8 are refused on the way in and out, never another exception", "[core][fast]") {
  Model model;
  expect_error([&] { mgca::apply_overrides(model, {"name=a\xFF"}); }, {"override 'name", "byte 6", "UTF-8"});
  expect_error([&] { mgca::apply_overrides(model, {"\xFE=1"}); }, {"byte 0", "UTF-8"});
  CHECK(model.name == "mgca");
  model.name = "\xC3";
  expect_error([&] { (void)mgca::to_json_text(model); }, {"not UTF-8"});
  expect_error([&] { (void)mgca::option_table(model); }, {"not UTF-8"});
  expect_error([] { read("{\"name\": \"\xFF\"}"); }, {"model.json", "not valid JSON"});
}

TEST_CASE("config: validation runs after reading and after overrides, which change nothing if they fail", "[core][fast]") {
  expect_error([] { read(R"({"image": {"depth": -1}})"); }, {"model.json: model: depth", "-1"});
  Model model;
  expect_error([&] { mgca::apply_overrides(model, {"name=new", "image.depth=0"}); }, {"depth", "0"});
  CHECK(model.name == "mgca");
  expect_error([&] { mgca::apply_overrides(model, {"image.dpeth=3"}); }, {"/image/dpeth", "depth"});
  expect_error([&] { mgca::apply_overrides(model, {"nothing"}); }, {"key=value"});
}

TEST_CASE("config: every field changes the text and stands in the option table", "[core][fast]") {
  const auto table = mgca::option_table(Model{});
  CHECK(table.size() == 7);
  CHECK(table[0].path == "image.depth");
  CHECK(table[0].value == "12");
  CHECK(table[1].type == "cls | mean");
  Model other;
  other.image.depth = 3;
  const auto changed = mgca::differences(Model{}, other);
  REQUIRE(changed.size() == 1);
  CHECK((changed[0].path == "image.depth" && changed[0].left == "12" && changed[0].right == "3"));
}
