#include "catch.hpp"
#include "torch_builder.hpp"

#include <mgca/core/random.hpp>
#include <mgca/io/torch_archive.hpp>

#include <ctime>
#include <sstream>

using mgca::io::TorchArchive;
using mgca::test::archive;
using mgca::test::assemble;
using mgca::test::counting;
using mgca::test::le;
using mgca::test::pickle;
using mgca::test::to_bytes;
using mgca::test::zip;
using mgca::test::ZipPart;

namespace {

// Everything a reader gets from the file; throws what the reader throws.
std::string contents(const std::string& bytes, const mgca::io::TorchArchiveLimits& limits = {}) {
  const auto file = TorchArchive::parse(to_bytes(bytes), "probe.pth", limits);
  std::string all;
  std::vector<std::byte> scratch;
  for (std::size_t i = 0; i < file.tensors().size(); ++i) {
    const auto data = file.bytes(i, scratch);
    all += file.tensors()[i].name + " " + std::string(mgca::to_string(file.tensors()[i].dtype));
    for (const auto side : file.tensors()[i].shape) all += " " + std::to_string(side);
    all.append(reinterpret_cast<const char*>(data.data()), data.size());
  }
  for (const auto& [key, value] : file.metadata()) all += key + "=" + value;
  for (const auto& object : file.skipped()) all += object.path + object.type;
  return all;
}
// The refusal; empty where the file is accepted.
std::string refusal(const std::string& bytes, const mgca::io::TorchArchiveLimits& limits = {}) {
  try {
    (void)contents(bytes, limits);
  } catch (const mgca::Error& error) {
    CHECK(error.kind() == mgca::ErrorKind::data);
    return error.what();
  }
  return {};
}

class Verdicts {
 public:
  // The file must be refused, with the name of the file and these words.
  void refused(const std::string& what, const std::string& bytes, std::string_view said, const mgca::io::TorchArchiveLimits& limits = {}) {
    ++count;
    const auto message = refusal(bytes, limits);
    INFO(what << ": expected " << said << "; got " << (message.empty() ? "no refusal" : message));
    CHECK(message.starts_with("probe.pth: "));
    CHECK(message.find(said) != std::string::npos);
  }
  void pickled(const std::string& notation, std::string_view said) { refused(notation.substr(0, 80), archive(pickle(notation)), said); }
  int count = 0;
};

}  // namespace

TEST_CASE("torch_archive: a name that runs code or touches the system is refused wherever it stands", "[io][fast]") {
  Verdicts verdicts;
  std::istringstream names(
      "os:system posix:system nt:system os:popen os:execv os:remove posix:unlink builtins:eval builtins:exec builtins:getattr "
      "builtins:__import__ builtins:compile builtins:open builtins:print builtins:apply __builtin__:eval __builtin__:execfile "
      "__builtin__:getattr __builtin__:globals subprocess:Popen subprocess:check_output subprocess:call commands:getoutput "
      "sys:exit sys:modules runpy:run_path runpy:_run_code importlib:import_module importlib.util:spec_from_file_location "
      "imp:load_source pickle:loads pickle:Unpickler _pickle:loads cPickle:loads marshal:loads code:interact "
      "code:InteractiveInterpreter codeop:compile_command types:CodeType types:FunctionType operator:attrgetter "
      "operator:methodcaller _operator:methodcaller functools:reduce ctypes:CDLL _ctypes:dlopen multiprocessing:Process "
      "threading:Thread socket:create_connection socket:socket ssl:get_server_certificate urllib.request:urlopen "
      "http.client:HTTPSConnection ftplib:FTP smtplib:SMTP webbrowser:open shutil:rmtree tempfile:NamedTemporaryFile "
      "pathlib:Path.write_text io:open io:FileIO _io:FileIO codecs:open zipfile:ZipFile tarfile:open gzip:open pty:spawn "
      "pdb:run bdb:Bdb cProfile:run profile:run timeit:timeit trace:Trace doctest:debug_script pydoc:locate pydoc:pipepager "
      "venv:create ensurepip:bootstrap distutils.spawn:spawn lib2to3.pgen2.pgen:ParserGenerator "
      "idlelib.pyshell:ModifiedInterpreter asyncio:create_subprocess_shell "
      "asyncio.unix_events:_UnixSubprocessTransport._start logging.config:listen sqlite3:connect signal:signal "
      "atexit:register gc:get_objects inspect:currentframe linecache:getline site:main weakref:finalize copyreg:add_extension "
      "copyreg:__newobj__ xmlrpc.client:ServerProxy torch:load torch.serialization:load torch.storage:_load_from_bytes "
      "torch.hub:load torch.hub:load_state_dict_from_url torch.jit:load torch.utils.cpp_extension:load_inline "
      "torch.utils._config_module:ConfigModule.load_config torch.utils.collect_env:run "
      "torch.jit.unsupported_tensor_ops:execWrapper torch._dynamo.guards:GuardBuilder.get "
      "torch._inductor.codecache:compile_file torch.fx.experimental.symbolic_shapes:ShapeEnv.evaluate_guards_expression "
      "torch:os.system torch._utils:_import_dotted_name torch.ops:load_library torch.distributed.rpc:rpc_sync "
      "torch.nn.modules.module:os.system torchvision.io:read_file numpy:load numpy:save numpy:fromfile "
      "numpy.testing._private.utils:runstring numpy.f2py.crackfortran:getlincoef numpy.core.multiarray:fromfile "
      "numpy.distutils.exec_command:exec_command numpy:core.multiarray.fromfile joblib:load dill:loads cloudpickle:loads "
      "pip:main pip._internal.cli.main:main requests:get aiohttp:ClientSession tensorflow:io.read_file "
      "keras.models:load_model IPython:embed fsspec:open setuptools:sandbox.run_setup some.package:os.system "
      "mine:sub.Thing.call ");
  for (std::string name; names >> name;) {
    auto dotted = name;
    dotted[dotted.rfind(':')] = '.';
    verdicts.pickled(name + " ( 'id' tR", "names '" + dotted + "'");
    verdicts.pickled("}( 'w' four 'held' " + name + " u", "names '" + dotted + "'");
  }
  verdicts.pickled("#8c026f73 #8c0673797374656d #93 ( 'id' tR", "names 'os.system', which is not data");
  verdicts.pickled("( 'id' #696f730a73797374656d0a", "names 'os.system'");
  CHECK(refusal(archive(pickle("}( 'w' four 'h' argparse:Namespace ) #81 u"))).empty());
  CHECK(verdicts.count > 250);
}

TEST_CASE("torch_archive: a pickle that is no program of the small language is refused with the byte", "[io][fast]") {
  Verdicts is;
  for (const char* notation : {"", "#30", "#31", "#32", "t", "#85", "#86", "#87", "R", "#81", "#92", "b", "s", "a", "u", "e", "#90", "#91", "Q", "#93", "#7100", "#94", "1 a", "1 R",
                                     "1 #86", "( #30 u", "]( s", "1 ( R", "( 1 ( #86"}) {
    is.pickled(notation, "a/data.pkl: pickle byte ");
  }
  for (const std::string code : {"#46", "#49", "#4c", "#50", "#53", "#56", "#67", "#6f", "#70", "#82", "#83", "#84", "#97", "#98", "#00", "#ff", "#20", "#a0"}) {
    is.pickled("1 " + code + " #310a", "is not one that torch.save writes");
  }
  is.pickled("#6805", "the memo has no entry 5");
  is.pickled("#6a05000000", "the memo has no entry 5");
  is.pickled("#4effff", "is not one that torch.save writes");
  is.pickled("1 2", "ends with 2 values");
  is.pickled("( 1", "ends with an open mark");
  is.pickled("#8005 1", "a second protocol header");
  is.pickled("#95ffffffffffffffff 1", "a frame is longer");
  is.pickled("1 'x' 2 s", "set in something that is no dict");
  is.pickled("] 'x' 2 s", "set in something that is no dict");
  is.pickled("} 1 a", "something that is no list");
  is.pickled("}( 1 u", "a key without a value");
  is.pickled("] 1 b", "a state for something");
  is.pickled("'f' ( 1 tR", "not a name is called");
  is.pickled("torch:Size 1 R", "without a tuple");
  is.pickled("'C' ) #81", "whose class is not a name");
  is.pickled("a:B 1 #81", "without a tuple");
  is.pickled("1 2 #93", "a name that is not text");
  is.pickled("#58ffffffff", "wants 4294967295 bytes more");
  is.pickled("#8dffffffffffffff7f", "wants 9223372036854775807 bytes more");
  is.pickled("#8effffffffffffffff", "bytes more");
  is.pickled("#8bffffff7f", "wants 2147483647 bytes more");
  is.pickled("#58 #02000000 #c328", "not UTF-8");
  is.pickled("#58 #03000000 #eda080", "not UTF-8");
  is.pickled("#63 #6f73", "a name does not end");
  is.refused("a long name", archive("\x80\x02" "c" + std::string(4000, 'a') + "\nb\n."), "a name of 4001 bytes");
  is.pickled("#63 #ff0a #610a", "a name");
  is.pickled("collections:OrderedDict ( 1 tR", "not pairs");
  is.pickled("collections:OrderedDict ( ]( 1 e tR", "not pairs");
  is.pickled("collections:OrderedDict ( ]( ( 1 2 3 t e tR", "not pairs");
  is.pickled("torch:Size ( 1 2 tR", "a shape without a tuple");
  is.refused("protocol 0", archive("I1\n."), "is not one that torch.save writes");
  is.refused("protocol 6", archive("\x80\x06N."), "pickle protocol 6");
  is.refused("protocol 1", archive("\x80\x01N."), "pickle protocol 1");
  is.refused("no bytes", archive(""), "has no end");
  is.refused("something behind", archive(pickle("four") + "x"), "1 bytes follow the end of the pickle");
  is.refused("a million marks", archive("\x80\x02" + std::string(1'000'000, '(') + "."), "more than 1000 open marks");
  const auto nested = "\x80\x02" + std::string(30'000, ']');
  is.refused("lists in lists", archive(nested + std::string(29'999, 'a') + "."), "containers deep");
  is.refused("tuples in tuples", archive("\x80\x02N" + std::string(30'000, '\x85') + "."), "containers deep");
  is.refused("a list in itself", archive(pickle("] #7101 #6801 a")), "holds itself");
  is.refused("a dict in itself", archive(pickle("} #7101 'again' #6801 s")), "'again' holds itself");
  CHECK(mgca::io::TorchArchiveLimits{}.values == 2'000'000);
  const mgca::io::TorchArchiveLimits fewer{.values = 20'000};
  is.refused("too many values", archive("\x80\x02" + std::string(30'000, ')') + "."), "more than 20000 values", fewer);
  std::string doubled = "\x80\x02]q\1";  // a list of two lists of two lists ...
  for (int i = 1; i < 60; ++i) doubled += "](h" + std::string(1, static_cast<char>(i)) + "h" + std::string(1, static_cast<char>(i)) + "eq" + std::string(1, static_cast<char>(i + 1));
  std::string shared = "\x80\x02]q\1";
  for (int i = 1; i < 60; ++i) shared += "0](h" + std::string(1, static_cast<char>(i)) + "h" + std::string(1, static_cast<char>(i)) + "eq" + std::string(1, static_cast<char>(i + 1));
  is.refused("2^60 ways to one list", archive(shared + "."), "more than 40000 values are reached from the root", fewer);
  is.refused("values left over", archive(doubled + "."), "ends with 60 values");
  std::string copies = "\x80\x02](" + std::string(20'000, 'N') + "eq\1\x85q\2" + assemble("collections:OrderedDict") + "q\3";
  for (int i = 0; i < 10'000; ++i) copies += "0h\3h\2R";
  is.refused("dicts of a long list", archive(copies + "."), "not pairs");
  std::string pairs = "\x80\x02](" ;
  for (int i = 0; i < 5'000; ++i) pairs += "NN\x86";
  pairs += "e\x85q\2" + assemble("collections:OrderedDict") + "q\3";
  for (int i = 0; i < 10'000; ++i) pairs += "0h\3h\2R";
  is.refused("dicts copied from a long list", archive(pairs + "."), "copied from one container", fewer);
  std::string text = "\x80\x02" + assemble("'" + std::string(1'000'000, 'x') + "'") + "q\1" "0](";
  for (int i = 0; i < 1000; ++i) text += "h\1";
  is.refused("a long text a thousand times", archive(text + "e."), "take more than");
  CHECK(is.count > 90);
}

TEST_CASE("torch_archive: a tensor that does not fit its storage is refused by its name", "[io][fast]") {
  Verdicts is;
  const auto tensor = [&](const std::string& notation, std::string_view said) {
    const auto message = refusal(archive(pickle("}( 'layer.w' " + notation + " u")));
    INFO(notation << ": " << message);
    CHECK(message.starts_with("probe.pth: "));
    CHECK(message.find("tensor 'layer.w': ") != std::string::npos);
    CHECK(message.find(said) != std::string::npos);
    ++is.count;
  };
  for (const char* place : {"@4@0@5@1", "@4@1@4@1", "@4@4@1@1", "@4@5@0@1", "@4@0@2,2@3,1", "@4@0@2,2@2,2", "@4@0@3,2@2,1", "@4@3@2@1", "@4@0@2@4", "@4@5@@", "@4@9223372036854775807@1@1",
                                  "@4@0@2@9223372036854775807", "@4@0@3@9223372036854775807", "@4@0@2,2@9223372036854775807,9223372036854775807", "@4@0@1,2@0,4"}) {
    tensor(place, "reach beyond the 4 elements of the storage '0'");
  }
  for (const std::string shape : {"4294967296,4294967296", "9223372036854775807,2", "4611686018427387904", "0,9223372036854775807,3"}) {
    tensor("@4@0@" + shape + "@" + (shape.find(',') == std::string::npos ? "0" : shape == "0,9223372036854775807,3" ? "0,0,0" : "0,0"), "its shape overflows");
  }
  for (const char* place : {"@4@0@-1@1", "@4@0@2,-2@2,1", "@4@0@2@-1", "@4@0@-2,-2@2,1"}) tensor(place, "negative element");
  tensor("@3@0@3@1", "has 16 bytes in the file, the pickle says 3 elements of F32");
  tensor("@5@0@4@1", "has 16 bytes in the file, the pickle says 5");
  tensor("@4:DoubleStorage@0@4@1", "has 16 bytes in the file, the pickle says 4 elements of F64");
  tensor("@4:HalfStorage@0@4@1", "the pickle says 4 elements of F16");
  tensor("@4611686018427387908@0@4@1", "has 16 bytes in the file");
  tensor("@9223372036854775807@0@4@1", "has 16 bytes in the file");
  tensor("@4:FloatStorage:1@0@4@1", "the storage '1' is not in the file");
  tensor("@4:FloatStorage:../0@0@4@1", "the storage '../0' is not in the file");
  tensor("@4@0@4294967296@0", "over the limit");
  tensor("@4@0@1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1@1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "at most 16");
  tensor("torch._utils:_rebuild_tensor_v2 ( $4 0 ( #4e t ( 1 t #89 odict tR", "no integer");
  tensor("torch._utils:_rebuild_tensor_v2 ( $4 0 ( 1 t ( #473ff0000000000000 t #89 odict tR", "no integer");
  is.refused("one storage of two types", archive(pickle("}( 'a' four 'b' @4:IntStorage@0@4@1 u")), "tensor 'b': the storage '0' has another element type elsewhere");
  is.refused("two tensors of one name", archive(pickle("}( 'a.b' four 'a' }( 'b' four uu")), "two tensors have the name 'a.b'");
  is.refused("a key twice", archive(pickle("}( 'a' four 'a' four u")), "two tensors have the name 'a'");
  for (const std::string arguments : {"", "$4", "$4 0", "$4 0 ( 4 t", "1 0 ( 4 t ( 1 t", "$4 'x' ( 4 t ( 1 t", "$4 -1 ( 4 t ( 1 t", "$4 0 4 ( 1 t", "$4 0 ( 4 t 1", "$4 0 ( 4 t ( 1 1 t", "$4 0 ( 2 2 t )",
                                      "$4 0 ( 4 t ( 1 t 1 2 3 4 5"}) {
    is.pickled("torch._utils:_rebuild_tensor_v2 ( " + arguments + " tR", "pickle byte ");
  }
  is.pickled("torch._utils:_rebuild_tensor_v3 ( $4 0 ( 4 t ( 1 t #89 odict tR", "with 6 arguments");
  is.pickled("torch._utils:_rebuild_tensor_v3 ( $4 0 ( 4 t ( 1 t #89 odict 1 tR", "an unknown element type");
  is.pickled("torch._utils:_rebuild_tensor_v2 ( $4:UntypedStorage 0 ( 4 t ( 1 t tR", "without an element type");
  is.pickled("torch._utils:_rebuild_parameter )R", "without a tensor");
  is.pickled("torch._tensor:_rebuild_from_type_v2 ( 1 2 3 4 tR", "without function, class and arguments");
  for (const std::string id : {"1", "'0'", ")", "( 'storage' t", "( 'other' torch:FloatStorage '0' 'cpu' 4 t", "( 'storage' torch:FloatStorage 0 'cpu' 4 t", "( 'storage' 'x' '0' 'cpu' 4 t",
                               "( 'storage' torch:FloatStorage '0' 'cpu' -1 t", "( 'storage' torch:FloatStorage '0' 'cpu' 'x' t", "( 'storage' torch:FloatStorage '0' 0 4 t",
                               "( 'storage' torch:QInt9Storage '0' 'cpu' 4 t", "( 'storage' torch.nn:Linear '0' 'cpu' 4 t", "( 'storage' torch:FloatStorage '0' 'cpu' 4 ( 'v' 0 4 t t"}) {
    is.pickled(id + " Q", "pickle byte ");
  }
  CHECK(is.count > 60);
}

TEST_CASE("torch_archive: a zip archive that lies is refused", "[io][fast]") {
  Verdicts is;
  const auto good = mgca::test::parts(pickle("}( 'w' four u"), {counting(4)});
  REQUIRE(refusal(zip(good)).empty());
  // The storage's part changed.
  const auto part = [&](const char* what, void (*change)(ZipPart&), std::string_view said) {
    auto parts = good;
    change(parts[1]);
    is.refused(what, zip(parts), said);
  };
  const std::string self = "another size or checksum in its own header";
  part("crc, local", [](ZipPart& p) { p.local.crc = 1; }, self);
  part("crc, central", [](ZipPart& p) { p.central.crc = 1; }, self);
  part("crc, both", [](ZipPart& p) { p.local.crc = p.central.crc = 1; }, "checksum differs");
  part("stored, local", [](ZipPart& p) { p.local.stored = 15; }, self);
  part("plain, local", [](ZipPart& p) { p.local.plain = 17; }, self);
  part("stored, central", [](ZipPart& p) { p.central.stored = 15; }, "is stored in 15 bytes but has 16");
  part("plain, central", [](ZipPart& p) { p.central.plain = 4'000'000'000; }, "is stored in 16 bytes");
  part("both, central", [](ZipPart& p) { p.central.stored = p.central.plain = 15; }, self);
  part("shorter everywhere", [](ZipPart& p) { p.central.stored = p.central.plain = p.local.stored = p.local.plain = 12; }, "4 bytes before the zip directory belong to no entry");
  part("longer everywhere", [](ZipPart& p) { p.central.stored = p.central.plain = p.local.stored = p.local.plain = 1000; }, "where the directory begins");
  part("4 GB", [](ZipPart& p) { p.central.stored = p.central.plain = p.local.stored = p.local.plain = 0xFFFFFFFE; }, "where the directory begins");
  part("zip64 without its field", [](ZipPart& p) { p.central.stored = p.central.plain = 0xFFFFFFFF; }, "lacks its zip64 field");
  part("zip64 of 2^63 bytes", [](ZipPart& p) { p.central.stored = p.central.plain = 0xFFFFFFFF, p.central.extra = le(1, 2) + le(16, 2) + le(1ULL << 63, 8) + le(1ULL << 63, 8); }, "where the directory begins");
  part("zip64 field too short", [](ZipPart& p) { p.central.stored = p.central.plain = 0xFFFFFFFF, p.central.extra = le(1, 2) + le(8, 2) + le(16, 8); }, "too short");
  part("zip64 offset outside", [](ZipPart& p) { p.central.offset = 0xFFFFFFFF, p.central.extra = le(1, 2) + le(8, 2) + le(~0ULL, 8); }, "has no header at byte");
  part("zip64 sizes that differ, local", [](ZipPart& p) { p.local.stored = p.local.plain = 0xFFFFFFFF, p.local.extra = le(1, 2) + le(16, 2) + le(15, 8) + le(15, 8); }, self);
  part("extra field too long", [](ZipPart& p) { p.central.extra = "FB" + le(99, 2), p.central.stored = p.central.plain = 0xFFFFFFFF; }, "longer than the header");
  part("deflated", [](ZipPart& p) { p.local.method = p.central.method = 8; }, "is compressed (method 8)");
  part("deflated, local", [](ZipPart& p) { p.local.method = 8; }, "another method");
  part("encrypted", [](ZipPart& p) { p.local.flags = p.central.flags = 0x0801; }, "is encrypted");
  part("strongly encrypted", [](ZipPart& p) { p.central.flags = 0x0840; }, "is encrypted");
  part("masked headers", [](ZipPart& p) { p.central.flags = 0x2800; }, "is encrypted");
  part("unknown flag", [](ZipPart& p) { p.central.flags = 0x8000; }, "unknown flags");
  part("flags, local", [](ZipPart& p) { p.local.flags = 0; }, "other flags");
  part("name, local", [](ZipPart& p) { p.local.name = "a/data/1"; }, "another name in its own header");
  part("name, central", [](ZipPart& p) { p.central.name = "a/data/1"; }, "another name in its own header");
  part("name length, local", [](ZipPart& p) { p.local.name_length = 60000; }, "runs into the directory");
  part("extra length, local", [](ZipPart& p) { p.local.extra_length = 60000; }, "runs into the directory");
  part("name length, central", [](ZipPart& p) { p.central.name_length = 60000; }, "longer than the directory");
  part("extra length, central", [](ZipPart& p) { p.central.extra_length = 60000; }, "longer than the directory");
  part("signature, local", [](ZipPart& p) { p.local.signature = 0; }, "has no header at byte");
  part("signature, central", [](ZipPart& p) { p.central.signature = 0; }, "zip directory entry 1 is not one");
  part("offset in the middle", [](ZipPart& p) { p.central.offset = 3; }, "has no header at byte 3");
  part("offset of another", [](ZipPart& p) { p.central.offset = 0; }, "another name in its own header");
  part("offset behind the end", [](ZipPart& p) { p.central.offset = 0xFFFFFF00; }, "has no header at byte");
  part("descriptor missing", [](ZipPart& p) { p.local.flags = p.central.flags = 0x0808, p.local.crc = p.local.stored = p.local.plain = 0; }, "in the record behind its data");
  part("descriptor lies", [](ZipPart& p) { p.local.flags = p.central.flags = 0x0808, p.local.crc = p.local.stored = p.local.plain = 0, p.behind = "PK\7\x08" + le(1, 4) + le(16, 4) + le(16, 4); },
       "in the record behind its data");
  for (const std::string name : {"../0", "a/../../0", "/etc/passwd", "a\\0", "C:/0", "..", "a/..", "a/data/.."}) {
    auto parts = good;
    parts.push_back({name, "x"});
    is.refused(name, zip(parts), "names a place outside the archive");
  }
  for (const std::string& name : {std::string(), std::string("a\0b", 3), std::string("a/\xFF")}) {
    auto parts = good;
    parts.push_back({name, "x"});
    is.refused("bad name", zip(parts), "one that is not text");
  }
  auto twice = good;
  twice.push_back(good[1]);
  is.refused("duplicate", zip(twice), "'a/data/0' appears twice");
  auto overlapping = good;
  overlapping.push_back({"a/data/1", counting(4)});
  overlapping[1].local.stored = overlapping[1].central.stored = overlapping[1].local.plain = overlapping[1].central.plain = 20;
  is.refused("overlap", zip(overlapping), "overlaps the one before it");
  auto hidden = good;
  hidden.insert(hidden.begin() + 1, {.name = "a/data/7", .data = counting(4), .listed = false});
  is.refused("an entry that is not listed", zip(hidden), "belong to no entry");
  is.refused("bytes before the directory", zip(good, {.before_directory = "x"}), "1 bytes before the zip directory belong to no entry");
  part("bytes behind the data", [](ZipPart& p) { p.behind = "12345678"; }, "8 bytes before the zip directory");
  is.refused("no pickle", zip({{"a/data/0", counting(4)}}), "without data.pkl");
  is.refused("two pickles", zip({{"a/data.pkl", pickle("four")}, {"b/data.pkl", pickle("four")}, {"a/data/0", counting(4)}}), "two tables of contents");
  is.refused("big-endian", zip({good[0], good[1], {"a/byteorder", "big"}}), "big-endian machine");
  is.refused("byte order", zip({good[0], good[1], {"a/byteorder", "middle"}}), "neither little nor big");
  is.refused("TorchScript", zip({good[0], good[1], {"a/constants.pkl", pickle(")")}, {"a/code/__torch__.py", "x"}}), "a TorchScript program (torch.jit.save)");
  auto compressed = good;
  compressed.push_back({"a/code/__torch__.py", "x"});
  compressed[2].local.method = compressed[2].central.method = 8;
  is.refused("compressed code", zip(compressed), "a TorchScript program");
  is.refused("code", zip({good[0], good[1], {"a/code/__torch__.py", "x"}}), "torch.jit.load");
  auto pickle_crc = good;
  pickle_crc[0].local.crc = pickle_crc[0].central.crc = 1;
  is.refused("checksum of the pickle", zip(pickle_crc), "'a/data.pkl' is damaged");
  const auto end = [&](const std::string& what, const mgca::test::ZipEnd& lie, std::string_view said) { is.refused(what, zip(good, lie), said); };
  end("entries, here", {.here = 1}, "counts 1 of 2 entries");
  end("entries, total", {.here = 1, .total = 1}, "the zip directory ends at byte");
  end("too many entries", {.here = 3, .total = 3}, "do not fit a directory");
  end("65,534 entries", {.here = 65534, .total = 65534}, "do not fit a directory");
  end("directory size", {.size = 10}, "does not end at byte");
  end("directory size 4 GB", {.size = 0xFFFFFFFF}, "does not end at byte");
  end("directory offset", {.offset = 10}, "does not end at byte");
  end("directory offset outside", {.offset = 0xFFFFFF00}, "does not end at byte");
  end("disk", {.disk = 1}, "in several parts");
  end("comment length", {.comment_length = 9}, "has no end record");
  end("bytes between", {.after_directory = "xxxx"}, "does not end at byte");
  end("a tail", {.directory_tail = "xxxx"}, "the zip directory ends at byte");
  const auto directory = zip(good).rfind("PK\1\2", zip(good).rfind("PK\1\2") - 1);
  const auto zip64 = [&](std::uint64_t count, std::uint64_t at, std::uint64_t length) {
    const auto bytes = zip(good);
    const auto size = bytes.size() - 22 - directory;
    return std::string("PK\6\6") + le(length, 8) + le(45, 2) + le(45, 2) + le(0, 8) + le(count, 8) + le(count, 8) + le(size, 8) + le(directory, 8) + "PK\6\7" + le(0, 4) + le(at, 8) + le(1, 4);
  };
  const auto record = zip(good).size() - 22;
  REQUIRE(refusal(zip(good, {.after_directory = zip64(2, record, 44)})).empty());
  end("zip64 count", {.here = 0xFFFF, .total = 0xFFFF, .after_directory = zip64(1ULL << 60, record, 44)}, "more than 4000000 zip entries");
  end("zip64 and short disagree", {.after_directory = zip64(3, record, 44)}, "disagrees with the short one");
  end("zip64 place", {.after_directory = zip64(2, 5, 44)}, "is not at byte 5");
  end("zip64 place outside", {.after_directory = zip64(2, ~0ULL, 44)}, "is not at byte");
  end("zip64 length", {.after_directory = zip64(2, record, 45)}, "a wrong length");
  is.refused("only a signature", "PK\3\4", "has no end record");
  is.refused("an empty archive", zip({}), "without data.pkl");
  is.refused("no bytes", "", "begins neither like");
  is.refused("text", "hello", "begins neither like");
  CHECK(is.count >= 75);
}

TEST_CASE("torch_archive: an older container that lies is refused", "[io][fast]") {
  Verdicts is;
  const auto object = pickle("}( 'w' four u");
  REQUIRE(refusal(mgca::test::legacy(object)).empty());
  const auto lie = [&](const char* what, void (*change)(mgca::test::LegacyParts&), std::string_view said) {
    mgca::test::LegacyParts parts;
    change(parts);
    is.refused(what, mgca::test::legacy(object, parts), said);
  };
  using Parts = mgca::test::LegacyParts;
  lie("magic", [](Parts& p) { p.magic[5] = 'x'; }, "begins neither like");
  lie("protocol", [](Parts& p) { p.protocol = pickle("1000"); }, "other than 1001");
  lie("protocol as text", [](Parts& p) { p.protocol = pickle("'1001'"); }, "other than 1001");
  lie("protocol that runs", [](Parts& p) { p.protocol = pickle("os:system ( 'id' tR"); }, "the pickle of the protocol at byte 15: pickle byte 2: the file names 'os.system'");
  lie("big-endian", [](Parts& p) { p.machine = pickle("}( 'little_endian' #89 u"); }, "big-endian machine");
  lie("no byte order", [](Parts& p) { p.machine = pickle("}"); }, "does not say little_endian");
  lie("machine that runs", [](Parts& p) { p.machine = pickle("posix:system ( 'id' tR"); }, "names 'posix.system'");
  lie("no keys", [](Parts& p) { p.keys = pickle("]"), p.storages = ""; }, "the storage '0' is not in the file");
  lie("keys that are no list", [](Parts& p) { p.keys = pickle("1"); }, "the storage keys are no list");
  lie("keys that are no text", [](Parts& p) { p.keys = pickle("]( 0 e"); }, "a storage key that is not text");
  lie("a key nobody uses", [](Parts& p) { p.keys = pickle("]( '0' '1' e"); }, "the storage '1' belongs to no tensor");
  lie("a key twice", [](Parts& p) { p.keys = pickle("]( '0' '0' e"), p.storages += p.storages; }, "appears twice");
  lie("keys that run", [](Parts& p) { p.keys = pickle("builtins:eval ( '1' tR"); }, "names 'builtins.eval'");
  lie("fewer elements", [](Parts& p) { p.storages = le(3, 8) + std::string(12, '\1'); }, "has 3 elements, the pickle says 4");
  lie("2^63 elements", [](Parts& p) { p.storages = le(1ULL << 63, 8) + std::string(16, '\1'); }, "elements, the pickle says 4");
  lie("cut data", [](Parts& p) { p.storages.pop_back(); }, "is longer than the 15 bytes left");
  lie("cut length", [](Parts& p) { p.storages.resize(7); }, "ends before the storage '0'");
  lie("no storage", [](Parts& p) { p.storages = ""; }, "ends before the storage '0'");
  lie("bytes behind", [](Parts& p) { p.storages += "x"; }, "1 bytes follow the last storage");
  is.refused("an old view", mgca::test::legacy(pickle("torch._utils:_rebuild_tensor_v2 (( 'storage' torch:FloatStorage '0' 'cpu' 4 ( '1' 0 4 t tQ 0 ( 4 t ( 1 t #89 odict tR")), "is a view of another");
  CHECK(is.count == 20);
}

TEST_CASE("torch_archive: a file cut off at any byte is refused", "[io][fast]") {
  const auto object = pickle("}( 'w' four 'note' 'text' u");
  for (const auto& whole : {archive(object), mgca::test::legacy(object)}) {
    REQUIRE(refusal(whole).empty());
    for (std::size_t length = 0; length < whole.size(); ++length) {
      INFO(length << " of " << whole.size() << " bytes");
      REQUIRE_FALSE(refusal(whole.substr(0, length)).empty());
    }
  }
}

TEST_CASE("torch_archive: a flipped bit in a zip archive is refused or changes nothing that is read", "[io][fast]") {
  auto parts = mgca::test::parts(pickle("}( 'w' four 'note' 'text' 'n' 7 u"), {counting(4)});
  parts.push_back({"a/byteorder", "little"});
  const auto good = zip(parts);
  const auto expected = contents(good);
  int accepted = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; bit += 3) {
    auto changed = good;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    try {
      const auto got = contents(changed);
      ++accepted;
      INFO("bit " << bit);
      REQUIRE(got == expected);
    } catch (const mgca::Error&) {
    }
  }
  CHECK(accepted < static_cast<int>(good.size() / 3));  // times, versions, attributes, a name nobody needs
}

TEST_CASE("torch_archive: random changes of pickles and older containers are refused or read, never more", "[io][fast]") {
  const auto object = pickle("}( 'w' four 'p' torch._utils:_rebuild_parameter ( @4@1@2@2 #88 odict tR 'h' argparse:Namespace ) #81 }( 'lr' 2 u b 'l' ]( 1 2 e u");
  const mgca::test::LegacyParts legacy;
  for (std::uint64_t i = 0; i < 500; ++i) {
    mgca::RandomStream random({.seed = 11, .sample = i}, mgca::Use::test);
    auto changed = object;
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) changed[random.below(changed.size())] = static_cast<char>(random.below(256));
    (void)refusal(i % 2 == 0 ? archive(changed) : mgca::test::legacy(changed, legacy));
  }
  SUCCEED();
}

TEST_CASE("torch_archive: hostile files cost little time and memory", "[io][fast]") {
  const auto began = std::clock();
  mgca::io::TorchArchiveLimits limits;
  limits.tensors = 3;
  CHECK(refusal(archive(pickle("]( four four four e")), limits).empty());
  CHECK(refusal(archive(pickle("]( four four four four e")), limits).find("more than 3 tensors") != std::string::npos);
  limits.zip_entries = 2;
  CHECK(refusal(archive(pickle("four"), {std::string(16, '\1'), "x"}), limits).find("more than 2 zip entries") != std::string::npos);
  limits.values = 10;
  CHECK(refusal(archive(pickle("four")), limits).find("more than 10 values") != std::string::npos);
  limits = {.expanded_bytes = 64};
  CHECK(refusal(archive(pickle("@4@0@16@0")), limits).empty());
  CHECK(refusal(archive(pickle("@4@0@17@0")), limits).find("over the limit 64") != std::string::npos);
  CHECK(std::clock() - began < CLOCKS_PER_SEC);
}
