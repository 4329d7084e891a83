// Every parser when memory runs out: operator new fails at its k-th call, once or for ever, for every k. What comes out
// is std::bad_alloc or Error, and everything taken has been given back. libpng, libjpeg and zlib take their own memory
// by malloc, which does not fail here. Configurations are not here: nlohmann::json takes memory where it destroys a
// value, and ends the program if there is none.
#include "catch.hpp"
#include "dicom_builder.hpp"
#include "paths.hpp"
#include "torch_builder.hpp"

#include <mgca/image/rle.hpp>
#include <mgca/io/csv.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/io/safetensors.hpp>
#include <mgca/io/torch_archive.hpp>
#include <mgca/text/report_sections.hpp>
#include <mgca/text/wordpiece.hpp>

#include <cstdlib>
#include <functional>
#include <new>

namespace {

// What operator new and delete of this thread do and count while a probe runs.
struct Memory {
  bool watched = false, for_ever = false, failed = false;
  bool told = false;      // who asked took no memory for an answer, as std::stable_sort does
  std::int64_t left = 0;  // calls before one fails
  std::int64_t live = 0;  // taken and not given back
};
constinit thread_local Memory memory;

void* take(std::size_t size) {
  if (memory.watched) {
    if (memory.left <= 0 && (memory.for_ever || !memory.failed)) {
      memory.failed = true;
      throw std::bad_alloc();
    }
    --memory.left;
    ++memory.live;
  }
  if (void* const place = std::malloc(size == 0 ? 1 : size)) return place;
  throw std::bad_alloc();
}
void* take_or_nothing(std::size_t size) noexcept {
  try {
    return take(size);
  } catch (const std::bad_alloc&) {
    memory.told = true;
    return nullptr;
  }
}
void give_back(void* place) {
  if (memory.watched && place != nullptr) --memory.live;
  std::free(place);
}

}  // namespace

void* operator new(std::size_t size) { return take(size); }
void* operator new[](std::size_t size) { return take(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return take_or_nothing(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return take_or_nothing(size); }
void operator delete(void* place) noexcept { give_back(place); }
void operator delete[](void* place) noexcept { give_back(place); }
void operator delete(void* place, std::size_t) noexcept { give_back(place); }
void operator delete[](void* place, std::size_t) noexcept { give_back(place); }

namespace {

enum class End { read, refused, exhausted };

End probe(const std::function<void()>& parse, std::int64_t k, bool for_ever) {
  End end = End::read;
  memory = {.watched = true, .for_ever = for_ever, .left = k};
  try {
    parse();
  } catch (const std::bad_alloc&) {
    end = End::exhausted;
  } catch (const mgca::Error&) {
    end = End::refused;
  }
  memory.watched = false;
  return end;
}

// Fails at every allocation of `parse`, which must come to `whole` where none fails.
void exhaust(const std::string& what, const std::function<void()>& parse, End whole = End::read) {
  INFO(what);
  constexpr std::int64_t none = 1'000'000;
  (void)probe(parse, none, false);  // tables that are made once
  REQUIRE(probe(parse, none, false) == whole);
  const auto allocations = none - memory.left;
  INFO(allocations << " allocations");
  REQUIRE(memory.live == 0);
  REQUIRE((allocations > 0 && allocations < 3000));
  for (const bool for_ever : {false, true}) {
    for (std::int64_t k = 0; k < allocations; ++k) {
      const auto end = probe(parse, k, for_ever);
      INFO("allocation " << k << (for_ever ? " and all behind it fail" : " fails"));
      REQUIRE(memory.failed);
      REQUIRE((end != End::read || memory.told));
      REQUIRE(memory.live == 0);
    }
  }
}

std::vector<std::byte> picture(const std::string& name) {
  return mgca::read_file(mgca::test::data_dir() / "images" / name);
}

}  // namespace

TEST_CASE("memory: a table of text is read, refused or std::bad_alloc, whichever allocation fails", "[memory][fast]") {
  const auto rows = [](const std::string& text) {
    return [text] {
      std::size_t bytes = 0;
      mgca::io::CsvTable table(text, "table.csv", {});
      table.for_each([&](const mgca::io::CsvRow& row) {
        bytes += std::string(row.at(table.column("report of the study"))).size();
      });
    };
  };
  exhaust("CSV", rows("image,report of the study\na.png,\"two lines, \"\"quoted\"\" and\nlonger than a short "
                      "string\"\nb.png,clear\n"));
  exhaust("CSV with a bad row", rows("image,report of the study\na.png,\"open\n"), End::refused);
  exhaust("CSV without the column", rows("image,report\na.png,clear\n"), End::refused);
  exhaust("vocabulary", [] {
    (void)mgca::Vocabulary::parse("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nheart\nradiographically\n##ally\n", "vocab.txt");
  });
  exhaust(
      "vocabulary with a token twice",
      [] { (void)mgca::Vocabulary::parse("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nheart\nheart\n", "vocab.txt"); },
      End::refused);
  const mgca::WordPiece words(mgca::Vocabulary::parse("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nheart\nnormal\n##s\n"),
                              {.length = 16});
  exhaust("tokens", [&] { (void)words.encode("Hearts are normal, and so is \xC3\x89"); });
  exhaust("report sections", [] {
    const auto text = mgca::text::report_text(
        "FINAL REPORT\r\n INDICATION: Cough.\n\n FINDINGS: \xE9 The lungs are clear.\n\n IMPRESSION: Normal chest.\n");
    (void)mgca::text::section_report("s90000000", text);
  });
  exhaust("runs", [] {
    (void)mgca::image::parse_mask(" 3 4 2 5 1 1 2 3", mgca::image::RunForm::relative, {.height = 8, .width = 8});
  });
  exhaust(
      "runs that reach outside",
      [] { (void)mgca::image::parse_mask("3 400", mgca::image::RunForm::absolute, {.height = 8, .width = 8}); },
      End::refused);
}

TEST_CASE("memory: a picture is read, refused or std::bad_alloc, whichever allocation fails", "[memory][fast]") {
  for (const std::string name :
       {"one_by_one.png", "cxr_palette.png", "cxr_grey16.png", "pngsuite/basi0g01.png", "grey_17x9.jpg",
        "grey_progressive.jpg", "rgb_420.jpg", "cmyk.jpg", "exif_orientation_6.jpg"}) {
    const auto bytes = picture(name);
    exhaust(name, [&] { (void)mgca::io::decode_image(bytes, "x"); });
    const auto cut = std::span(bytes).first(bytes.size() - 5);
    exhaust(
        name + " cut off", [&] { (void)mgca::io::decode_image(cut, "x"); }, End::refused);
  }
  using mgca::test::DicomBuilder;
  const mgca::test::Bytes six(6, std::byte{9});
  const auto native = DicomBuilder()
                          .text(0x00100010, "PN", "A^NAME")
                          .picture({})
                          .text(0x00281050, "DS", "1\\2")
                          .text(0x00281051, "DS", "3\\4")
                          .pixels(six)
                          .bytes();
  const auto runs = DicomBuilder(mgca::test::kRunLengthSyntax)
                        .picture({})
                        .fragments({mgca::test::run_length_frame({{std::byte{0xFB}, std::byte{7}}})})
                        .bytes();
  for (const auto& bytes : {native, runs}) {
    exhaust("DICOM", [&] { (void)mgca::io::decode_dicom(bytes, "x"); });
    exhaust(
        "DICOM cut off", [&] { (void)mgca::io::decode_dicom(std::span(bytes).first(bytes.size() - 9), "x"); },
        End::refused);
  }
  for (const std::string name : {"JPGExtended.dcm", "cxr_deflated_12.dcm"}) {
    const auto bytes = mgca::read_file(std::filesystem::path(MGCA_TESTS_DIR) / "io" / "dicom_samples" / name);
    exhaust(
        name, [&] { (void)mgca::io::decode_dicom(bytes, "x"); },
        name == "JPGExtended.dcm" && !mgca::io::dicom_has_dcmtk() ? End::refused : End::read);
  }
}

TEST_CASE("memory: a file of weights is read, refused or std::bad_alloc, whichever allocation fails",
          "[memory][fast]") {
  const std::vector<std::byte> data(24);
  const auto tensors = mgca::io::serialize_safetensors(
      std::vector<mgca::io::TensorRecord>{{"layer.weight", mgca::io::Dtype::f32, {2, 3}, data}}, {{"a", "b"}});
  exhaust("safetensors", [&] { (void)mgca::io::Safetensors::parse(tensors, "x"); });
  exhaust(
      "safetensors cut off",
      [&] {
        (void)mgca::io::Safetensors::parse({tensors.begin(), tensors.end() - 1}, "x");
      },
      End::refused);
  const auto object =
      mgca::test::pickle("}( 'layer.weight' four 'held' argparse:Namespace ) #81 }( 'lr' 2 u b 'list' ]( 1 'text' e u");
  for (const auto& text : {mgca::test::archive(object), mgca::test::legacy(object)}) {
    const auto bytes = mgca::test::to_bytes(text);
    exhaust("torch file", [&] { (void)mgca::io::TorchArchive::parse(bytes, "x"); });
    exhaust(
        "torch file cut off",
        [&] {
          (void)mgca::io::TorchArchive::parse({bytes.begin(), bytes.end() - 1}, "x");
        },
        End::refused);
  }
  const auto forbidden = mgca::test::to_bytes(mgca::test::archive(mgca::test::pickle("os:system ( 'id' tR")));
  exhaust(
      "torch file that runs code", [&] { (void)mgca::io::TorchArchive::parse(forbidden, "x"); }, End::refused);
}
