#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"
#include "torch_builder.hpp"

#include <mgca/io/torch_archive_writer.hpp>
#include <mgca/io/weight_file.hpp>

#include <cmath>
#include <fstream>
#include <sys/resource.h>

using mgca::io::Dtype;
using mgca::io::TensorInfo;
using mgca::io::WeightContainer;
using mgca::io::WeightFile;
using mgca::test::expect_error;

namespace {

WeightFile golden(const std::string& name) { return WeightFile::open(mgca::test::golden_dir() / "io_tiny" / name); }
std::vector<std::byte> bytes(const WeightFile& file, const std::string& name) {
  std::vector<std::byte> scratch;
  const auto found = file.bytes(file.at(name), scratch);
  return {found.begin(), found.end()};
}
void write(const std::filesystem::path& path, const std::string& text) { mgca::atomic_write(mgca::posix_files(), path, std::string_view(text)); }
float half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const double value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return static_cast<float>((bits & 0x8000) != 0 ? -value : value);
}
// The order of parameters that the optimiser's numbers count, from config.json.
std::vector<std::string> parameter_order() {
  std::ifstream config(mgca::test::golden_dir() / "io_tiny" / "config.json");
  std::vector<std::string> order;
  bool inside = false;
  for (std::string line; std::getline(config, line);) {
    if (inside && line.find(']') != std::string::npos) break;
    if (inside) order.push_back(line.substr(line.find('"') + 1, line.rfind('"') - line.find('"') - 1));
    inside = inside || line.find("\"parameter_order\"") != std::string::npos;
  }
  return order;
}
std::size_t peak() {  // KiB
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss);
}

}  // namespace

TEST_CASE("weight_file: one model in four containers is the same to the last bit", "[io][golden]") {
  const auto expected = golden("weights.safetensors");
  REQUIRE(expected.tensors().size() == 118);
  CHECK(expected.container() == WeightContainer::safetensors);
  CHECK(expected.metadata().at("global_step") == "2");
  const auto lightning = golden("lightning.ckpt"), legacy = golden("state_dict_legacy.pth"), halves = golden("half.pth");
  CHECK(lightning.container() == WeightContainer::torch_zip);
  CHECK(legacy.container() == WeightContainer::torch_legacy);
  for (const auto& tensor : expected.tensors()) {
    INFO(tensor.name);
    const auto wanted = bytes(expected, tensor.name);
    CHECK(lightning.at("state_dict." + tensor.name).shape == legacy.at(tensor.name).shape);
    CHECK(bytes(lightning, "state_dict." + tensor.name) == wanted);
    CHECK(bytes(legacy, tensor.name) == wanted);
    const auto found = bytes(halves, tensor.name);
    if (tensor.dtype != Dtype::f32) {
      CHECK(found == wanted);
      continue;
    }
    REQUIRE(halves.at(tensor.name).dtype == Dtype::f16);
    REQUIRE(found.size() * 2 == wanted.size());
    for (std::size_t i = 0; i < found.size() / 2; ++i) {
      std::uint16_t bits = 0;
      float value = 0;
      std::memcpy(&bits, found.data() + 2 * i, 2);
      std::memcpy(&value, wanted.data() + 4 * i, 4);
      REQUIRE(std::abs(half(bits) - value) <= std::abs(value) / 2048 + 3e-8F);
    }
  }
  const auto deit = golden("deit_style.pth");
  CHECK(deit.tensors().size() == 30);
  for (const auto& tensor : deit.tensors()) {
    INFO(tensor.name);
    const auto* same = expected.find("img_encoder_q." + tensor.name);
    REQUIRE(same != nullptr);
    CHECK(bytes(deit, tensor.name) == bytes(expected, same->name));
  }
}

TEST_CASE("weight_file: a Lightning checkpoint gives its moments and hyper-parameters by path", "[io][golden]") {
  const auto file = golden("lightning.ckpt"), moments = golden("optimizer.safetensors");
  const auto order = parameter_order();
  REQUIRE(order.size() == 93);
  std::size_t found = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (const std::string part : {"exp_avg", "exp_avg_sq", "step"}) {
      const auto* tensor = file.find("optimizer_states.0.state." + std::to_string(i) + "." + part);
      const auto* wanted = moments.find(part + "." + order[i]);
      INFO(part << " of " << order[i]);
      REQUIRE((tensor == nullptr) == (wanted == nullptr));
      if (tensor == nullptr) continue;
      CHECK(bytes(file, tensor->name) == bytes(moments, wanted->name));
      ++found;
    }
  }
  CHECK(found == moments.tensors().size());
  CHECK(file.metadata().at("hyper_parameters.img_encoder") == "vit_base");
  CHECK(file.metadata().at("hyper_parameters.emb_dim") == "8");
  CHECK(file.metadata().at("hyper_parameters.freeze_bert") == "false");
  CHECK(file.metadata().at("hyper_parameters.resume") == "null");
  CHECK(file.metadata().at("optimizer_states.0.param_groups.0.betas.1") == "0.999");
  CHECK(file.metadata().at("epoch") == "1");
  CHECK(file.skipped().empty());
}

TEST_CASE("weight_file: objects of foreign classes are skipped, the tensors beside them are not", "[io][golden]") {
  const auto file = golden("lightning_foreign_classes.ckpt"), expected = golden("weights.safetensors");
  REQUIRE(file.tensors().size() == 2);
  for (const std::string name : {"prototype_layer.weight", "text_encoder_q.model.embeddings.position_ids"}) {
    CHECK(bytes(file, "state_dict." + name) == bytes(expected, name));
  }
  CHECK(file.metadata().at("hyper_parameters.img_encoder") == "vit_base");
  CHECK(file.metadata().at("big") == "1180591620717411303424");
  CHECK(file.metadata().at("neg") == "-1099511627776");
  CHECK(file.skipped().size() == 6);
}

TEST_CASE("weight_file: views, types and nesting are the same in both of torch's containers and in safetensors", "[io][golden]") {
  const auto expected = golden("misc.safetensors");
  for (const std::string name : {"misc.pth", "misc_legacy.pth"}) {
    const auto file = golden(name);
    CHECK(file.tensors().size() == 15);
    for (const auto& tensor : expected.tensors()) {
      INFO(name << ": " << tensor.name);
      CHECK(bytes(file, tensor.name) == bytes(expected, tensor.name));
      CHECK(file.at(tensor.name).dtype == tensor.dtype);
      if (tensor.name != "scalar") CHECK(file.at(tensor.name).shape == tensor.shape);
    }
    CHECK(file.metadata().at("nested.list.2") == "text");
  }
}

TEST_CASE("weight_file: a stream from one format to another and back keeps names, bytes and metadata", "[io][golden]") {
  const mgca::test::Scratch scratch;
  const auto from = golden("misc.pth");
  const auto copy = [](const WeightFile& file) { return [&](std::size_t i, auto& own) { return file.bytes(file.tensors()[i], own); }; };
  mgca::io::write_safetensors(mgca::posix_files(), scratch / "a.safetensors", from.tensors(), from.metadata(), copy(from));
  const auto middle = WeightFile::open(scratch / "a.safetensors");
  mgca::io::write_torch_archive(mgca::posix_files(), scratch / "b.pth", middle.tensors(), middle.metadata(), copy(middle));
  const auto back = WeightFile::open(scratch / "b.pth");
  CHECK(back.metadata() == from.metadata());
  CHECK(back.tensors().size() == 15);
  for (const auto& tensor : from.tensors()) CHECK(bytes(back, tensor.name) == bytes(from, tensor.name));
  CHECK(middle.sha256() == mgca::sha256(mgca::read_file(scratch / "a.safetensors")));
}

TEST_CASE("weight_file: 40 MB pass from a torch file to safetensors in little memory", "[io]") {
  const mgca::test::Scratch scratch;
  const std::vector<TensorInfo> infos(16, {"", Dtype::f32, {640, 977}});  // 2.5 MB each
  auto named = infos;
  for (std::size_t i = 0; i < named.size(); ++i) named[i].name = "w" + std::to_string(i);
  {
    const std::vector<std::byte> zeros(640 * 977 * 4);
    mgca::io::write_torch_archive(mgca::posix_files(), scratch / "big.pth", named, {}, [&](std::size_t, auto&) { return std::span<const std::byte>(zeros); });
  }
  const auto before = peak();
  const auto file = WeightFile::open(scratch / "big.pth");
  mgca::io::write_safetensors(mgca::posix_files(), scratch / "big.safetensors", file.tensors(), {}, [&](std::size_t i, auto& own) {
    if (i > 0) file.release(file.tensors()[i - 1]);
    return file.bytes(file.tensors()[i], own);
  });
  CHECK(peak() - before < (3 + 16) * 1024);
  CHECK(std::filesystem::file_size(scratch / "big.safetensors") > 39'000'000);
}

TEST_CASE("weight_file: a missing name is reported with the nearest and with what was skipped", "[io][fast]") {
  const mgca::test::Scratch scratch;
  write(scratch / "a.bin", mgca::test::archive(mgca::test::pickle("}( 'layer.weight' four 'model' my.net:Net ) #81 }( 'w' four u b u")));
  const auto file = WeightFile::open(scratch / "a.bin");
  expect_error([&] { (void)file.at("layer.wieght"); }, {"a.bin", "no tensor 'layer.wieght'", "did you mean 'layer.weight'", "my.net.Net", "'model'"});
}

TEST_CASE("weight_file: what is no file of weights is refused with what it is", "[io][fast]") {
  const mgca::test::Scratch scratch;
  const auto refused = [&](const std::string& content, std::string_view said) {
    write(scratch / "x.bin", content);
    INFO(content.substr(0, 40));
    expect_error([&] { (void)WeightFile::open(scratch / "x.bin"); }, {"x.bin", said});
  };
  refused("", "not a file of weights (0 bytes");
  refused("version https://git-lfs.github.com/spec/v1\noid sha256:12\n", "git lfs pull");
  refused("<!DOCTYPE html><html>", "a web page");
  refused("\x80\x04}.", "a bare pickle");
  refused("GGUF....", "beginning with '0x4747554");
  refused("{\"weight_map\"", "not the index of a sharded set");
  write(scratch / "x.safetensors", "0123456789");
  expect_error([&] { (void)WeightFile::open(scratch / "x.safetensors"); }, {"not a valid safetensors file"});
  expect_error([&] { (void)WeightFile::open(scratch / "nowhere"); }, {"nowhere", "No such file"});
}

TEST_CASE("weight_file: a sharded set is one file, and refused where index and shards disagree", "[io][fast]") {
  const mgca::test::Scratch scratch;
  const auto shard = [&](const std::string& name, const std::vector<std::string>& tensors) {
    const std::vector<std::byte> data(8, static_cast<std::byte>(tensors.size()));
    std::vector<mgca::io::TensorRecord> records;
    for (const auto& tensor : tensors) records.push_back({tensor, Dtype::f32, {2}, data});
    mgca::io::write_safetensors(scratch / name, records, {{"format", "pt"}});
  };
  shard("m-1.safetensors", {"a", "b"});
  shard("m-2.safetensors", {"c"});
  const auto index = [&](const std::string& text) {
    write(scratch / "m.safetensors.index.json", text);
    return WeightFile::open(scratch / "m.safetensors.index.json");
  };
  const std::string map = "\"weight_map\": {\"a\": \"m-1.safetensors\", \"b\": \"m-1.safetensors\", \"c\": \"m-2.safetensors\"}";
  const auto file = index("{\"metadata\": {\"total_size\": 24, \"total_parameters\": 6, \"more\": [1.5, {\"x\": null}]},\n " + map + "}\n");
  CHECK(file.container() == WeightContainer::sharded_safetensors);
  CHECK(file.tensors().size() == 3);
  CHECK(bytes(file, "c") == std::vector<std::byte>(8, std::byte{1}));
  CHECK(file.metadata().at("format") == "pt");
  const auto digest = file.sha256();
  CHECK(digest.size() == 64);
  CHECK(index("{" + map + "}").sha256() != digest);
  const auto refused = [&](const std::string& text, std::initializer_list<std::string_view> said) {
    INFO(text);
    expect_error([&] { (void)index(text); }, said);
  };
  const auto replaced = [&](const std::string& what, const std::string& with) {
    auto text = "{" + map + "}";
    return text.replace(text.find(what), what.size(), with);
  };
  refused("{\"metadata\": {\"total_size\": 25}, " + map + "}", {"total_size is 25", "24 bytes"});
  for (const std::string size : {"-1", "24.5", "\"24\"", "1e3", "18446744073709551616", "null"}) refused("{\"metadata\": {\"total_size\": " + size + "}, " + map + "}", {"index.json", "total_size"});
  refused(replaced("m-2.", "m-3."), {"index.json", "the shard 'm-3.safetensors' is missing"});
  refused(replaced("\"b\": \"m-1", "\"b\": \"m-2"), {"'b'", "in shard 'm-1.safetensors'", "says 'm-2.safetensors'"});
  refused(replaced("\"b\": \"m-1.safetensors\", ", ""), {"tensor 'b' of shard 'm-1.safetensors' is not in the index"});
  refused(replaced("\"c\"", "\"c\": \"m-2.safetensors\", \"d\""), {"'d'", "m-2.safetensors"});
  refused(replaced("\"b\"", "\"a\""), {"the key 'a' appears twice"});
  for (const std::string name : {"../m-2.safetensors", "/etc/passwd", "sub/m-2.safetensors", "..", ".", "", "a\\\\b", "C:x", "m\\u0000"}) {
    refused(replaced("m-2.safetensors", name), {"tensor 'c'", "not the plain name of a file beside the index"});
  }
  for (const std::string text : {"{", "{}", "{\"weight_map\": 3}", "{\"weight_map\": {\"a\": 3}}", "{\"weight_map\": {\"a\"}}", "{\"weight_map\": []}", "{\"metadata\": {}}", "{\"weight_map\": {}} x",
                                 "{\"weight_map\": {}, \"weight_map\": {}}", "{\"weight_map\": {}, }"}) {
    refused(text, {"not the index of a sharded set of safetensors"});
  }
  std::string deep = "{\"x\": ";
  for (int i = 0; i < 100'000; ++i) deep += "[";
  refused(deep, {"nested more than 16 deep"});
  write(scratch / "m-2.safetensors", "short");
  refused("{" + map + "}", {"m-2.safetensors", "not a valid safetensors file"});
}
