#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "runtime/tools/score/score_writer.h"
#include "runtime/tools/support/input_files.h"
#include "runtime/tools/support/output_file.h"
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

mode_t mode_of(const std::string& path) {
  struct stat status;
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

void write_file(const std::string& path, const std::string& bytes) {
  OutputFile out(path);
  out.write(bytes);
  out.commit();
}

TEST_CASE("links are followed and modes kept") {
  const TemporaryDirectory directory;
  directory.write("real.csv", "old");
  chmod(directory.file("real.csv").c_str(), 0640);
  std::filesystem::create_symlink("real.csv", directory.file("link.csv"));
  std::filesystem::create_symlink("link.csv", directory.file("link_to_link.csv"));
  write_file(directory.file("link_to_link.csv"), "new");
  CHECK(std::filesystem::is_symlink(directory.file("link_to_link.csv")));
  CHECK(std::filesystem::is_symlink(directory.file("link.csv")));
  CHECK(directory.read("real.csv") == "new");
  CHECK(mode_of(directory.file("real.csv")) == 0640);
}

TEST_CASE("a link whose target is not there yet is followed too") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.file("folder"));
  std::filesystem::create_symlink("folder/target", directory.file("link"));
  std::filesystem::create_symlink(directory.file("absolute_target"), directory.file("absolute"));
  write_file(directory.file("link"), "new");
  write_file(directory.file("absolute"), "newer");
  CHECK(std::filesystem::is_symlink(directory.file("link")));
  CHECK(directory.read("folder/target") == "new");
  CHECK(directory.read("absolute_target") == "newer");
  std::filesystem::create_symlink("loop", directory.file("loop"));
  CHECK(directory.error_of([&] { write_file(directory.file("loop"), ""); }) ==
        "loop: Too many levels of symbolic links");
}

TEST_CASE("a new file has the mode that the umask leaves") {
  const TemporaryDirectory directory;
  const mode_t before = umask(0027);
  write_file(directory.file("new"), "x");
  umask(before);
  CHECK(mode_of(directory.file("new")) == 0640);
}

TEST_CASE("what replaces a file that only its owner reads is never open to others") {
  const TemporaryDirectory directory;
  directory.write("secret", "old");
  chmod(directory.file("secret").c_str(), 0600);
  OutputFile out(directory.file("secret"));
  CHECK(mode_of(out.path()) == 0600);
}

TEST_CASE("who owns a file stays its owner, where we may say so") {
  if (geteuid() != 0) return;  // only root gives files away
  const TemporaryDirectory directory;
  directory.write("theirs", "old");
  REQUIRE(chown(directory.file("theirs").c_str(), 12, 34) == 0);
  write_file(directory.file("theirs"), "new");
  struct stat status;
  REQUIRE(stat(directory.file("theirs").c_str(), &status) == 0);
  CHECK(status.st_uid == 12);
  CHECK(status.st_gid == 34);
  CHECK(directory.read("theirs") == "new");
}

TEST_CASE("the longest name that a file can have") {
  const TemporaryDirectory directory;
  const std::string name(255, 'n');
  write_file(directory.file(name), "x");
  CHECK(directory.read(name) == "x");
  CHECK(directory.num_files() == 1);
}

// -------------------------------------------------------------------------------------------- temporary files

std::string temporary_name(const std::string& target, char digit) {
  return target + ".mmoe-" + std::string(16, digit) + ".tmp";
}

TEST_CASE("two writers of one file have temporaries of their own; the later one wins") {
  const TemporaryDirectory directory;
  OutputFile first(directory.file("out")), second(directory.file("out"));
  CHECK(first.path() != second.path());
  first.write("first");
  second.write("second, longer");
  second.commit();
  CHECK(directory.read("out") == "second, longer");
  first.commit();
  CHECK(directory.read("out") == "first");
  CHECK(directory.num_files() == 1);
}

TEST_CASE("what a killed run left is removed, and nothing else") {
  const TemporaryDirectory directory;
  const std::string abandoned = temporary_name("out", 'a'), foreign = temporary_name("other", 'b');
  const std::string short_one = "out.mmoe-abc.tmp", capital = temporary_name("out", 'F');
  for (const std::string& name : {abandoned, foreign, short_one, capital}) directory.write(name, "left");
  directory.write("victim", "whole");
  std::filesystem::create_symlink("victim", directory.file(temporary_name("out", 'c')));
  std::filesystem::create_directory(directory.file(temporary_name("out", 'd')));
  {
    OutputFile running(directory.file("out"));
    OutputFile other(directory.file("out"));
    CHECK(std::filesystem::exists(running.path()));
  }
  CHECK_FALSE(std::filesystem::exists(directory.file(abandoned)));
  for (const std::string& name : {foreign, short_one, capital, std::string("victim")}) {
    CHECK(std::filesystem::exists(directory.file(name)));
  }
  CHECK(directory.num_files() == 6);  // the link and the folder too
}

TEST_CASE("a temporary file does not follow what lies in its place, nor become standard input") {
  const TemporaryDirectory directory;
  const int saved = dup(STDIN_FILENO);
  close(STDIN_FILENO);
  {
    const TemporaryFile file(directory.file("out"), 0600);
    CHECK(file.descriptor() > STDERR_FILENO);
    CHECK((fcntl(file.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  if (saved >= 0) {
    dup2(saved, STDIN_FILENO);
    close(saved);
  }
}

// ---------------------------------------------------------------------------------------------- random access

TEST_CASE("parts of a file in any order, and read back before it is there") {
  const TemporaryDirectory directory;
  OutputFile out(directory.file("out"), OutputFile::Access::kRandom);
  out.write_at(6, "world");
  out.write("hello");
  out.flush();
  std::ifstream stream(out.path(), std::ios::binary);
  const std::string written{std::istreambuf_iterator<char>(stream), {}};
  CHECK(written == std::string("hello\0world", 11));
  out.commit();
  CHECK(directory.read("out") == written);
}

TEST_CASE("what is written at a place comes over what was appended there") {
  const TemporaryDirectory directory;
  OutputFile out(directory.file("out"), OutputFile::Access::kRandom);
  out.write("____tail");
  out.write_at(0, "head");  // while the above is still in a buffer
  out.write("!");
  out.commit();
  CHECK(directory.read("out") == "headtail!");
}

TEST_CASE("what cannot seek gets its parts in order") {
  const TemporaryDirectory directory;
  const std::string pipe = directory.file("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  OutputFile out(pipe, OutputFile::Access::kRandom);
  out.write_at(3, "def");
  out.write_at(0, "abc");
  out.commit();
  char text[16] = {};
  CHECK(read(reader, text, sizeof text) == 6);
  CHECK(std::string(text) == "abcdef");
  close(reader);
}

// ------------------------------------------------------------------------------------- devices, and the same file

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
  std::filesystem::create_hard_link(directory.file("a"), directory.file("hard"));
  CHECK(is_same_file(directory.file("a"), directory.file("b")));
  CHECK(is_same_file(directory.file("a"), directory.file("hard")));
  CHECK_FALSE(is_same_file(directory.file("a"), directory.file("c")));
  CHECK(is_same_file("no-such-file", "./no-such-file"));
  CHECK_FALSE(is_same_file("-", "-"));
  CHECK_FALSE(is_same_file("/dev/null", "/dev/null"));
  std::filesystem::create_symlink("not-there", directory.file("dangling"));
  CHECK(is_same_file(directory.file("dangling"), directory.file("./not-there")));
}

TEST_CASE("an output is no input, and no other output") {
  const TemporaryDirectory directory;
  directory.write("rows", "1");
  std::filesystem::create_hard_link(directory.file("rows"), directory.file("hard"));
  const auto refusal = [&](const std::string& first, const std::string& second) {
    return directory.error_of([&] {
      check_outputs({{"--output", first, "has the scores"}, {"--gates", second, "has the gates"}},
                    {{"ROWS", directory.file("rows"), "has the rows"}});
    });
  };
  CHECK(refusal(directory.file("hard"), "") == "--output: that file has the rows");
  CHECK(refusal("-", directory.file("rows")) == "--gates: that file has the rows");
  CHECK(refusal(directory.file("new"), directory.file("./new")) == "--gates: that file has the scores");
  CHECK(refusal("-", "-") == "--gates: standard output has the scores; name a file for one of them");
  CHECK(refusal("-", "/dev/stdout") == "--gates: standard output has the scores; name a file for one of them");
  CHECK(refusal("/dev/null", "/dev/null").empty());
  CHECK(refusal("-", directory.file("new")).empty());
  // It would become that of the first file that is opened.
  CHECK(refusal("/dev/fd/987", "") == "--output: /dev/fd/987: there is no such descriptor; redirect it to a file");
}

TEST_CASE("a file that has been read is not replaced") {
  const TemporaryDirectory directory;
  directory.write("data", "1");
  std::filesystem::create_symlink("data", directory.file("link"));
  note_input(directory.file("data"));
  CHECK(directory.error_of([&] { OutputFile out(directory.file("link")); }) ==
        "link: this output is also an input, data, which it would replace; name another file");
  OutputFile late(directory.file("late"));
  std::filesystem::create_hard_link(directory.file("data"), directory.file("late"));
  CHECK(directory.error_of([&] { late.commit(); }) ==
        "late: this output is also an input, data, which it would replace; name another file");
  CHECK(directory.read("data") == "1");
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
        "who           n     click\n"
        "Zoë           7  0.250000\n"
        "Bo\\x1b\\x0ab  10     1e+09\n");
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
