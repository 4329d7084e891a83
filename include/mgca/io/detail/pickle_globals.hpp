// Names that a pickle may say. A name is never looked up: it is data for the few that describe tensors, the type of a
// skipped object for the rest, and a refusal where it stands for running code or touching the system.
//
// The standard library is refused but for names known to be data, for that is where the means to run code are; of torch
// and numpy only classes and tensor parts are let through; of other packages everything but those known to load or run.
#pragma once

#include <mgca/io/tensor_info.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mgca::io::detail {

enum class GlobalKind : std::uint8_t {
  foreign,  // skipped
  forbidden,
  dict,              // OrderedDict and what else is filled like it
  tensor,            // torch._utils._rebuild_tensor, _v2: typed storage, offset, shape, strides, ...
  untyped_tensor,    // _v3: untyped storage, ..., dtype
  parameter,         // the tensor is the first argument
  from_type,         // a rebuilding name, a class, its arguments
  storage,
  element_type,
  shape,
  tensor_class,  // called like a parameter
  reconstructor,  // the class is the first argument
};

struct GlobalMeaning {
  GlobalKind kind = GlobalKind::foreign;
  std::optional<Dtype> dtype{};  // storage: nothing if untyped
};

namespace names {

using Names = std::string_view;

constexpr auto dicts = std::to_array<Names>({"collections.OrderedDict", "collections.defaultdict", "collections.Counter"});
constexpr auto tensors = std::to_array<Names>({"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"});
constexpr auto parameters = std::to_array<Names>({"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"});
constexpr auto tensor_classes = std::to_array<Names>(
    {"torch.Tensor", "torch._tensor.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"});

struct Typed {
  Names name;
  Dtype dtype;
};
constexpr auto storages = std::to_array<Typed>(
    {{"Double", Dtype::f64}, {"Float", Dtype::f32}, {"Half", Dtype::f16}, {"BFloat16", Dtype::bf16}, {"Long", Dtype::i64},
     {"Int", Dtype::i32}, {"Short", Dtype::i16}, {"Char", Dtype::i8}, {"Byte", Dtype::u8}, {"Bool", Dtype::boolean},
     {"ComplexDouble", Dtype::c128}, {"ComplexFloat", Dtype::c64},
     // Quantised: read only to know the size, their tensors are skipped.
     {"QInt8", Dtype::i8}, {"QUInt8", Dtype::u8}, {"QInt32", Dtype::i32}, {"QUInt4x2", Dtype::u8}, {"QUInt2x4", Dtype::u8}});
constexpr auto element_types = std::to_array<Typed>(
    {{"float64", Dtype::f64}, {"double", Dtype::f64}, {"float32", Dtype::f32}, {"float", Dtype::f32}, {"float16", Dtype::f16},
     {"half", Dtype::f16}, {"bfloat16", Dtype::bf16}, {"int64", Dtype::i64}, {"long", Dtype::i64}, {"int32", Dtype::i32},
     {"int", Dtype::i32}, {"int16", Dtype::i16}, {"short", Dtype::i16}, {"int8", Dtype::i8}, {"uint8", Dtype::u8},
     {"uint16", Dtype::u16}, {"uint32", Dtype::u32}, {"uint64", Dtype::u64}, {"bool", Dtype::boolean}, {"complex64", Dtype::c64},
     {"cfloat", Dtype::c64}, {"complex128", Dtype::c128}, {"cdouble", Dtype::c128}, {"float8_e4m3fn", Dtype::f8_e4m3},
     {"float8_e5m2", Dtype::f8_e5m2}, {"float8_e8m0fnu", Dtype::f8_e8m0}, {"float8_e4m3fnuz", Dtype::f8_e4m3fnuz},
     {"float8_e5m2fnuz", Dtype::f8_e5m2fnuz}});

// Modules of Python's standard library, as the first part of a name.
constexpr auto standard_modules = std::to_array<Names>(
    {"__builtin__", "__builtins__", "__future__", "__main__.__builtins__", "_abc", "_aix_support", "_ast", "_asyncio", "_bisect", "_blake2",
     "_bootlocale", "_bootsubprocess", "_bz2", "_codecs", "_codecs_cn", "_collections", "_collections_abc", "_compat_pickle",
     "_compression",
     "_contextvars", "_crypt", "_csv", "_ctypes", "_curses", "_datetime", "_dbm", "_decimal", "_distutils_hack", "_dummy_thread",
     "_elementtree", "_frozen_importlib", "_frozen_importlib_external", "_functools", "_gdbm", "_hashlib", "_heapq", "_imp", "_io",
     "_ios_support", "_json", "_locale", "_lsprof", "_lzma", "_markupbase", "_md5", "_multibytecodec", "_multiprocessing", "_opcode",
     "_operator", "_osx_support", "_pickle", "_posixshmem", "_posixsubprocess", "_py_abc", "_pydatetime", "_pydecimal", "_pyio",
     "_pylong", "_pyrepl", "_queue", "_random", "_sha1", "_signal", "_sitebuiltins", "_socket", "_sqlite3", "_sre", "_ssl", "_stat",
     "_statistics", "_string", "_strptime", "_struct", "_symtable", "_sysconfig", "_thread", "_threading_local", "_tkinter", "_tracemalloc",
     "_uuid", "_warnings", "_weakref", "_weakrefset", "_winapi", "_winreg", "_zoneinfo", "abc", "aifc", "annotationlib", "antigravity",
     "argparse", "array", "ast", "asynchat", "asyncio", "asyncore", "atexit", "audioop", "base64", "bdb", "binascii", "binhex", "bisect",
     "builtins", "bz2", "cProfile", "cPickle", "cStringIO", "calendar", "cgi", "cgitb", "chunk", "cmath", "cmd", "code", "codecs",
     "codeop", "collections", "colorsys", "commands", "compileall", "compression", "concurrent", "configparser", "contextlib",
     "contextvars", "copy", "copy_reg", "copyreg", "crypt", "csv", "ctypes", "curses", "dataclasses", "datetime", "dbm", "decimal",
     "difflib", "dis", "distutils", "doctest", "dummy_threading", "email", "encodings", "ensurepip", "enum", "errno", "faulthandler",
     "fcntl", "filecmp", "fileinput", "fnmatch", "formatter", "fractions", "ftplib", "functools", "gc", "genericpath", "getopt",
     "getpass", "gettext", "glob", "graphlib", "grp", "gzip", "hashlib", "heapq", "hmac", "html", "http", "httplib", "idlelib",
     "imaplib", "imghdr", "imp", "importlib", "inspect", "io", "ipaddress", "itertools", "json", "keyword", "lib2to3", "linecache",
     "locale", "logging", "lzma", "macpath", "mailbox", "mailcap", "marshal", "math", "mimetypes", "mmap", "modulefinder", "msilib",
     "msvcrt", "multiprocessing", "netrc", "nis", "nntplib", "nt", "ntpath", "nturl2path", "numbers", "opcode", "operator", "optparse",
     "os", "ossaudiodev", "parser", "pathlib", "pdb", "pickle", "pickletools", "pipes", "pkgutil", "platform", "plistlib", "poplib",
     "popen2", "posix", "posixpath", "posixsubprocess", "pprint", "profile", "pstats", "pty", "pwd", "py_compile", "pyclbr", "pydoc",
     "pydoc_data", "pyexpat", "queue", "quopri", "random", "re", "readline", "reprlib", "resource", "rlcompleter", "runpy", "sched",
     "secrets", "select", "selectors", "shelve", "shlex", "shutil", "signal", "site", "smtpd", "smtplib", "sndhdr", "socket",
     "socketserver", "spwd", "sqlite3", "sre_compile", "sre_constants", "sre_parse", "ssl", "stat", "statistics", "string", "stringprep",
     "struct", "subprocess", "sunau", "symbol", "symtable", "sys", "sysconfig", "syslog", "tabnanny", "tarfile", "telnetlib",
     "tempfile", "termios", "test", "textwrap", "this", "threading", "time", "timeit", "tkinter", "token", "tokenize", "tomllib", "trace",
     "traceback", "tracemalloc", "tty", "turtle", "turtledemo", "types", "typing", "unicodedata", "unittest", "urllib", "urllib2", "uu",
     "uuid", "venv", "warnings", "wave", "weakref", "webbrowser", "winreg", "winsound", "wsgiref", "xdrlib", "xml", "xmlrpc", "zipapp",
     "zipfile", "zipimport", "zlib", "zoneinfo"});
// Of these, names that are data and nothing else.
constexpr auto harmless = std::to_array<Names>(
    {"argparse.Namespace", "array._array_reconstructor", "array.array", "collections.ChainMap", "collections.UserDict", "collections.deque",
     "_codecs.encode", "copy_reg._reconstructor", "copyreg._reconstructor", "datetime.date", "datetime.datetime", "datetime.time",
     "datetime.timedelta", "datetime.timezone", "decimal.Decimal", "fractions.Fraction", "functools.partial", "pathlib.Path",
     "pathlib.PosixPath", "pathlib.PurePath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath", "pathlib.WindowsPath",
     "pathlib._local.Path", "pathlib._local.PosixPath", "pathlib._local.PurePath", "pathlib._local.PurePosixPath",
     "pathlib._local.PureWindowsPath", "pathlib._local.WindowsPath", "re._compile", "types.SimpleNamespace", "typing.Any", "uuid.UUID"});
constexpr auto harmless_builtins = std::to_array<Names>(
    {"bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "long", "object", "range", "set", "slice", "str",
     "tuple", "unicode", "xrange", "Ellipsis"});

// Packages that load, fetch or run things for a living.
constexpr auto running_packages = std::to_array<Names>(
    {"IPython", "Xlib", "aiohttp", "billiard", "bpython", "cffi", "cloudpickle", "dill", "execnet", "fabric", "fsspec", "httplib2", "httpx",
     "invoke", "ipykernel", "joblib", "jupyter", "keras", "llvmlite", "mlflow", "numba", "paramiko", "pexpect", "pip", "pkg_resources",
     "plumbum", "psutil", "ptyprocess", "pudb", "pyximport", "requests", "requests_toolbelt", "setuptools", "sh", "skops", "sympy",
     "tensorflow", "torch_tensorrt", "trio", "tvm", "urllib3", "uvicorn", "virtualenv", "websocket", "websockets", "xmlrpclib"});

// Functions and values of torch and numpy that checkpoints hold; the classes of both are told by their capital.
constexpr auto torch_values = std::to_array<Names>(
    {"torch.device", "torch.dtype", "torch.layout", "torch.strided", "torch.contiguous_format", "torch.preserve_format",
     "torch.channels_last", "torch.sparse_coo", "torch.per_tensor_affine", "torch.per_channel_affine",
     "torch.serialization._get_layout"});
constexpr auto torch_prefixes = std::to_array<Names>({"torch._utils._rebuild_", "torch.nn.functional.", "torch.nn.init.", "torch._C._nn.",
                                                      "torch.nn.modules.activation."});
constexpr auto numpy_values = std::to_array<Names>({"multiarray.scalar", "multiarray._reconstruct", "numeric._frombuffer"});

}  // namespace names

constexpr bool listed(const auto& list, std::string_view name) { return std::find(list.begin(), list.end(), name) != list.end(); }

// Outer.Inner may be a class within a class; os.system behind somebody's module may not.
constexpr bool looks_like_class(std::string_view name) {
  for (std::size_t at = 0; at <= name.size();) {
    auto end = std::min(name.find('.', at), name.size());
    while (at < end && name[at] == '_') ++at;
    if (at == end || name[at] < 'A' || name[at] > 'Z') return false;
    at = end + 1;
  }
  return true;
}

inline GlobalMeaning meaning_in_torch(std::string_view full, std::string_view name) {
  using namespace names;
  if (full == "torch._utils._rebuild_tensor_v3") return {GlobalKind::untyped_tensor};
  if (full == "torch._tensor._rebuild_from_type_v2") return {GlobalKind::from_type};
  if (full == "torch.Size") return {GlobalKind::shape};
  for (const auto& type : element_types) {
    if (full.substr(6) == type.name) return {GlobalKind::element_type, type.dtype};
  }
  auto storage = full.substr(6);
  if (storage.starts_with("cuda.")) storage.remove_prefix(5);
  if (storage == "storage.UntypedStorage" || storage == "UntypedStorage") return {GlobalKind::storage};
  for (const auto& type : storages) {
    const bool same = storage.size() == type.name.size() + 7 && storage.starts_with(type.name) && storage.ends_with("Storage");
    if (same) return {GlobalKind::storage, type.dtype};
  }
  if (listed(torch_values, full) || looks_like_class(name)) return {};
  const bool part = name.find('.') == std::string_view::npos &&
                    std::any_of(torch_prefixes.begin(), torch_prefixes.end(), [&](auto prefix) { return full.starts_with(prefix); });
  return {part ? GlobalKind::foreign : GlobalKind::forbidden};
}

inline bool allowed_in_numpy(std::string_view module, std::string_view name, std::string_view full) {
  if (name.find('.') != std::string_view::npos) return false;
  if (module == "numpy" || module == "numpy.dtypes") {  // dtype, ndarray, float64, str_, bool_: types
    const bool ends_in_digit = !name.empty() && name.back() >= '0' && name.back() <= '9';
    return name == "dtype" || name == "ndarray" || name == "bool" || name.ends_with('_') || ends_in_digit || looks_like_class(name);
  }
  for (const std::string_view core : {"numpy.core.", "numpy._core."}) {
    if (full.starts_with(core)) return listed(names::numpy_values, full.substr(core.size()));
  }
  return module.starts_with("numpy.random.") && (name.starts_with("__") || looks_like_class(name));
}

// `module` and `name` as the pickle says them.
inline GlobalMeaning meaning_of(std::string_view module, std::string_view name, std::string_view full) {
  using namespace names;
  if (listed(dicts, full)) return {GlobalKind::dict};
  if (listed(tensors, full)) return {GlobalKind::tensor};
  if (listed(parameters, full)) return {GlobalKind::parameter};
  if (listed(tensor_classes, full)) return {GlobalKind::tensor_class};
  if (full == "copyreg._reconstructor" || full == "copy_reg._reconstructor") return {GlobalKind::reconstructor};
  const auto root = module.substr(0, module.find('.'));
  if (root == "torch" || root == "torchvision" || root == "torchaudio") {
    if (root == "torch") return meaning_in_torch(full, name);
    return {looks_like_class(name) ? GlobalKind::foreign : GlobalKind::forbidden};
  }
  if (root == "numpy") return {allowed_in_numpy(module, name, full) ? GlobalKind::foreign : GlobalKind::forbidden};
  if (module == "builtins" || module == "__builtin__") {
    return {listed(harmless_builtins, name) ? GlobalKind::foreign : GlobalKind::forbidden};
  }
  if (listed(standard_modules, root)) return {listed(harmless, full) ? GlobalKind::foreign : GlobalKind::forbidden};
  if (listed(running_packages, root) || root.empty() || name.empty()) return {GlobalKind::forbidden};
  if (name.find('.') != std::string_view::npos && !looks_like_class(name)) return {GlobalKind::forbidden};
  return {};
}

}  // namespace mgca::io::detail
