#include "runtime/tools/rows/csv_reader.h"

#include <doctest/doctest.h>

#include "runtime/tools/support/error.h"
#include "tests/unit/tools/temporary_file.h"

namespace mmoe::tools {
namespace {

using Records = std::vector<std::vector<std::string>>;

struct Parsed {
  Records records;
  std::vector<std::uint64_t> lines;
};

Parsed parse(CsvReader& reader) {
  Parsed parsed;
  while (reader.next()) {
    parsed.records.push_back(reader.record().fields());
    parsed.lines.push_back(reader.line());
  }
  return parsed;
}

Parsed parse(const std::string& text) {
  CsvReader reader("rows.csv", text);
  return parse(reader);
}

std::string error_of(const std::string& text) {
  return test::TemporaryDirectory().error_of([&] { parse(text); });
}

using Lines = std::vector<std::uint64_t>;

TEST_CASE("records, fields and their lines") {
  const Parsed parsed = parse("a,b\n1,2\n\n3,4\n");
  CHECK(parsed.records == Records{{"a", "b"}, {"1", "2"}, {"3", "4"}});
  CHECK(parsed.lines == Lines{1, 2, 4});
}

TEST_CASE("line ends: LF, CRLF, CR, none at the end") {
  CHECK(parse("a,b\r\n1,2\r\n3,4").lines == Lines{1, 2, 3});
  CHECK(parse("a,b\r1,2\r3,4").lines == Lines{1, 2, 3});
  CHECK(parse("a\n\r\n\r\nb\n").lines == Lines{1, 4});
  CHECK(parse("").records.empty());
  CHECK(parse("\n \n\t\n").records.empty());
}

TEST_CASE("lines within quotes count, and a record is named by its first") {
  const Parsed parsed = parse("a,b\n\"one\ntwo\r\n\nfour\",x\n\"\n\n\"\ny,z\n");
  CHECK(parsed.records == Records{{"a", "b"}, {"one\ntwo\r\n\nfour", "x"}, {"\n\n"}, {"y", "z"}});
  CHECK(parsed.lines == Lines{1, 2, 6, 9});
}

TEST_CASE("quotes and blanks") {
  CHECK(parse("  a b  ,\t c \n").records == Records{{"  a b  ", "\t c "}});
  CHECK(parse("  \" a \"\t, \"\"\n").records == Records{{" a ", ""}});
  CHECK(parse("\" a \",\"say \"\"hi\"\"\",\"x,y\" \n").records == Records{{" a ", "say \"hi\"", "x,y"}});
  CHECK(parse(",\n,,\n\"\"\n").records == Records{{"", ""}, {"", "", ""}, {""}});
}

TEST_CASE("malformed quoting is refused") {
  CHECK(error_of("a\nb\n5\" pipe,x\n") ==
        "rows.csv:3: a double quote within a field; a field that has one must be quoted, and its quotes doubled");
  CHECK(error_of("a\n\"b\"c\n").substr(0, 11) == "rows.csv:2:");
  CHECK(error_of("a\n\"b\" c\n").substr(0, 11) == "rows.csv:2:");
  CHECK(error_of("a\n\"b\" \"c\"\n").substr(0, 11) == "rows.csv:2:");
  CHECK(error_of("a\n\"b\n\nc\n") ==
        "rows.csv:2: a quoted field of the record that starts here is not closed by the end of the input");
}

TEST_CASE("more fields than any table has are refused before they fill the memory") {
  const std::size_t most = std::size_t{4} << 20;
  CHECK(parse(std::string(most - 1, ',') + "\n").records.front().size() == most);
  CHECK(error_of("a\n" + std::string(most, ',') + "\n") ==
        "rows.csv:2: a record of more than 4,194,304 fields; is this CSV?");
}

TEST_CASE("a file may end within a line") {
  CHECK(parse("a,b\n1,").records == Records{{"a", "b"}, {"1", ""}});
  CHECK(parse("a,b\n1,\"2\"").records == Records{{"a", "b"}, {"1", "2"}});
  CHECK(parse("a\n  ").records == Records{{"a"}});
}

TEST_CASE("blank lines as records") {
  const auto parse_all = [](const std::string& text) {
    CsvReader reader("rows.csv", text);
    reader.set_blank_lines(BlankLines::kRecords);
    return parse(reader);
  };
  CHECK(parse_all("a\n\n1\n \t\n\n").records == Records{{"a"}, {""}, {"1"}, {" \t"}, {""}});
  CHECK(parse_all("a\r\n\r\n1\r\n").records == Records{{"a"}, {""}, {"1"}});  // the LF of CRLF is none
  CHECK(parse_all("a\r\r1").records == Records{{"a"}, {""}, {"1"}});
  CHECK(parse_all("a\r\n\r\n1\r\n").lines == Lines{1, 2, 3});
  CHECK(parse_all("a\n1").records == Records{{"a"}, {"1"}});
  CHECK(parse_all("").records.empty());
}

TEST_CASE("records across the borders of reads") {
  // Longer than the source's buffer, so that every kind of line end and quote meets a border somewhere.
  std::string text = "\xef\xbb\xbfname,value\r\n";
  Records expected = {{"name", "value"}};
  Lines lines = {1};
  std::uint64_t line = 2;
  for (std::size_t i = 0; i < 60000; ++i) {
    const std::string number = std::to_string(i);
    text += "\"a\r\n" + number + "\"," + number + "\r\n";
    expected.push_back({"a\r\n" + number, number});
    lines.push_back(line);
    line += 2;
  }
  const test::TemporaryDirectory directory;
  ByteSource source(directory.write("long.csv", text));
  CsvReader reader(source);
  const Parsed parsed = parse(reader);
  CHECK((parsed.records == expected));
  CHECK((parsed.lines == lines));
}

TEST_CASE("split_csv takes one line") {
  CHECK(split_csv("--header", "a, b,\"c,d\"") == std::vector<std::string>{"a", "b", "c,d"});
  const test::TemporaryDirectory directory;
  CHECK(directory.error_of([] { split_csv("--header", " "); }) == "--header: no names given");
  CHECK(directory.error_of([] { split_csv("--header", "a\nb"); }) == "--header: more than one line");
}

}  // namespace
}  // namespace mmoe::tools
