// A walk over every element of a DICOM file. Nothing is allocated from a length before the file was seen to hold as many
// bytes; nesting and the number of elements are limited; the 128 bytes before "DICM" are never looked at.
// Reference: DICOM PS3.10 section 7 (file), PS3.5 section 7 (data set) and annex A (encapsulated pixels).
#pragma once

#include <mgca/io/detail/dicom_file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mgca::io::detail {

class DicomWalk {
 public:
  DicomWalk(DicomFile& file, const DicomWalkLimits& limits) : file_(file), limits_(limits) {}

  void run() {
    std::size_t at = 132;
    std::string syntax;
    // The file meta group: explicit and little endian whatever follows. Its length is not needed: it ends where its group ends.
    while (file_.bytes.has(at, 8) && number(at, 2) == 2) {
      const auto element = read_element(at, kNoEnd);
      if (element.undefined) dicom_fail(element.tag, "no length is given");
      if (element.tag == dicom::kTransferSyntax) {
        if (!syntax.empty()) dicom_fail(element.tag, "it comes twice");
        const auto value = file_.bytes.get(element.value, element.length);
        syntax = trimmed({reinterpret_cast<const char*>(value.data()), value.size()});
      }
      at = element.value + element.length;
    }
    if (syntax.empty()) dicom_fail(dicom::kTransferSyntax, "missing; the file does not say how it is coded");
    syntax_ = &find_syntax(syntax);
    if (syntax_->coding == DicomCoding::unsupported) {
      dicom_fail(dicom::kTransferSyntax, "transfer syntax ", syntax_->name, " is not supported; convert the file first");
    }
    order_ = {.explicit_representation = syntax_->explicit_representation, .little_endian = syntax_->little_endian};
    if (syntax_->deflated) {
      file_.bytes.inflate_from(at, limits_.inflated);
      at = 0;
    }
    while (file_.bytes.has(at, 1)) at = top_element(at);
    if (file_.pieces.empty()) dicom_fail(dicom::kPixels, "missing; the file holds no picture");
  }

 private:
  static constexpr std::size_t kNoEnd = SIZE_MAX;
  static constexpr std::uint32_t kUndefined = 0xFFFFFFFFU;

  struct Order {
    bool explicit_representation = true, little_endian = true;
  };
  struct Element {
    DicomTag tag = 0;
    std::string_view representation;  // empty where it is implicit
    std::size_t value = 0, length = 0;
    bool undefined = false;
  };

  [[nodiscard]] std::uint32_t number(std::size_t at, std::size_t count) {
    const auto b = file_.bytes.get(at, count);
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value << 8 | std::to_integer<std::uint32_t>(b[order_.little_endian ? count - 1 - i : i]);
    return value;
  }

  // The element whose tag stands at `at` within a container that ends at `end`; its whole value is there.
  Element read_element(std::size_t at, std::size_t end) {
    if (++elements_ > limits_.elements) throw ImageProblem("more than " + std::to_string(limits_.elements) + " elements");
    require(at, 8, end, 0);
    Element element{.tag = number(at, 2) << 16 | number(at + 2, 2)};
    const bool item = element.tag >> 16 == 0xFFFE;
    std::uint32_t length = 0;
    if (order_.explicit_representation && !item) {
      element.representation = representation(element.tag, at + 4);
      const bool wide = kWideRepresentations.find(element.representation) != std::string_view::npos;
      if (wide) require(at, 12, end, element.tag);
      length = wide ? number(at + 8, 4) : number(at + 6, 2);
      element.value = at + (wide ? 12 : 8);
    } else {
      length = number(at + 4, 4);
      element.value = at + 8;
    }
    element.undefined = length == kUndefined;
    element.length = element.undefined ? 0 : length;
    if (const auto* known = find_name(element.tag); known != nullptr && !known->representation.empty() && !element.representation.empty() &&
                                                    known->representation != element.representation) {
      dicom_fail(element.tag, "expected the representation ", known->representation, ", found ", element.representation);
    }
    const bool deferred =
        element.tag == dicom::kPixels && syntax_ != nullptr && syntax_->deflated;  // its size is weighed before it is unpacked
    if (!deferred) require(element.value, element.length, end, element.tag);
    return element;
  }

  void require(std::size_t at, std::size_t count, std::size_t end, DicomTag tag) {
    if (at <= end && count <= end - at && file_.bytes.has(at, count)) return;
    if (tag == 0) throw ImageProblem("the file or a sequence ends inside an element");
    const auto left = std::min(end, std::max(at, file_.bytes.size())) - std::min(at, end);
    dicom_fail(tag, "its length is ", count, " bytes, but ", left, " are left; the file is damaged or cut off");
  }

  // Of two capital letters that stand at `at`; a view that outlives the file's bytes.
  std::string_view representation(DicomTag tag, std::size_t at) {
    const auto b = file_.bytes.get(at, 2);
    const std::string_view two(reinterpret_cast<const char*>(b.data()), 2);
    for (const auto known : {kShortRepresentations, kWideRepresentations}) {
      if (const auto found = known.find(two); found != std::string_view::npos && found % 3 == 0) return known.substr(found, 2);
    }
    dicom_fail(tag, "its value representation is none of the standard's");
  }

  std::size_t top_element(std::size_t at) {
    const auto element = read_element(at, kNoEnd);
    if (element.tag == dicom::kPixels) return pixels(element);
    if (element.tag == dicom::kFloatPixels || element.tag == dicom::kDoublePixels)
      dicom_fail(element.tag, "floating-point pixels are not supported");
    if (element.tag >> 16 == 0xFFFE) dicom_fail(element.tag, "it belongs to no sequence");
    if (element.tag == dicom::kModalityTable) file_.attributes.modality_table = true;
    if (element.tag == dicom::kWindowTable) file_.attributes.window_table = true;
    if (find_name(element.tag) != nullptr && element.tag >> 16 == 0x0028) {
      if (element.tag <= last_) dicom_fail(element.tag, "it comes twice or out of order");
      last_ = element.tag;
      if (!element.undefined)
        take_attribute(file_.attributes, element.tag, file_.bytes.get(element.value, element.length), order_.little_endian);
    }
    return skip(element, 1);
  }

  // Passes over an element and everything within it; returns where the next begins.
  std::size_t skip(const Element& element, std::int64_t depth) {
    const auto end = element.value + element.length;
    if (element.representation == "SQ" || element.undefined) {
      if (element.tag == dicom::kPixels && (element.representation == "OB" || element.representation == "OW"))
        return fragments(element.value, nullptr);
      const bool sequence = element.representation == "SQ" || element.representation == "UN" || element.representation.empty();
      if (!sequence) dicom_fail(element.tag, "no length is given, and it is no sequence");
      const auto order = order_;
      if (element.representation == "UN") order_ = {.explicit_representation = false, .little_endian = true};
      const auto after = items(element.value, element.undefined ? kNoEnd : end, element.undefined, depth);
      order_ = order;
      return after;
    }
    return end;
  }

  std::size_t items(std::size_t at, std::size_t end, bool undefined, std::int64_t depth) {
    if (depth > limits_.nesting) throw ImageProblem("sequences are nested more than " + std::to_string(limits_.nesting) + " deep");
    while (undefined || at < end) {
      const auto item = read_element(at, end);
      if (item.tag == dicom::kSequenceEnd && undefined && item.length == 0) return item.value;
      if (item.tag != dicom::kItem) dicom_fail(item.tag, "expected ", tag_text(dicom::kItem));
      at = item.value;
      const auto item_end = item.undefined ? end : item.value + item.length;
      for (bool open = true; open && (item.undefined || at < item_end);) {
        const auto element = read_element(at, item_end);
        open = !(item.undefined && element.tag == dicom::kItemEnd && element.length == 0);
        if (open && element.tag >> 16 == 0xFFFE) dicom_fail(element.tag, "expected an element of an item, or its end");
        at = open ? skip_within(element, item_end, depth + 1) : element.value;
      }
    }
    return at;
  }

  std::size_t skip_within(const Element& element, std::size_t end, std::int64_t depth) {
    const auto at = skip(element, depth);
    if (at > end) dicom_fail(element.tag, "it ends behind the item that holds it");
    return at;
  }

  std::size_t pixels(const Element& element) {
    if (!file_.pieces.empty()) dicom_fail(element.tag, "it comes twice");
    if (!element.representation.empty() && element.representation != "OB" && element.representation != "OW") {
      dicom_fail(element.tag, "expected the representation OB or OW, found ", element.representation);
    }
    file_.header = checked_header(file_.attributes, *syntax_, limits_.size, limits_.frame);
    file_.encapsulated = syntax_->coding != DicomCoding::native;
    file_.words = element.representation != "OB";
    if (file_.encapsulated != element.undefined) {
      dicom_fail(element.tag, syntax_->name,
                 file_.encapsulated ? ": expected fragments, found a length" : ": expected a length, found fragments");
    }
    if (file_.encapsulated) return fragments(element.value, &file_);
    const auto expected = file_.header.frame_bytes() * static_cast<std::size_t>(file_.header.frames);
    if (element.length != expected && element.length != expected + expected % 2) {
      dicom_fail(element.tag, "expected ", expected, " bytes (Rows x Columns x BitsAllocated / 8 x NumberOfFrames), found ",
                 element.length);
    }
    if (syntax_->deflated) file_.bytes.raise_budget(element.length);
    require(element.value, element.length, kNoEnd, element.tag);
    file_.pieces = {{.at = element.value, .size = expected}};
    return element.value + element.length;
  }

  // The offset table, then the fragments up to the delimiter. `into` is null for a picture inside a sequence.
  std::size_t fragments(std::size_t at, DicomFile* into) {
    for (std::size_t count = 0;; ++count) {
      const auto item = read_element(at, kNoEnd);
      if (item.tag == dicom::kSequenceEnd && item.length == 0) {
        if (into != nullptr && into->pieces.empty()) dicom_fail(dicom::kPixels, "it holds no fragment");
        return item.value;
      }
      if (item.tag != dicom::kItem || item.undefined)
        dicom_fail(item.tag, "expected ", tag_text(dicom::kItem), " with a length, a fragment of the pixel data");
      at = item.value + item.length;
      if (into == nullptr) continue;
      if (count > 0) {
        into->pieces.push_back({.at = item.value, .size = item.length});
        continue;
      }
      if (item.length % 4 != 0 || (item.length != 0 && item.length / 4 != static_cast<std::size_t>(into->header.frames))) {
        dicom_fail(dicom::kPixels, "its offset table has ", item.length, " bytes, expected 0 or 4 for each of ", into->header.frames,
                   " frames");
      }
      for (std::size_t i = 0; i < item.length; i += 4) into->offsets.push_back(number(item.value + i, 4));
    }
  }

  DicomFile& file_;
  const DicomWalkLimits& limits_;
  const DicomSyntax* syntax_ = nullptr;
  Order order_{};
  std::int64_t elements_ = 0;
  DicomTag last_ = 0;
};

}  // namespace mgca::io::detail
