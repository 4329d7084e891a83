// The two behaviour profiles and the records of what differs between them.
// `official` reproduces the published code, its defects included, and is needed for its checkpoints;
// `fixed` is the same system with those defects repaired and the default for new work.
// Every difference is a named field here, so that no other header compares profiles.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mgca {

enum class Profile : std::uint8_t { official, fixed };
constexpr auto names_of(Profile) { return std::to_array<std::string_view>({"official", "fixed"}); }

struct TextQuirks {
  bool zero_position_ids;       // every token receives position embedding row 0
  bool shifted_word_attention;  // token i carries the attention paid to token i + 1
  bool last_token_unread;       // the word scan stops one token early and drops a word left open
  bool separator_is_word;       // [SEP] takes a word slot of its own
};

constexpr TextQuirks text_quirks(Profile profile) {
  const bool old = profile == Profile::official;
  return {.zero_position_ids = old,
          .shifted_word_attention = old,
          .last_token_unread = old,
          .separator_is_word = old};
}

struct AlignmentQuirks {
  bool padding_in_contrast;         // pad slots stay in the softmax denominators of the word contrast
  bool padding_in_local_statistics; // pad slots enter the batch statistics of the local text head
  bool raw_attended_words;          // the patch branch leaves attended words unnormalised unless the tower is a CNN
  bool prototypes_always_renormalised;  // the parameter is overwritten in evaluation too
  bool parameter_free_attention;    // default kind of local attention: softmax, not learned
  bool negatives_per_rank;          // of several ranks each contrasts its own samples alone
  bool sinkhorn_per_rank;           // and balances the assignment of its own alone
};

constexpr AlignmentQuirks alignment_quirks(Profile profile) {
  const bool old = profile == Profile::official;
  return {.padding_in_contrast = old,
          .padding_in_local_statistics = old,
          .raw_attended_words = old,
          .prototypes_always_renormalised = old,
          .parameter_free_attention = old,
          .negatives_per_rank = old,
          .sinkhorn_per_rank = old};
}

}  // namespace mgca
