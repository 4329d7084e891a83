#include "catch.hpp"
#include "expect_error.hpp"
#include "faulty_files.hpp"
#include "paths.hpp"

#include <mgca/viz/page_file.hpp>

using namespace mgca;
using test::FaultyFiles;
using std::filesystem::perms;

namespace {

Page page_with(ReportText text) {
  Page page({.title = "t", .text = text});
  page.section("s");
  if (text == ReportText::shown) page.strips(std::vector<Strip>{{.query = {.title = "q", .report = "canary"}}});
  return page;
}

}  // namespace

TEST_CASE("page_file: the file is the page, readable as the user's mask says", "[viz][fast]") {
  const test::Scratch scratch;
  const auto page = page_with(ReportText::withheld);
  viz::write_page(posix_files(), scratch / "open.html", page);
  CHECK(read_text_file(scratch / "open.html") == page.render());
  CHECK((std::filesystem::status(scratch / "open.html").permissions() & perms::owner_read) != perms::none);
}

TEST_CASE("page_file: report text is its owner's alone, even over an older open file", "[viz][fast]") {
  const test::Scratch scratch;
  viz::write_page(posix_files(), scratch / "p.html", page_with(ReportText::withheld));
  viz::write_page(posix_files(), scratch / "p.html", page_with(ReportText::shown));
  CHECK(std::filesystem::status(scratch / "p.html").permissions() == (perms::owner_read | perms::owner_write));
}

TEST_CASE("page_file: whatever operation fails, the page is the old or the new one and no temporary holds report text", "[viz][fast]") {
  const auto before = page_with(ReportText::withheld), after = page_with(ReportText::shown);
  for (std::int64_t k = 1;; ++k) {
    const test::Scratch scratch;
    viz::write_page(posix_files(), scratch / "p.html", before);
    FaultyFiles faulty({.fail_at = k});
    bool failed = false;
    try {
      viz::write_page(faulty, scratch / "p.html", after);
    } catch (const Error& error) {
      failed = true;
      CHECK(std::string(error.what()).find("canary") == std::string::npos);
    }
    INFO("operation " << k);
    const auto now = read_text_file(scratch / "p.html");
    CHECK((now == after.render() || (failed && now == before.render())));
    CHECK(posix_files().list(scratch.path()).size() == 1);
    if (!faulty.reached()) break;
    REQUIRE(k < 200);
  }
}

TEST_CASE("page_file: a folder that does not exist is named", "[viz][fast]") {
  test::expect_error([] { viz::write_page(posix_files(), "/no/such/folder/p.html", page_with(ReportText::shown)); }, {"/no/such/folder"});
}
