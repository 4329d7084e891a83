// Rename rules between two layouts of the same weights, as data: which prefixes correspond, which spellings are accepted,
// which names have no place in the other layout and why.
// "Theirs" is the layout of a foreign file, "ours" the one of this library's modules.
#pragma once

#include <mgca/core/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::io {

enum class NameEnd : std::uint8_t { front, back };

// Another way in which files of the layout write the same name: read, never written.
struct Spelling {
  NameEnd end;
  std::string seen;
  std::string standard;
};

// Names that begin with `theirs` there begin with `ours` here, both ways.
struct Renaming {
  std::string theirs;
  std::string ours;
};

// Names that stay behind, with the reason.
struct Omission {
  std::string piece;
  std::string reason;
};

// What a name is on the other side: a name, a reason for leaving it out, or neither: there is no such tensor.
struct Counterpart {
  std::optional<std::string> name;
  std::string omitted;
};

struct KeyMap {
  std::vector<Spelling> spellings;    // applied in this order, each once
  std::vector<Renaming> renamings;    // no prefix of one side begins with another of that side
  std::vector<Omission> omissions;    // of foreign names, by what they begin with; these go before the renamings
  std::vector<Omission> withheld;     // of our names, by what they contain: the layout could name them and does without

  // The name in the layout's standard spelling.
  [[nodiscard]] std::string standard(std::string_view theirs) const {
    std::string name(theirs);
    for (const auto& s : spellings) {
      if (s.end == NameEnd::front && name.starts_with(s.seen)) name = s.standard + name.substr(s.seen.size());
      if (s.end == NameEnd::back && name.ends_with(s.seen)) name = name.substr(0, name.size() - s.seen.size()) + s.standard;
    }
    return name;
  }

  [[nodiscard]] Counterpart to_ours(std::string_view theirs) const {
    const auto name = standard(theirs);
    for (const auto& omission : omissions) {
      if (name.starts_with(omission.piece)) return {.name = std::nullopt, .omitted = omission.reason};
    }
    for (const auto& r : renamings) {
      if (name.starts_with(r.theirs)) return {.name = r.ours + name.substr(r.theirs.size()), .omitted = ""};
    }
    return {};
  }

  [[nodiscard]] Counterpart to_theirs(std::string_view ours) const {
    for (const auto& omission : withheld) {
      if (ours.find(omission.piece) != std::string_view::npos) return {.name = std::nullopt, .omitted = omission.reason};
    }
    for (const auto& r : renamings) {
      if (ours.starts_with(r.ours)) return {.name = r.theirs + std::string(ours.substr(r.ours.size())), .omitted = ""};
    }
    return {};
  }

  // Throws Error(argument) for rules of which one hides another, so that the two directions would not undo each other.
  void validate() const {
    for (std::size_t i = 0; i < renamings.size(); ++i) {
      for (std::size_t j = 0; j < renamings.size(); ++j) {
        const auto &a = renamings[i], &b = renamings[j];
        MGCA_CHECK(i == j || (!a.theirs.starts_with(b.theirs) && !a.ours.starts_with(b.ours)), "key_map: the renaming '", a.theirs, "' -> '", a.ours,
                   "' overlaps '", b.theirs, "' -> '", b.ours, "'; make the prefixes longer");
      }
    }
    for (const auto& s : spellings) {
      MGCA_CHECK(!s.seen.empty() && s.seen != s.standard, "key_map: the spelling '", s.seen, "' changes nothing");
    }
  }
};

}  // namespace mgca::io
