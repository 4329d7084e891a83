#include "cpu_time.hpp"
#include "dicom_builder.hpp"
#include "expect_error.hpp"
#include "image_builder.hpp"
#include "paths.hpp"

#include <mgca/core/random.hpp>
#include <mgca/io/dicom.hpp>

#include <sys/resource.h>
#include <algorithm>
#include <set>

using mgca::test::Bytes;
using mgca::test::bytes_of;
using mgca::test::cpu_seconds;
using mgca::test::dicom_sample;
using mgca::test::DicomBuilder;

namespace {

// The reason for a refusal, "" where the file was read.
std::string dicom_refusal(std::span<const std::byte> bytes, const mgca::io::DicomOptions& options = {}) {
  try {
    (void)mgca::io::decode_dicom(bytes, "probe.dcm", options);
    return "";
  } catch (const mgca::Error& error) {
    CHECK(error.kind() == mgca::ErrorKind::data);
    CHECK(std::string(error.what()).starts_with("probe.dcm: "));
    return error.what();
  }
}

const Bytes kSix(6, std::byte{1});

Bytes with(const DicomBuilder::Picture& picture, std::size_t pixel_bytes = 6) {
  return DicomBuilder().picture(picture).pixels(Bytes(pixel_bytes)).bytes();
}

Bytes run_lengths(const Bytes& frame, const DicomBuilder::Picture& picture = {}) {
  return DicomBuilder(mgca::test::kRunLengthSyntax).picture(picture).fragments({frame}).bytes();
}

// A raw deflate stream of the bytes, then of zeros.
Bytes deflated(const Bytes& head, std::size_t zeros) {
  Bytes all = head;
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  Bytes out(4096 + head.size() + zeros / 900);
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  stream.next_in = reinterpret_cast<Bytef*>(all.data());
  stream.avail_in = static_cast<uInt>(all.size());
  deflate(&stream, Z_NO_FLUSH);
  std::vector<Bytef> some(1 << 16);
  for (std::size_t left = zeros; left > 0;) {
    stream.next_in = some.data();
    stream.avail_in = static_cast<uInt>(std::min(left, some.size()));
    left -= stream.avail_in;
    deflate(&stream, Z_NO_FLUSH);
  }
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// The body of a file of this class, without what stands before it.
Bytes body_of(const DicomBuilder& builder) {
  const auto start = DicomBuilder().bytes().size();
  return {builder.bytes().begin() + static_cast<std::ptrdiff_t>(start), builder.bytes().end()};
}

Bytes repeated(const Bytes& one, int count) {
  Bytes all;
  for (int i = 0; i < count; ++i) mgca::test::append(all, one);
  return all;
}

Bytes deflated_file(const Bytes& body, std::size_t zeros) {
  return DicomBuilder(mgca::test::kDeflatedSyntax).raw(deflated(body, zeros)).bytes();
}

Bytes nested(int count, bool with_length) {
  DicomBuilder file;
  if (with_length) {
    Bytes inner;
    for (int i = 0; i < count; ++i) {
      DicomBuilder outer = DicomBuilder::bare();
      const auto start = outer.bytes().size();
      outer.head(0x00400275, "SQ", inner.size() + 8).head(0xFFFEE000, "", inner.size()).raw(inner);
      inner.assign(outer.bytes().begin() + static_cast<std::ptrdiff_t>(start), outer.bytes().end());
    }
    return file.raw(inner).picture({}).pixels(kSix).bytes();
  }
  file.raw(repeated(body_of(DicomBuilder().head(0x00400275, "SQ", 0xFFFFFFFFU).head(0xFFFEE000, "", 0xFFFFFFFFU)), count));
  file.raw(repeated(body_of(DicomBuilder().head(0xFFFEE00D, "", 0).head(0xFFFEE0DD, "", 0)), count));
  return file.picture({}).pixels(kSix).bytes();
}

// Where a sample's JPEG data begin.
std::size_t jpeg_start(const Bytes& bytes) {
  for (std::size_t at = 200; at + 3 < bytes.size(); ++at) {
    if (bytes[at] == std::byte{0xFF} && bytes[at + 1] == std::byte{0xD8} && bytes[at + 2] == std::byte{0xFF}) return at;
  }
  return bytes.size();
}

// A sample's JPEG stream in a file that says, as its frame does, 16384 x 8192 pixels.
Bytes enlarged(const std::string& name, std::string_view syntax, unsigned marker, const DicomBuilder::Picture& like) {
  const auto bytes = mgca::read_file(dicom_sample(name));
  Bytes stream(bytes.begin() + static_cast<std::ptrdiff_t>(jpeg_start(bytes)), bytes.end() - 8);
  const auto frame = mgca::test::jpeg_segment(stream, marker);
  for (const auto& [offset, value] : {std::pair(5U, 0x40), std::pair(6U, 0), std::pair(7U, 0x20), std::pair(8U, 0)})
    stream[frame + offset] = static_cast<std::byte>(value);
  auto picture = like;
  picture.rows = 0x4000, picture.columns = 0x2000;
  return DicomBuilder(syntax).picture(picture).fragments({stream}).bytes();
}

struct Hostile {
  std::string name;
  Bytes bytes;
  std::string said;
};

std::vector<Hostile> hostile_files() {
  using P = DicomBuilder::Picture;
  const auto plain = mgca::test::run_length_frame({{std::byte{0xFB}, std::byte{7}}});
  const auto table = [&](std::size_t word, unsigned value) {
    auto frame = plain;
    for (std::size_t i = 0; i < 4; ++i) frame[4 * word + i] = static_cast<std::byte>(value >> (8 * i));
    return run_lengths(frame);
  };
  const auto packed = [&](std::initializer_list<int> codes) {
    Bytes segment;
    for (const int code : codes) segment.push_back(static_cast<std::byte>(code));
    return run_lengths(mgca::test::run_length_frame({segment}));
  };
  const P sixteen{.allocated = 16, .stored = 12, .high = 11};
  return {
      {"Rows x Columns over the limit", with({.rows = 65535, .columns = 65535}), "65535 x 65535 pixels are over the limit"},
      {"rows x columns of 2^27 and six bytes", with({.rows = 16384, .columns = 8192}), "expected 134217728 bytes"},
      {"no rows", with({.rows = 0}), "0 pixels"},
      {"2^31 - 1 frames", with({.frames = "2147483647"}), "2147483647 pictures"},
      {"2^40 frames", with({.frames = "1099511627776"}), "at most 31 bits"},
      {"no frame", with({.frames = "0"}), "NumberOfFrames"},
      {"4 GB of pixels claimed", DicomBuilder().picture({}).head(0x7FE00010, "OW", 0xFFFFFFFE).raw(kSix).bytes(),
       "its length is 4294967294 bytes, but 6 are left"},
      {"4 GB of text claimed", DicomBuilder().head(0x00104000, "UT", 0xFFFFFFFE).raw(kSix).bytes(),
       "(0010,4000): its length is 4294967294 bytes, but 6 are left"},
      {"4 GB of private bytes without a representation",
       DicomBuilder(mgca::test::kImplicitSyntax).head(0x00091001, "", 0xFFFFFFF0).raw(kSix).bytes(), "(0009,1001)"},
      {"one pixel byte too few", with({.rows = 3}, 8), "expected 9 bytes"},
      {"two pixel bytes too many", with({}, 8), "expected 6 bytes (Rows x Columns x BitsAllocated / 8 x NumberOfFrames), found 8"},
      {"32 bits", with({.allocated = 32, .stored = 32, .high = 31}, 24), "(0028,0100) BitsAllocated: expected 8 or 16, found 32"},
      {"BitsAllocated 0", with({.allocated = 0}), "BitsAllocated"},
      {"BitsStored over BitsAllocated", with({.stored = 9, .high = 8}), "(0028,0101) BitsStored: expected 1 to 8 (BitsAllocated), found 9"},
      {"BitsStored 0", with({.stored = 0, .high = 65535}), "BitsStored"},
      {"HighBit over BitsAllocated", with({.high = 15}), "(0028,0102) HighBit: expected 7 (BitsStored - 1), found 15"},
      {"PixelRepresentation 2", with({.representation = 2}), "(0028,0103) PixelRepresentation: expected 0 or 1, found 2"},
      {"three samples", with({.samples = 3}, 18), "(0028,0002) SamplesPerPixel: expected 1, found 3"},
      {"a palette", with({.photometric = "PALETTE COLOR"}), "found PALETTE COLOR"},
      {"no attributes", DicomBuilder().pixels(kSix).bytes(), "(0028,0010) Rows: missing"},
      {"attributes behind the pixels", DicomBuilder().pixels(kSix).picture({}).bytes(), "(0028,0010) Rows: missing before the pixel data"},
      {"Rows twice", DicomBuilder().us(0x00280010, 2).picture({}).pixels(kSix).bytes(), "comes twice or out of order"},
      {"Rows of four bytes", DicomBuilder().element(0x00280010, "US", Bytes(4)).bytes(),
       "(0028,0010) Rows: expected one number of 2 bytes, found 4"},
      {"Rows as text", DicomBuilder().text(0x00280010, "IS", "2").bytes(), "(0028,0010) Rows: expected the representation US, found IS"},
      {"pixels twice", DicomBuilder().picture({}).pixels(kSix).pixels(kSix).bytes(), "PixelData: it comes twice"},
      {"pixels as text", DicomBuilder().picture({}).pixels(kSix, "UT").bytes(), "expected the representation OB or OW, found UT"},
      {"floating-point pixels", DicomBuilder().picture({}).element(0x7FE00008, "OF", Bytes(24)).bytes(), "(7FE0,0008) FloatPixelData"},
      {"no pixels", DicomBuilder().picture({}).bytes(), "holds no picture"},
      {"no transfer syntax", DicomBuilder::bare().picture({}).bytes(), "(0002,0010) TransferSyntaxUID: missing"},
      {"two transfer syntaxes", DicomBuilder().text(0x00020010, "UI", "1.2.840.10008.1.2").bytes(), "comes twice"},
      {"a private transfer syntax", DicomBuilder("1.3.46.670589.33.1.4.1").bytes(), "a private transfer syntax is not supported"},
      {"an unknown transfer syntax", DicomBuilder("1.2.840.10008.1.2.4.999").bytes(), "1.2.840.10008.1.2.4.999 is not supported"},
      {"a representation nobody knows", DicomBuilder().head(0x00100010, "ZZ", 2).bytes(),
       "(0010,0010): its value representation is none of the standard's"},
      {"an item on its own", DicomBuilder().head(0xFFFEE000, "", 0).bytes(), "(FFFE,E000) Item: it belongs to no sequence"},
      {"a text without length", DicomBuilder().head(0x00104000, "UT", 0xFFFFFFFF).bytes(), "no length is given"},
      {"a sequence of something else", DicomBuilder().head(0x00400275, "SQ", 10).us(0x00280010, 1).bytes(), "expected (FFFE,E000) Item"},
      {"an item longer than its sequence", DicomBuilder().head(0x00400275, "SQ", 8).head(0xFFFEE000, "", 100).raw(Bytes(200)).bytes(),
       "(FFFE,E000) Item: its length is 100 bytes, but 0 are left"},
      {"a sequence without an end", DicomBuilder().head(0x00400275, "SQ", 0xFFFFFFFF).bytes(), "ends inside an element"},
      {"17 nested sequences", nested(17, false), "nested more than 16 deep"},
      {"17 nested sequences with lengths", nested(17, true), "nested more than 16 deep"},
      {"100,000 nested sequences", nested(100'000, false), "nested more than 16 deep"},
      {"100,000 elements", DicomBuilder().raw(repeated(body_of(DicomBuilder().us(0x00090001, 1)), 100'000)).bytes(),
       "more than 65536 elements"},
      {"100,000 fragments",
       DicomBuilder(mgca::test::kRunLengthSyntax)
           .picture({})
           .head(0x7FE00010, "OB", 0xFFFFFFFF)
           .raw(repeated(body_of(DicomBuilder().head(0xFFFEE000, "", 0)), 100'000))
           .bytes(),
       "more than 65536 elements"},
      {"fragments in a native file", DicomBuilder().picture({}).fragments({kSix}).bytes(), "Explicit VR Little Endian: expected a length"},
      {"native pixels in an encapsulated file", DicomBuilder(mgca::test::kRunLengthSyntax).picture({}).pixels(kSix).bytes(),
       "RLE Lossless: expected fragments"},
      {"no fragment", DicomBuilder(mgca::test::kRunLengthSyntax).picture({}).fragments({}).bytes(), "holds no fragment"},
      {"a fragment without length",
       DicomBuilder(mgca::test::kRunLengthSyntax).picture({}).head(0x7FE00010, "OB", 0xFFFFFFFF).head(0xFFFEE000, "", 0xFFFFFFFF).bytes(),
       "a fragment of the pixel data"},
      {"a fragment longer than the file",
       DicomBuilder(mgca::test::kRunLengthSyntax).picture({}).head(0x7FE00010, "OB", 0xFFFFFFFF).head(0xFFFEE000, "", 0xFFFFFFF0).bytes(),
       "its length is 4294967280 bytes, but 0 are left"},
      {"an offset table behind the fragments", DicomBuilder(mgca::test::kRunLengthSyntax).picture({}).fragments({plain}, {4}).bytes(),
       "does not begin with 0"},
      {"an offset table that is too long", DicomBuilder(mgca::test::kRunLengthSyntax).picture({}).fragments({plain}, {0, 4}).bytes(),
       "offset table has 8 bytes"},
      {"run lengths of 10 bytes", run_lengths(Bytes(10)), "a run-length frame of 10 bytes"},
      {"run lengths of two segments for 8 bits", table(0, 2), "a run-length frame of 2 segments, expected 1"},
      {"run lengths of 2^32 - 1 segments", table(0, 0xFFFFFFFF), "a run-length frame of 4294967295 segments"},
      {"a run-length segment in the table itself", table(1, 0), "table of run-length segments is damaged"},
      {"a run-length segment behind the frame", table(1, 0xFFFFFFF0), "table of run-length segments is damaged"},
      {"run-length segments out of order",
       run_lengths(
           [&] {
             auto f = mgca::test::run_length_frame({{std::byte{0xFB}, std::byte{7}}, {std::byte{0xFB}, std::byte{7}}});
             f[8] = std::byte{63};
             return f;
           }(),
           sixteen),
       "table of run-length segments is damaged"},
      {"a run behind the last pixel", packed({0x81, 7}), "a run goes on behind the last pixel"},
      {"a literal run behind the last pixel", packed({6, 1, 2, 3, 4, 5, 6, 7}), "a run goes on behind the last pixel"},
      {"runs that end early", packed({0xFC, 7}), "ends before the last pixel"},
      {"runs that end inside a literal", packed({5, 1, 2}), "ends inside a run"},
      {"runs that end before their byte", packed({0xFB}), "ends inside a run"},
      {"runs that go on", packed({0xFB, 7, 0xFB, 7}), "goes on behind the last pixel"},
      {"runs for 2^27 pixels in 66 bytes", run_lengths(plain, {.rows = 16384, .columns = 8192}),
       "too little run-length data for 134217728 pixels"},
      {"JPEG of 2^27 pixels in 5 KB", enlarged("cxr_jpeg_baseline_8.dcm", mgca::test::kJpegSyntax, 0xC0, {}),
       "too little pixel data for 134217728 pixels"},
      {"lossless JPEG of 2^27 pixels in 16 KB", enlarged("cxr_jpeg_lossless_12.dcm", mgca::test::kJpegLosslessSyntax, 0xC3, sixteen),
       "too little pixel data for 134217728 pixels"},
      {"JPEG-LS of 16,384 rows in 200 bytes", enlarged("JPEGLSNearLossless_08.dcm", mgca::test::kJpegLsSyntax, 0xF7, {}),
       "too little pixel data for 134217728 pixels"},
      {"deflate of 20 MB of zeros", deflated_file({}, 20 << 20), "(0000,0000): its value representation"},
      {"deflate of 20 MB in one value", deflated_file(body_of(DicomBuilder().head(0x00091001, "OB", 20 << 20)), 20 << 20),
       "more than 4194304 bytes"},
      {"deflate of 20 MB behind the pixels",
       deflated_file(body_of(DicomBuilder().picture({}).pixels(kSix).head(0x7FE10010, "OB", 20 << 20)), 20 << 20),
       "more than 4194310 bytes"},
      {"deflate cut off",
       [] {
         auto b = mgca::read_file(dicom_sample("cxr_deflated_12.dcm"));
         b.resize(b.size() - 200);
         return b;
       }(),
       "deflated data set is cut off"},
      {"deflate damaged",
       [] {
         auto b = mgca::read_file(dicom_sample("cxr_deflated_12.dcm"));
         for (std::size_t i = 2000; i < 2100; ++i) b[i] = std::byte{0xFF};
         return b;
       }(),
       ""},
      {"a window of words", DicomBuilder().text(0x00281050, "DS", "wide").bytes(), "(0028,1050) WindowCenter: expected decimal numbers"},
      {"a window that is not finite", DicomBuilder().text(0x00281050, "DS", "nan").bytes(), "WindowCenter"},
      {"two centres and one width",
       DicomBuilder().picture({}).text(0x00281050, "DS", "1\\2").text(0x00281051, "DS", "1").pixels(kSix).bytes(),
       "(0028,1051) WindowWidth: expected one for each of 2"},
  };
}

}  // namespace

TEST_CASE("dicom: hostile files and bombs are refused for what they are, in milliseconds and without memory", "[io][fast]") {
  const auto files = hostile_files();
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  for (const auto& file : files) {
    INFO(file.name);
    std::string message;
    double spent = 1;
    for (int attempt = 0; attempt < 3 && spent >= 0.25; ++attempt) {  // again where other programs got in between
      const double start = cpu_seconds();
      message = dicom_refusal(file.bytes);
      spent = std::min(spent, cpu_seconds() - start);
    }
    INFO(message << " after " << 1000 * spent << " ms");
    CHECK_FALSE(message.empty());
    CHECK(message.find(file.said) != std::string::npos);
    CHECK(spent < 0.25);  // 50 ms are promised of optimised code
  }
  ::getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < 16 * 1024);  // KiB
}

TEST_CASE("dicom: what stands at a limit is read", "[io][fast]") {
  CHECK(dicom_refusal(with({})).empty());
  CHECK(dicom_refusal(nested(16, false)).empty());
  CHECK(dicom_refusal(nested(16, true)).empty());
  CHECK(dicom_refusal(with({}), {.frame = {}, .limits = {.pixels = 6, .side = 3, .elements = 10}}).empty());
  CHECK(dicom_refusal(with({}), {.frame = {}, .limits = {.pixels = 5}}).find("3 x 2 pixels are over the limit of 5") != std::string::npos);
  CHECK(dicom_refusal(with({}), {.frame = {}, .limits = {.side = 2}}).find("2 per side") != std::string::npos);
  CHECK(dicom_refusal(with({}), {.frame = {}, .limits = {.elements = 9}}).find("more than 9 elements") != std::string::npos);
  CHECK(dicom_refusal(nested(3, false), {.frame = {}, .limits = {.nesting = 2}}).find("more than 2 deep") != std::string::npos);
  mgca::test::expect_error([] { (void)mgca::io::decode_dicom(with({}), "x", {.frame = {}, .limits = {.pixels = 0}}); },
                           {"positive limits"});
  // Sequences of unknown meaning, and pictures within them, are passed over.
  const auto icon = body_of(DicomBuilder().picture({}).fragments({kSix}));
  CHECK(dicom_refusal(DicomBuilder()
                    .head(0x00090001, "UN", 0xFFFFFFFF)
                    .head(0xFFFEE000, "", 8)
                    .number(0x0009, 2)
                    .number(1, 2)
                    .number(0, 4)
                    .head(0xFFFEE0DD, "", 0)
                    .picture({})
                    .pixels(kSix)
                    .bytes())
            .empty());
  CHECK(dicom_refusal(DicomBuilder()
                    .head(0x00090002, "SQ", 0xFFFFFFFF)
                    .head(0xFFFEE000, "", icon.size())
                    .raw(icon)
                    .head(0xFFFEE0DD, "", 0)
                    .picture({})
                    .pixels(kSix)
                    .bytes())
            .empty());
}

TEST_CASE("dicom: a file cut anywhere is refused, whatever its coding", "[io][fast]") {
  for (const std::string name : {"MR_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "cxr_rle_12.dcm",
                                 "cxr_jpeg_baseline_8.dcm", "cxr_deflated_12.dcm", "cxr_jpegls_12.dcm", "cxr_jpeg_lossless_12.dcm"}) {
    const auto bytes = mgca::read_file(dicom_sample(name));
    // A cut that falls between two elements behind the pixels leaves a whole file.
    const auto end = name.starts_with("MR_small") ? bytes.size() - 140 : bytes.size() - 2;
    for (std::size_t i = 0; i < 60; ++i) {
      INFO(name << " cut to " << i * end / 60);
      REQUIRE_FALSE(dicom_refusal(std::span(bytes).first(i * end / 60)).empty());
    }
  }
}

TEST_CASE("dicom: a JPEG stream that does not fit its file is refused before a decoder sees it", "[io][fast]") {
  const auto changed = [](const std::string& name, std::initializer_list<std::pair<std::size_t, unsigned>> changes) {
    auto bytes = mgca::read_file(dicom_sample(name));
    const auto start = jpeg_start(bytes);
    REQUIRE(start < bytes.size());
    for (const auto& [offset, value] : changes) bytes[start + offset] = static_cast<std::byte>(value);
    return dicom_refusal(bytes);
  };
  const auto says = [](const std::string& message, std::string_view piece) {
    INFO(message);
    CHECK(message.find(piece) != std::string::npos);
  };
  // JPEG-LS: the frame header follows the start at once.
  says(changed("cxr_jpegls_12.dcm", {{5, 0xFF}}), "one with more than one component");
  says(changed("cxr_jpegls_12.dcm", {{7, 0xFF}}), "expected one component of 128 x 128 pixels, found 1 of 128 x 65408");
  says(changed("cxr_jpegls_12.dcm", {{11, 3}}), "found 3 of 128 x 128");
  says(changed("cxr_jpegls_12.dcm", {{6, 17}}), "17 bits a sample");
  says(changed("cxr_jpegls_12.dcm", {{6, 8}}), "the JPEG stream has 8 bits a sample, the file says 12 of 16");
  says(changed("cxr_jpegls_12.dcm", {{3, 0xC3}}), "does not belong to this transfer syntax");
  says(changed("cxr_jpeg_lossless_12.dcm", {{0, 0}}), "do not begin like a JPEG stream");
  says(changed("cxr_jpeg_baseline_8.dcm", {{2, 0}}), "do not begin like a JPEG stream");
}

TEST_CASE("dicom: damage within compressed pixels never crashes", "[io][fast]") {
  mgca::RandomStream random({.seed = 31}, mgca::Use::test);
  int refused = 0;
  for (const std::string name : {"cxr_rle_12.dcm", "JPEGLSNearLossless_08.dcm", "MR_small_jpeg_ls_lossless.dcm", "cxr_jpeg_lossless_12.dcm",
                                 "cxr_jpeg_baseline_8.dcm", "JPGExtended.dcm"}) {
    const auto bytes = mgca::read_file(dicom_sample(name));
    for (int i = 0; i < 25; ++i) {
      auto damaged = bytes;
      for (int k = 0; k < 3; ++k) damaged[bytes.size() / 3 + random.below(bytes.size() * 2 / 3)] ^= std::byte{1} << random.below(8);
      refused += dicom_refusal(damaged).empty() ? 0 : 1;
    }
  }
  CHECK(refused > 30);
}

TEST_CASE("dicom: no text of a file stands in an error, however it is damaged", "[io][fast]") {
  const std::vector<std::string> canaries{"QUAGGA^MARISOL", "ID7719-DODO", "19430217",        "THYLACINE CLINIC", "GREATAUK",
                                          "MOA-SITE",       "PRIVATEHUIA", "1.2.77.19430217", "LAYSANRAIL",       "PIG-FOOTED"};
  // Half a name may be read as something else where a file is damaged, so pieces count too.
  std::set<std::string> pieces;
  for (const auto& canary : canaries) {
    for (std::size_t i = 0; i + 5 <= canary.size(); ++i) pieces.insert(canary.substr(i, 5));
  }
  const auto make = [&](std::string_view syntax, const DicomBuilder::Picture& picture, std::string_view function) {
    DicomBuilder file(syntax);
    file.text(0x00080080, "LO", canaries[3])
        .text(0x00081030, "LO", canaries[4])
        .text(0x00100010, "PN", canaries[0])
        .text(0x00100020, "LO", canaries[1]);
    file.text(0x00100030, "DA", canaries[2])
        .text(0x00104000, "LT", canaries[5])
        .text(0x00191001, "UN", canaries[6])
        .text(0x0020000D, "UI", canaries[7]);
    file.picture(picture).text(0x00281056, "CS", function);
    return file.pixels(kSix).text(0x7FE10010, "LO", canaries[9]).bytes();
  };
  const std::string canary = canaries[8];
  std::vector<Bytes> files{make(mgca::test::kExplicitSyntax, {}, "LINEAR"),
                           make(mgca::test::kImplicitSyntax, {}, "LINEAR"),
                           make(mgca::test::kBigEndianSyntax, {}, "LINEAR"),
                           make(mgca::test::kExplicitSyntax, {.photometric = canary}, "LINEAR"),
                           make(mgca::test::kExplicitSyntax, {.frames = canary}, "LINEAR"),
                           make(mgca::test::kExplicitSyntax, {}, canary),
                           make(canaries[7], {}, "LINEAR"),
                           make(canary, {}, "LINEAR"),
                           make("1.2.840.10008." + canary, {}, "LINEAR")};
  for (const auto tag : {0x00281050U, 0x00281051U, 0x00281052U, 0x00281053U})
    files.push_back(DicomBuilder().picture({}).text(tag, "DS", canary).pixels(kSix).bytes());
  mgca::RandomStream random({.seed = 32}, mgca::Use::test);
  int messages = 0;
  const auto look = [&](std::span<const std::byte> bytes) {
    const auto message = dicom_refusal(bytes);
    messages += message.empty() ? 0 : 1;
    for (const auto& piece : pieces) {
      if (message.find(piece) != std::string::npos) FAIL_CHECK(message);
    }
  };
  for (const auto& file : files) {
    look(file);
    for (std::size_t i = 0; i < 60; ++i) look(std::span(file).first(i * file.size() / 60));
    for (int i = 0; i < 150; ++i) {
      auto damaged = file;
      for (int k = 0; k < 2; ++k) damaged[132 + random.below(damaged.size() - 132)] = static_cast<std::byte>(random.below(256));
      look(damaged);
    }
  }
  CHECK(messages > 1000);
}
