#include "catch.hpp"
#include "expect_error.hpp"
#include "torch_builder.hpp"

#include <mgca/io/torch_archive.hpp>

#include <cstring>

using mgca::io::Dtype;
using mgca::io::TorchArchive;
using mgca::test::archive;
using mgca::test::counting;
using mgca::test::expect_error;
using mgca::test::le;
using mgca::test::pickle;
using mgca::test::to_bytes;
using mgca::test::zip;

namespace {

using Floats = std::vector<float>;

TorchArchive parse(const std::string& bytes) { return TorchArchive::parse(to_bytes(bytes), "probe.pth"); }
TorchArchive read(const std::string& notation, const std::string& storage = counting(4)) { return parse(archive(pickle(notation), {storage})); }
Floats floats(const TorchArchive& file, std::size_t i = 0) {
  std::vector<std::byte> scratch;
  const auto bytes = file.bytes(i, scratch);
  Floats values(bytes.size() / 4);
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}
std::string names(const TorchArchive& file) {
  std::string all;
  for (const auto& tensor : file.tensors()) all += tensor.name + " ";
  return all;
}
// "path = value" lines.
std::string lines(const std::map<std::string, std::string>& metadata) {
  std::string all;
  for (const auto& [path, value] : metadata) all += path + " = " + value + "\n";
  return all;
}

}  // namespace

TEST_CASE("torch_archive: views of one storage come out row-major, whatever their strides and offset", "[io][fast]") {
  const auto file = read("]( @12@0@3,4@4,1 @12@0@4,3@1,4 @12@1@3@4 @12@8@2,2@2,1 @12@5@2,3@0,0 @12@0@3,2@1,1 @12@11@@ @12@12@2,0@7,7 @12@2@1,3,1@99,1,77 e",
                         counting(12));
  CHECK(floats(file, 0) == Floats{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(floats(file, 1) == Floats{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11});
  CHECK(floats(file, 2) == Floats{1, 5, 9});
  CHECK(floats(file, 3) == Floats{8, 9, 10, 11});
  CHECK(floats(file, 4) == Floats{5, 5, 5, 5, 5, 5});
  CHECK(floats(file, 5) == Floats{0, 1, 1, 2, 2, 3});
  CHECK(floats(file, 6) == Floats{11});
  CHECK(floats(file, 7).empty());
  CHECK(floats(file, 8) == Floats{2, 3, 4});
  CHECK(file.tensors()[1].shape == std::vector<std::int64_t>{4, 3});
  std::vector<std::byte> scratch;
  CHECK(file.bytes(0, scratch).data() + 32 == file.bytes(3, scratch).data());  // both of the file, not of a copy
  CHECK(scratch.empty());
}

TEST_CASE("torch_archive: every storage type of torch is known by its element type", "[io][fast]") {
  const std::map<std::string, Dtype> types{{"Double", Dtype::f64}, {"Float", Dtype::f32}, {"Half", Dtype::f16}, {"BFloat16", Dtype::bf16},
                                           {"Long", Dtype::i64}, {"Int", Dtype::i32}, {"Short", Dtype::i16}, {"Char", Dtype::i8}, {"Byte", Dtype::u8},
                                           {"Bool", Dtype::boolean}, {"ComplexFloat", Dtype::c64}, {"ComplexDouble", Dtype::c128}};
  for (const auto& [name, dtype] : types) {
    INFO(name);
    CHECK(read("@3:" + name + "Storage@0@3@1", std::string(3 * size_of(dtype), '\0')).tensors()[0].dtype == dtype);
  }
  const std::map<std::string, Dtype> newer{{"float8_e4m3fn", Dtype::f8_e4m3}, {"float8_e5m2", Dtype::f8_e5m2}, {"float8_e8m0fnu", Dtype::f8_e8m0},
                                           {"float8_e4m3fnuz", Dtype::f8_e4m3fnuz}, {"float8_e5m2fnuz", Dtype::f8_e5m2fnuz},
                                           {"uint16", Dtype::u16}, {"uint32", Dtype::u32}, {"uint64", Dtype::u64}};
  for (const auto& [name, dtype] : newer) {
    INFO(name);
    const auto bytes = std::to_string(3 * size_of(dtype));
    const auto file = read("torch._utils:_rebuild_tensor_v3 (( 'storage' torch.storage:UntypedStorage '0' 'cuda:0' " + bytes + " tQ 0 ( 3 t ( 1 t #89 odict torch:" + name + " tR",
                           std::string(3 * size_of(dtype), '\0'));
    CHECK(file.tensors()[0].dtype == dtype);
  }
}

TEST_CASE("torch_archive: names are paths through dicts, lists and tuples; plain values are metadata", "[io][fast]") {
  const auto file = read("}( 'state_dict' odict ( 'a.weight' four u 'list' ]( four -7 #88 N e 'pair' four 'x' #86 'by number' }( 3 four #88 1 u"
                         " 'real' #473ff8000000000000 'large' #8a0a00000000000000000001 'negative' #8a090000000000000000ff 'huge' #8a110101010101010101010101010101010101"
                         " 'zero' #8a00 'small' #4afeffffff 'type' torch:float16 'size' torch:Size (( 4 5 ttR"
                         " 'defaults' collections:defaultdict ( builtins:int tR( 'k' 2 u 'pairs' collections:OrderedDict (](]( 'w' four eetR u");
  CHECK(names(file) == "state_dict.a.weight list.0 pair.0 by number.3 pairs.w ");
  CHECK(lines(file.metadata()) ==
        "by number.true = 1\ndefaults.k = 2\nhuge = an integer of 17 bytes\nlarge = 4722366482869645213696\nlist.1 = -7\nlist.2 = true\nlist.3 = null\n"
        "negative = -18446744073709551616\npair.1 = x\nreal = 1.5\nsize.0 = 4\nsize.1 = 5\nsmall = -2\ntype = torch.float16\nzero = 0\n");
}

TEST_CASE("torch_archive: parameters, attached metadata, the memo and older helpers are read", "[io][fast]") {
  const Floats four{0, 1, 2, 3};
  CHECK(floats(read("torch._utils:_rebuild_parameter ( four #88 odict tR")) == four);
  CHECK(floats(read("torch._utils:_rebuild_parameter_with_state ( four #88 odict } tR")) == four);
  CHECK(floats(read("torch.nn.parameter:Parameter ( four #88 tR")) == four);
  CHECK(floats(read("torch._utils:_rebuild_tensor ( $4 0 ( 4 t ( 1 t tR")) == four);
  CHECK(floats(read("torch._tensor:_rebuild_from_type_v2 ( torch._utils:_rebuild_tensor_v2 torch.nn.parameter:Parameter ( $4 0 ( 4 t ( 1 t #89 odict t } tR")) == four);
  CHECK(floats(read("odict ( 'w' four u }( '_metadata' }( '' }( 'version' 1 uuu b")) == four);
  CHECK(floats(read("} 'w' four s")) == four);
  CHECK(floats(read("four #7105 #30 #6805")) == four);
  CHECK(floats(read("four #7270110100 #30 #6a70110100")) == four);
  CHECK(floats(read("four #32 #30")) == four);
  CHECK(floats(read("(l #7101 ( four e #30 #6801")) == four);
}

TEST_CASE("torch_archive: protocols 4 and 5 are read, frames and stacked names included", "[io][fast]") {
  const std::string body = mgca::test::assemble("} #94 ( #8c0177 #94 #8c0c746f7263682e5f7574696c73 #8c125f72656275696c645f74656e736f725f7632"
                                                " #93 ( $4 #4b00 ( 4 t ( 1 t #89 #8c0b636f6c6c656374696f6e73 #8c0b4f72646572656444696374 #93 ) #81 tR u");
  for (const char version : {'\4', '\5'}) {
    const auto file = parse(archive(std::string("\x80") + version + "\x95" + le(body.size() + 1, 8) + body + ".", {counting(4)}));
    CHECK(floats(file) == Floats{0, 1, 2, 3});
    CHECK(names(file) == "w ");
  }
}

TEST_CASE("torch_archive: objects of unknown classes are skipped, their plain attributes kept, their tensors counted", "[io][fast]") {
  const auto file = read("}( 'w' four 'hyper_parameters' argparse:Namespace ) #81 }( 'img_encoder' 'vit_base' 'nested' }( 'lr' 2 uu b"
                         " 'held' some.package:Wrapper ) #81 }( 'inner' four 'note' 'n' u b"
                         " 'attributes' pytorch_lightning.utilities.parsing:AttributeDict ) #81 ( 'epochs' 9 u"
                         " 'called' some.package:rebuild ( four four tR 'path' pathlib:PosixPath ( 'a' tR 'odd' } ( 1 2 t four s"
                         " 'set' #8f ( 1 #90 'array' numpy.core.multiarray:scalar ( numpy:dtype ( 'f8' tR 'x' tR 'quantised' torch._utils:_rebuild_qtensor ( $16:QInt8Storage:1 0 tR"
                         " 'conjugate' torch._utils:_rebuild_tensor_v2 ( $4 0 ( 4 t ( 1 t #89 odict }( 'conj' #88 u tR u");
  CHECK(names(file) == "w ");
  CHECK(lines(file.metadata()) == "attributes.epochs = 9\nheld.note = n\nhyper_parameters.img_encoder = vit_base\nhyper_parameters.nested.lr = 2\n");
  std::string skipped;
  for (const auto& object : file.skipped()) skipped += object.path + " " + object.type + " " + std::to_string(object.tensors) + "\n";
  CHECK(skipped ==
        "hyper_parameters argparse.Namespace 0\nheld some.package.Wrapper 1\nattributes pytorch_lightning.utilities.parsing.AttributeDict 0\n"
        "called some.package.rebuild 2\npath pathlib.PosixPath 0\nodd a key that is neither text nor number 1\narray numpy.core.multiarray.scalar 0\n"
        "quantised torch._utils._rebuild_qtensor 1\nconjugate torch._utils._rebuild_tensor_v2 1\n");
}

TEST_CASE("torch_archive: a pickled module is refused with what to save instead", "[io][fast]") {
  expect_error([] { (void)read("models.gloria:GLoRIA ) #81 }( '_parameters' odict ( 'w' four uu b"); },
               {"probe.pth", "1 tensors", "models.gloria.GLoRIA", "model.state_dict()"});
  expect_error([] { (void)read("m:M ) #81 #7101 }( 'self' #6801 'w' four u b"); }, {"m.M", "model.state_dict()"});
}

TEST_CASE("torch_archive: a checksum is looked at when a tensor of its storage is first read", "[io][fast]") {
  auto parts = mgca::test::parts(pickle("}( 'good' @4:FloatStorage:1@0@4@1 'bad' four u"), {counting(4), counting(4)});
  parts[1].local.crc = parts[1].central.crc = 7;
  const auto file = parse(zip(parts));
  CHECK(floats(file, 0) == Floats{0, 1, 2, 3});
  expect_error([&] { (void)floats(file, 1); }, {"probe.pth", "tensor 'bad'", "storage '0'", "checksum", "copy the file again"});
}

TEST_CASE("torch_archive: zip64, data descriptors, comments and foreign entries are understood", "[io][fast]") {
  auto parts = mgca::test::parts(pickle("four"), {counting(4)});
  parts.push_back({"a/byteorder", "little"});
  parts.push_back({"a/.data/serialization_id", "1234"});
  for (auto& part : parts) {
    const auto size = part.data.size();
    const int width = part.name == "a/data/0" ? 8 : 4;
    part.local.flags = part.central.flags = 0x0808;
    part.local.crc = part.local.stored = part.local.plain = 0;
    part.behind = std::string("PK\7\x08") + le(mgca::test::crc_of(part.data), 4) + le(size, width) + le(size, width);
    if (width == 4) continue;
    part.central.stored = part.central.plain = 0xFFFFFFFF;
    part.central.extra = le(1, 2) + le(16, 2) + le(size, 8) + le(size, 8);
  }
  CHECK(floats(parse(zip(parts))) == Floats{0, 1, 2, 3});
  auto other = mgca::test::parts(pickle("four"), {counting(4)});
  other[1].local.stored = other[1].local.plain = 0xFFFFFFFF;
  other[1].local.extra = "FB" + le(3, 2) + "ZZZ" + le(1, 2) + le(16, 2) + le(16, 8) + le(16, 8);
  CHECK(floats(parse(zip(other, {.comment = "written by hand"}))) == Floats{0, 1, 2, 3});
  CHECK(floats(parse(zip({{"data.pkl", pickle("four")}, {"data/0", counting(4)}}))) == Floats{0, 1, 2, 3});
}

TEST_CASE("torch_archive: the container from before 1.6 is read by the same language, of any protocol", "[io][fast]") {
  mgca::test::LegacyParts parts;
  parts.storages = le(4, 8) + counting(4);
  CHECK(floats(parse(mgca::test::legacy(pickle("four"), parts))) == Floats{0, 1, 2, 3});
  parts.magic = "\x80\x04\x95" + le(13, 8) + parts.magic.substr(2);
  const auto file = parse(mgca::test::legacy(pickle("}( 'w' torch._utils:_rebuild_tensor_v2 (( 'storage' torch:FloatStorage '0' 'cpu' 4 N tQ 0 ( 2 2 t ( 1 2 t #89 odict tR u"), parts));
  CHECK(file.legacy());
  CHECK(floats(file) == Floats{0, 2, 1, 3});
}
