#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/text/prompts.hpp>

#include <algorithm>
#include <set>

using mgca::PromptSet;
using mgca::test::expect_error;
using mgca::text::gloria_prompts;

TEST_CASE("prompts: a finding is asked against its negation", "[text][fast]") {
  const std::vector<std::string> names{"Edema", "Pleural Effusion"};
  const auto set = mgca::text::negation_prompts(names);
  REQUIRE(set.classes.size() == 2);
  CHECK(set.paired());
  CHECK(set.classes[1].present == std::vector<std::string>{"Pleural Effusion"});
  CHECK(set.classes[1].absent == std::vector<std::string>{"no Pleural Effusion"});
}

TEST_CASE("prompts: GLoRIA's words make 210, 15, 192, 18 and 54 prompts without double spaces", "[text][fast]") {
  const auto set = gloria_prompts();
  std::vector<std::size_t> counts;
  for (const auto& one : set.classes) {
    counts.push_back(one.present.size());
    for (const auto& text : one.present) {
      CHECK(text.find("  ") == std::string::npos);
      CHECK(text.front() != ' ');
      CHECK(text.back() != ' ');
    }
  }
  CHECK(counts == std::vector<std::size_t>{210, 15, 192, 18, 54});
  CHECK(set.classes[0].present[0] == "subsegmental atelectasis at the mid lung zone");
  CHECK(set.classes[4].present[3] == "right bilateral pleural effusion");  // place before kind for this class alone
  CHECK_FALSE(set.paired());
  set.validate();
}

TEST_CASE("prompts: a draw depends on the seed alone, takes places once, and may not ask for more than there are", "[text][fast]") {
  const auto five = gloria_prompts(5, 3), again = gloria_prompts(5, 3), other = gloria_prompts(5, 4), all = gloria_prompts();
  for (std::size_t c = 0; c < 5; ++c) {
    CHECK(five.classes[c].present == again.classes[c].present);
    for (const auto& text : five.classes[c].present) CHECK(std::count(all.classes[c].present.begin(), all.classes[c].present.end(), text) > 0);
  }
  CHECK(five.classes[0].present != other.classes[0].present);
  auto whole = gloria_prompts(15).classes[1].present, listed = all.classes[1].present;  // all 15 of this class, in another order
  CHECK(std::set<std::string>(whole.begin(), whole.end()) == std::set<std::string>(listed.begin(), listed.end()));
  expect_error([] { (void)gloria_prompts(16); }, {"15 prompts for Cardiomegaly", "16"});
}

TEST_CASE("prompts: a set of one's own is read from JSON and checked as a whole", "[text][fast]") {
  const auto read = [](const char* text) { return mgca::from_json_text<PromptSet>(text, "mine.json"); };
  const auto set = read(R"({"classes": [{"name": "Edema", "present": ["oedema", "fluid in the lungs"], "absent": ["clear lungs"]}]})");
  CHECK(set.classes[0].present[1] == "fluid in the lungs");
  expect_error([&] { (void)read(R"({"classes": []})"); }, {"mine.json", "one class or more"});
  expect_error([&] { (void)read(R"({"classes": [{"name": "Edema"}]})"); }, {"'Edema'", "no prompt in `present`"});
  expect_error([&] { (void)read(R"({"classes": [{"name": "Edema", "present": ["a", ""]}]})"); }, {"empty prompt"});
  expect_error([&] { (void)read(R"({"classes": [{"name": "A", "present": ["a"]}, {"name": "A", "present": ["b"]}]})"); }, {"two classes", "'A'"});
  expect_error([&] { (void)read(R"({"classes": [{"name": "A", "present": ["a"], "absent": ["no a"]}, {"name": "B", "present": ["b"]}]})"); },
               {"'B' and 'A'", "all classes or to none"});
}
