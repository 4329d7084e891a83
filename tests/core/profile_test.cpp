#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/enum.hpp>
#include <mgca/core/profile.hpp>

using mgca::Profile;

TEST_CASE("profile: official keeps every published defect, fixed has none", "[core][fast]") {
  const auto old = mgca::text_quirks(Profile::official), now = mgca::text_quirks(Profile::fixed);
  CHECK((old.zero_position_ids && old.shifted_word_attention && old.last_token_unread && old.separator_is_word));
  CHECK_FALSE((now.zero_position_ids || now.shifted_word_attention || now.last_token_unread || now.separator_is_word));
  const auto published = mgca::alignment_quirks(Profile::official), repaired = mgca::alignment_quirks(Profile::fixed);
  CHECK((published.padding_in_contrast && published.padding_in_local_statistics && published.raw_attended_words &&
         published.prototypes_always_renormalised && published.parameter_free_attention && published.negatives_per_rank && published.sinkhorn_per_rank));
  CHECK_FALSE((repaired.padding_in_contrast || repaired.padding_in_local_statistics || repaired.raw_attended_words ||
               repaired.prototypes_always_renormalised || repaired.parameter_free_attention || repaired.negatives_per_rank || repaired.sinkhorn_per_rank));
}

TEST_CASE("profile: a new quirk is a new line in these tests", "[core][fast]") {
  CHECK(sizeof(mgca::TextQuirks) == 4);
  CHECK(sizeof(mgca::AlignmentQuirks) == 7);
}

TEST_CASE("profile: is read by name, a misspelt one is refused with the right one", "[core][fast]") {
  CHECK(mgca::parse_enum<Profile>("fixed") == Profile::fixed);
  mgca::test::expect_error([] { (void)mgca::parse_enum<Profile>("offical"); }, {"offical", "did you mean 'official'"});
}
