#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/core/mapped_file.hpp>

#include <sys/resource.h>
#include <sys/stat.h>

using mgca::test::Scratch;

TEST_CASE("mapped_file: shows the bytes of the file, also after it was moved and after another took its name", "[core][fast]") {
  const Scratch scratch;
  const std::string text(100000, 'm');
  mgca::atomic_write(mgca::posix_files(), scratch / "a", text);
  mgca::MappedFile mapped(scratch / "a");
  const auto shown = [&](const mgca::MappedFile& file) { return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()); };
  CHECK(shown(mapped) == text);
  mgca::atomic_write(mgca::posix_files(), scratch / "a", std::string_view("new"));
  const mgca::MappedFile moved(std::move(mapped));
  CHECK(shown(moved) == text);
  mgca::MappedFile other(scratch / "a");
  mgca::MappedFile assigned(scratch / "a");
  assigned = std::move(other);
  CHECK(shown(assigned) == "new");
}

TEST_CASE("mapped_file: mapping costs no memory, an empty file maps to nothing, what is missing is named", "[core][fast]") {
  const Scratch scratch;
  mgca::atomic_write(mgca::posix_files(), scratch / "empty", std::string_view());
  CHECK(mgca::MappedFile(scratch / "empty").bytes().empty());
  mgca::atomic_write(mgca::posix_files(), scratch / "big", std::string_view("x"));
  std::filesystem::resize_file(scratch / "big", std::uintmax_t{1} << 30);  // a hole: no disk either
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  const mgca::MappedFile big(scratch / "big");
  CHECK(big.bytes().size() == std::size_t{1} << 30);
  CHECK(big.bytes().back() == std::byte{0});
  ::getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < 16 * 1024);  // KiB
  mgca::test::expect_error([&] { mgca::MappedFile mapped(scratch / "absent"); }, {"absent", "No such file"});
  mgca::test::expect_error([&] { mgca::MappedFile mapped(scratch.path()); }, {"directory"});
}

TEST_CASE("mapped_file: a pipe or device is refused at once", "[core][fast]") {
  const Scratch scratch;
  REQUIRE(::mkfifo((scratch / "pipe").c_str(), 0600) == 0);
  for (const auto& path : {scratch / "pipe", std::filesystem::path("/dev/zero")}) {
    mgca::test::expect_error([&] { mgca::MappedFile mapped(path); }, {path.string(), "Invalid argument"});
  }
}

TEST_CASE("mapped_file: advice about pages changes no byte, whichever bytes it is about", "[core][fast]") {
  const Scratch scratch;
  std::string text(50000, ' ');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  mgca::atomic_write(mgca::posix_files(), scratch / "a", text);
  const mgca::MappedFile file(scratch / "a");
  for (const auto& [first, count] : {std::pair<std::size_t, std::size_t>{0, 50000}, {1, 4095}, {4096, 4096}, {4097, 20000}, {49999, 1}, {7, 0}}) {
    const auto part = file.bytes().subspan(first, count);
    mgca::expect_scattered_reads(part);
    mgca::fetch_pages(part);
    mgca::release_pages(part);
    CHECK(std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()) == text);
  }
}
