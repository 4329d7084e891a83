#include "torch_builder.hpp"

#include <mgca/io/detail/crc32.hpp>

#include <cctype>
#include <cstring>
#include <span>

namespace mgca::test {

std::string le(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFFU);
  return text;
}
std::vector<std::byte> to_bytes(const std::string& text) {
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}
std::uint32_t crc_of(const std::string& text) { return io::detail::crc32<0xEDB88320U>(std::as_bytes(std::span(text))); }

namespace {

std::string text(std::string_view of) { return "X" + le(of.size(), 4) + std::string(of); }
std::string number(std::string_view digits) { return "\x8a\x08" + le(static_cast<std::uint64_t>(std::stoll(std::string(digits))), 8); }
std::vector<std::string> split(std::string_view of, char at) {
  std::vector<std::string> parts{""};
  for (const char c : of) c == at ? (void)parts.emplace_back() : parts.back().push_back(c);
  return parts;
}
std::string numbers(const std::string& of) {
  std::string out = "(";
  if (!of.empty()) {
    for (const auto& one : split(of, ',')) out += number(one);
  }
  return out + "t";
}
std::string storage(const std::string& of) {
  auto parts = split(of, ':');
  if (parts.size() < 2) parts.emplace_back("FloatStorage");
  if (parts.size() < 3) parts.emplace_back("0");
  return "(" + text("storage") + "ctorch\n" + parts[1] + "\n" + text(parts[2]) + text("cpu") + number(parts[0]) + "tQ";
}
const std::string kOrdered = "ccollections\nOrderedDict\n)R";
std::string tensor(std::string_view of) {
  const auto parts = split(of, '@');
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage(parts.at(0)) + number(parts.at(1)) + numbers(parts.at(2)) + numbers(parts.at(3)) + "\x89" + kOrdered + "tR";
}
std::string token(std::string_view word) {
  const bool digits = std::isdigit(static_cast<unsigned char>(word.back())) != 0;
  if (digits && (std::isdigit(static_cast<unsigned char>(word[0])) != 0 || word[0] == '-')) return number(word);
  if (word == "four") return tensor("4@0@2,2@2,1");
  if (word == "odict") return kOrdered;
  if (word[0] == '$') return storage(std::string(word.substr(1)));
  if (word[0] == '@') return tensor(word.substr(1));
  if (word[0] == '#') {
    std::string bytes;
    for (std::size_t i = 1; i + 1 < word.size(); i += 2) bytes += static_cast<char>(std::stoi(std::string(word.substr(i, 2)), nullptr, 16));
    return bytes;
  }
  const auto colon = word.rfind(':');
  if (colon == std::string_view::npos) return std::string(word);
  return "c" + std::string(word.substr(0, colon)) + "\n" + std::string(word.substr(colon + 1)) + "\n";
}

}  // namespace

std::string assemble(std::string_view notation) {
  std::string out;
  for (std::size_t at = 0; at < notation.size();) {
    if (notation[at] == ' ') {
      ++at;
    } else if (notation[at] == '\'') {
      const auto end = notation.find('\'', at + 1);
      out += text(notation.substr(at + 1, end - at - 1));
      at = end + 1;
    } else {
      const auto end = std::min(notation.find(' ', at), notation.size());
      out += token(notation.substr(at, end - at));
      at = end;
    }
  }
  return out;
}
std::string pickle(std::string_view notation) { return "\x80\x02" + assemble(notation) + "."; }

namespace {
std::string header(const ZipPart& part, std::uint32_t crc, const ZipLie& said) {
  const auto name = said.name.value_or(part.name), extra = said.extra.value_or("");
  std::string out = le(20, 2) + le(said.flags.value_or(0x0800), 2) + le(said.method.value_or(0), 2) + le(0, 4);
  out += le(said.crc.value_or(crc), 4) + le(said.stored.value_or(part.data.size()), 4) + le(said.plain.value_or(part.data.size()), 4);
  return out + le(said.name_length.value_or(name.size()), 2) + le(said.extra_length.value_or(extra.size()), 2);
}
}  // namespace

std::string zip(const std::vector<ZipPart>& parts, const ZipEnd& lie) {
  std::string file, directory;
  std::uint64_t count = 0;
  for (const auto& part : parts) {
    const auto at = file.size();
    const auto crc = crc_of(part.data);
    file += le(part.local.signature.value_or(0x04034b50), 4) + header(part, crc, part.local) + part.local.name.value_or(part.name);
    file += part.local.extra.value_or("") + part.data + part.behind;
    if (!part.listed) continue;
    ++count;
    directory += le(part.central.signature.value_or(0x02014b50), 4) + le(20, 2) + header(part, crc, part.central) + std::string(10, '\0');
    directory += le(part.central.offset.value_or(at), 4) + part.central.name.value_or(part.name) + part.central.extra.value_or("");
  }
  file += lie.before_directory;
  const auto begin = file.size();
  directory += lie.directory_tail;
  file += directory + lie.after_directory + "PK\5\6" + le(lie.disk.value_or(0), 2) + le(0, 2);
  file += le(lie.here.value_or(count), 2) + le(lie.total.value_or(count), 2) + le(lie.size.value_or(directory.size()), 4);
  return file + le(lie.offset.value_or(begin), 4) + le(lie.comment_length.value_or(lie.comment.size()), 2) + lie.comment;
}
std::vector<ZipPart> parts(const std::string& pickle, const std::vector<std::string>& storages) {
  std::vector<ZipPart> all{{"a/data.pkl", pickle}};
  for (std::size_t i = 0; i < storages.size(); ++i) all.push_back({"a/data/" + std::to_string(i), storages[i]});
  return all;
}
std::string archive(const std::string& pickle, const std::vector<std::string>& storages) { return zip(parts(pickle, storages)); }

LegacyParts::LegacyParts()
    : magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15),
      protocol(pickle("1001")),
      machine(pickle("}( 'protocol_version' 1001 'little_endian' #88 u")),
      keys(pickle("]( '0' e")),
      storages(le(4, 8) + std::string(16, '\1')) {}
std::string legacy(const std::string& object, const LegacyParts& parts) {
  return parts.magic + parts.protocol + parts.machine + object + parts.keys + parts.storages;
}

std::string counting(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) {
    const auto value = static_cast<float>(i);
    text.append(reinterpret_cast<const char*>(&value), 4);
  }
  return text;
}

}  // namespace mgca::test
