// The library's one source file: lossless and 12-bit JPEG and JPEG-LS through DCMTK. Compile it into a program, once, and link
// dcmjpeg, dcmjpls and dcmdata; linking mgca::dicom does both. A file of its own because DCMTK's headers cost every file that
// includes them a second. DCMTK gets a JPEG stream that was checked, and the size it must have: no DICOM file, no data
// dictionary, no registered codecs. Its loggers for the two codecs are switched off.
#include <mgca/io/detail/dicom_codecs.hpp>

#include <dcmtk/config/osconfig.h>  // first

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcvrcs.h>
#include <dcmtk/dcmdata/dcvris.h>
#include <dcmtk/dcmdata/dcvrus.h>
#include <dcmtk/dcmjpeg/djcparam.h>
#include <dcmtk/dcmjpeg/djdijg12.h>
#include <dcmtk/dcmjpeg/djdijg16.h>
#include <dcmtk/dcmjpeg/djdijg8.h>
#include <dcmtk/dcmjpls/djcodecd.h>
#include <dcmtk/dcmjpls/djcparam.h>
#include <dcmtk/dcmjpls/djlsutil.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

namespace mgca::io::detail {

namespace {

// A decoder that remembers what it would only have logged: corrupt data papered over.
template <class Decoder>
class Strict final : public Decoder {
 public:
  using Decoder::Decoder;
  void emitMessage(int level) const override { damaged_ = damaged_ || level < 0; }
  [[nodiscard]] bool damaged() const { return damaged_; }

 private:
  mutable bool damaged_ = false;
};

template <class Decoder>
void decode_jpeg_into(const CodedPicture& picture, std::vector<std::uint16_t>& values) {
  const DJCodecParameter parameters(ECC_lossyYCbCr, EDC_never, EUC_never, EPC_colorByPixel);
  Strict<Decoder> decoder(parameters, OFFalse);
  auto* into = reinterpret_cast<Uint8*>(values.data());
  const auto bytes = static_cast<Uint32>(values.size() * decoder.bytesPerSample());
  // DCMTK reads only; its parameter lacks a const.
  auto* from = const_cast<Uint8*>(reinterpret_cast<const Uint8*>(picture.bytes.data()));
  auto result = decoder.init();
  if (result.good()) result = decoder.decode(from, static_cast<Uint32>(picture.bytes.size()), into, bytes, picture.is_signed ? OFTrue : OFFalse);
  if (result.bad() || decoder.damaged()) throw ImageProblem("JPEG: the pixel data are damaged or cut off");
  if (decoder.bytesPerSample() == 1) {
    for (std::size_t i = values.size(); i-- > 0;) values[i] = into[i];  // from the end: they share their memory
  }
}

void check(const OFCondition& result) {
  if (result.bad()) throw ImageProblem("JPEG-LS: the pixel data are damaged or cut off");
}

void decode_jpeg_ls_into(const CodedPicture& picture, std::vector<std::uint16_t>& values) {
  const bool wide = picture.precision > 8;
  DcmItem item;
  const auto number = [&](const DcmTagKey& key, std::int64_t value) {  // with its representation, so that no dictionary is asked
    auto element = std::make_unique<DcmUnsignedShort>(DcmTag(key, EVR_US));
    check(element->putUint16(static_cast<Uint16>(value), 0));
    check(item.insert(element.release()));
  };
  number(DCM_SamplesPerPixel, 1);
  number(DCM_Rows, picture.height);
  number(DCM_Columns, picture.width);
  number(DCM_BitsAllocated, wide ? 16 : 8);
  number(DCM_BitsStored, picture.precision);
  auto grey = std::make_unique<DcmCodeString>(DcmTag(DCM_PhotometricInterpretation, EVR_CS));
  check(grey->putString("MONOCHROME2"));
  check(item.insert(grey.release()));

  DcmPixelSequence sequence(DcmTag(DCM_PixelData, EVR_OB));
  check(sequence.insert(new DcmPixelItem(DcmTag(DCM_PixelItemTag, EVR_OB))));  // an empty offset table
  auto fragment = std::make_unique<DcmPixelItem>(DcmTag(DCM_PixelItemTag, EVR_OB));
  Uint8* copy = nullptr;
  constexpr std::size_t kSlack = 64;  // zeros behind the end of image, for a decoder that looks ahead
  const auto size = (picture.bytes.size() + kSlack + 1) / 2 * 2;
  check(fragment->createUint8Array(static_cast<Uint32>(size), copy));
  std::memset(copy, 0, size);
  std::memcpy(copy, picture.bytes.data(), picture.bytes.size());
  check(sequence.insert(fragment.release()));

  const DJLSCodecParameter parameters;
  const DJLSNearLosslessDecoder decoder;  // reads both kinds
  Uint32 start = 1;
  OFString colour;
  auto* into = reinterpret_cast<Uint8*>(values.data());
  check(decoder.decodeFrame(nullptr, &sequence, &parameters, &item, 0, start, into, static_cast<Uint32>(values.size() * (wide ? 2 : 1)), colour));
  if (!wide) {
    for (std::size_t i = values.size(); i-- > 0;) values[i] = into[i];
  }
}

}  // namespace

[[gnu::weak]] std::vector<std::uint16_t> decode_with_dcmtk(const CodedPicture& picture) {
  static const bool silenced = [] {
    OFLog::getLogger("dcmtk.dcmjpeg").setLogLevel(OFLogger::OFF_LOG_LEVEL);
    OFLog::getLogger("dcmtk.dcmjpls").setLogLevel(OFLogger::OFF_LOG_LEVEL);
    return true;
  }();
  (void)silenced;
  if (picture.bytes.size() > UINT32_MAX / 2) throw ImageProblem("JPEG: more than 2 GB");
  std::vector<std::uint16_t> values(static_cast<std::size_t>(picture.height * picture.width));
  if (picture.jpeg_ls) decode_jpeg_ls_into(picture, values);
  else if (picture.precision > 12) decode_jpeg_into<DJDecompressIJG16Bit>(picture, values);
  else if (picture.precision > 8) decode_jpeg_into<DJDecompressIJG12Bit>(picture, values);
  else decode_jpeg_into<DJDecompressIJG8Bit>(picture, values);
  return values;
}

}  // namespace mgca::io::detail
