// The library's one source file: lossless and 12-bit JPEG through DCMTK. Compile it into a program and link dcmjpeg, dcmdata,
// oflog and ofstd; linking mgca::dicom does both. A file of its own because of what DCMTK's headers cost every file that
// includes them. DCMTK gets a JPEG stream that was checked, and the size it must have: no DICOM file, no data dictionary, no
// registered codecs. What it would log is taken as damage, and its codec's logger is switched off.
#include <mgca/io/detail/dicom_codecs.hpp>

#include <dcmtk/config/osconfig.h>  // first

#include <dcmtk/dcmjpeg/djcparam.h>
#include <dcmtk/dcmjpeg/djdijg12.h>
#include <dcmtk/dcmjpeg/djdijg16.h>
#include <dcmtk/dcmjpeg/djdijg8.h>

#include <cstddef>
#include <cstdint>
#include <vector>

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
  if (result.good())
    result = decoder.decode(from, static_cast<Uint32>(picture.bytes.size()), into, bytes, picture.is_signed ? OFTrue : OFFalse);
  if (result.bad() || decoder.damaged()) throw ImageProblem("JPEG: the pixel data are damaged or cut off");
  if (decoder.bytesPerSample() == 1) {
    for (std::size_t i = values.size(); i-- > 0;) values[i] = into[i];  // from the end: they share their memory
  }
}

}  // namespace

[[gnu::weak]] std::vector<std::uint16_t> decode_with_dcmtk(const CodedPicture& picture) {
  static const bool silenced = [] {
    OFLog::getLogger("dcmtk.dcmjpeg").setLogLevel(OFLogger::OFF_LOG_LEVEL);
    return true;
  }();
  (void)silenced;
  if (picture.bytes.size() > UINT32_MAX / 2) throw ImageProblem("JPEG: more than 2 GB");
  std::vector<std::uint16_t> values(static_cast<std::size_t>(picture.height * picture.width));
  if (picture.precision > 12)
    decode_jpeg_into<DJDecompressIJG16Bit>(picture, values);
  else if (picture.precision > 8)
    decode_jpeg_into<DJDecompressIJG12Bit>(picture, values);
  else
    decode_jpeg_into<DJDecompressIJG8Bit>(picture, values);
  return values;
}

}  // namespace mgca::io::detail
