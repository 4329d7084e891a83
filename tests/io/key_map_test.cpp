#include "expect_error.hpp"

#include <mgca/io/key_map.hpp>

using mgca::io::KeyMap;
using mgca::io::NameEnd;

namespace {
KeyMap map() {
  return {.spellings = {{NameEnd::front, "wrapped.", ""}, {NameEnd::front, "bert.", ""}, {NameEnd::back, ".gamma", ".weight"}},
          .renamings = {{"embeddings.", "text.embeddings."}, {"encoder.", "text.encoder."}},
          .omissions = {{"encoder.pooler.", "no pooler here"}, {"cls.", "no classifier here"}},
          .withheld = {{".cross.", "not theirs"}}};
}
}  // namespace

TEST_CASE("key_map: a renamed prefix goes there and back", "[io][fast]") {
  CHECK(map().to_ours("encoder.layer.0.weight").name == "text.encoder.layer.0.weight");
  CHECK(map().to_theirs("text.encoder.layer.0.weight").name == "encoder.layer.0.weight");
  CHECK(map().to_theirs("encoder.layer.0.weight").name == std::nullopt);
}

TEST_CASE("key_map: other spellings are read one after another, and never written", "[io][fast]") {
  CHECK(map().to_ours("wrapped.bert.embeddings.norm.gamma").name == "text.embeddings.norm.weight");
  CHECK(map().to_theirs("text.embeddings.norm.weight").name == "embeddings.norm.weight");
  CHECK(map().to_ours("bert.wrapped.embeddings.norm").name == std::nullopt);  // the order is part of the rule
}

TEST_CASE("key_map: a name is left out with its reason before any renaming; a foreign one has neither name nor reason", "[io][fast]") {
  CHECK(map().to_ours("bert.encoder.pooler.weight").omitted == "no pooler here");
  CHECK_FALSE(map().to_ours("bert.encoder.pooler.weight").name);
  const auto foreign = map().to_ours("optimizer.0");
  CHECK((!foreign.name && foreign.omitted.empty()));
}

TEST_CASE("key_map: what a layout could name and does without is read, and withheld with its reason when written", "[io][fast]") {
  CHECK(map().to_ours("encoder.layer.0.cross.weight").name == "text.encoder.layer.0.cross.weight");
  CHECK(map().to_theirs("text.encoder.layer.0.cross.weight").omitted == "not theirs");
  CHECK_FALSE(map().to_theirs("text.encoder.layer.0.cross.weight").name);
}

TEST_CASE("key_map: rules that hide one another are refused on either side", "[io][fast]") {
  map().validate();
  auto theirs = map(), ours = map(), idle = map();
  theirs.renamings.push_back({"encoder.layer.", "other."});
  mgca::test::expect_error([&] { theirs.validate(); }, {"'encoder.layer.' -> 'other.'", "'encoder.' -> 'text.encoder.'"});
  ours.renamings.push_back({"other.", "text."});
  mgca::test::expect_error([&] { ours.validate(); }, {"'other.' -> 'text.'"});
  idle.spellings.push_back({NameEnd::front, "x", "x"});
  mgca::test::expect_error([&] { idle.validate(); }, {"'x' changes nothing"});
}
