#include <doctest/doctest.h>

#include <sys/stat.h>

#include <cmath>
#include <filesystem>

#include "runtime/tools/output_file.h"
#include "runtime/tools/score_writer.h"
#include "tests/unit/tools/temporary_file.h"

namespace mmoe::tools {
namespace {

using test::TemporaryDirectory;
using Names = std::vector<std::string>;

TEST_CASE("a file appears complete or not at all") {
  const TemporaryDirectory directory;
  directory.write("out.csv", "old");
  {
    OutputFile out(directory.file("out.csv"));
    out.write(std::string(200000, 'x'));
    CHECK(directory.read("out.csv") == "old");
  }  // as when an exception passes
  CHECK(directory.read("out.csv") == "old");
  CHECK(directory.num_files() == 1);
  {
    OutputFile out(directory.file("out.csv"));
    out.write("new");
    out.commit();
  }
  CHECK(directory.read("out.csv") == "new");
  CHECK(directory.num_files() == 1);
}

TEST_CASE("two files at a time, each complete or not at all") {
  const TemporaryDirectory directory;
  {
    OutputFile first(directory.file("first")), second(directory.file("second"));
    first.write("1");
    second.write("2");
    first.commit();
  }
  CHECK(directory.read("first") == "1");
  CHECK(directory.num_files() == 1);
}

TEST_CASE("links are followed and modes kept") {
  const TemporaryDirectory directory;
  directory.write("real.csv", "old");
  chmod(directory.file("real.csv").c_str(), 0600);
  std::filesystem::create_symlink("real.csv", directory.file("link.csv"));
  OutputFile out(directory.file("link.csv"));
  out.write("new");
  out.commit();
  CHECK(std::filesystem::is_symlink(directory.file("link.csv")));
  CHECK(directory.read("real.csv") == "new");
  struct stat status;
  REQUIRE(stat(directory.file("real.csv").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("devices are written to, and errors name the file") {
  OutputFile("/dev/null").write("x");
  const TemporaryDirectory directory;
  CHECK(directory.error_of([&] { OutputFile out(directory.file("no/such/out.csv")); }) ==
        "no/such/out.csv: No such file or directory");
  CHECK(directory.error_of([&] { OutputFile out(directory.file(".")); }) == ".: Is a directory");
  CHECK(directory.error_of([] {
    OutputFile out("/dev/full");
    out.write("x");
    out.commit();
  }) == "/dev/full: No space left on device");
}

TEST_CASE("the same file under two names") {
  const TemporaryDirectory directory;
  directory.write("a", "");
  std::filesystem::create_symlink("a", directory.file("b"));
  CHECK(is_same_file(directory.file("a"), directory.file("b")));
  CHECK_FALSE(is_same_file(directory.file("a"), directory.file("c")));
  CHECK(is_same_file("no-such-file", "./no-such-file"));
}

std::string written(bool table, const Names& kept_names, const Names& tasks,
                    const std::vector<std::pair<Names, std::vector<float>>>& rows) {
  const TemporaryDirectory directory;
  OutputFile out(directory.file("out"));
  const auto write = [&](ScoreWriter&& writer) {
    for (const auto& [kept, scores] : rows) writer.write(kept, scores.data());
    writer.finish();
  };
  table ? write(TableScoreWriter(out, kept_names, tasks)) : write(CsvScoreWriter(out, kept_names, tasks));
  out.commit();
  return directory.read("out");
}

TEST_CASE("scores as CSV") {
  CHECK(written(false, {}, {"click", "like"}, {{{}, {0.1f, 1.0f}}, {{}, {1e-30f, std::nanf("")}}}) ==
        "click,like\n0.1,1\n1e-30,nan\n");
  CHECK(written(false, {"who"}, {"a,b"}, {{{"x,\"y\""}, {-0.0f}}}) == "who,\"a,b\"\n\"x,\"\"y\"\"\",-0\n");
  CHECK(written(false, {}, {"click"}, {}) == "click\n");
}

TEST_CASE("scores as a table") {
  CHECK(written(true, {"who", "n"}, {"click"}, {{{"Zoë", "7"}, {0.25f}}, {{"Bo\x1b\nb", "10"}, {1e9f}}}) ==
        "who     n     click\n"
        "Zoë     7  0.250000\n"
        "Bo??b  10     1e+09\n");
  CHECK(written(true, {}, {"click"}, {}) == "click\n");
}

TEST_CASE("a table's widths are those of its first rows") {
  std::vector<std::pair<Names, std::vector<float>>> rows(TableScoreWriter::kRowsForWidths, {{"a"}, {0}});
  rows.push_back({{"longer"}, {0.5f}});
  rows.push_back({{"b"}, {1}});
  const std::string text = written(true, {"k"}, {"t"}, rows);
  CHECK(text.substr(0, 24) == "k         t\na  0.000000\n");
  CHECK(text.substr(text.size() - 29) == "longer  0.500000\nb  1.000000\n");
}

}  // namespace
}  // namespace mmoe::tools
