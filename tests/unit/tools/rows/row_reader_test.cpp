#include "runtime/tools/rows/row_reader.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/unit/tools/temporary_file.h"

namespace mmoe::tools {
namespace {

using test::TemporaryDirectory;

FeatureSpec dense(const std::string& name, std::size_t width = 1, bool refuses_missing = false) {
  FeatureSpec spec;
  spec.name = name;
  spec.width = width;
  spec.refuses_missing = refuses_missing;
  return spec;
}

FeatureSpec category(const std::string& name, bool strings, bool refuses_unknown = false) {
  FeatureSpec spec;
  spec.name = name;
  spec.kind = FeatureKind::kSparse;
  spec.string_values = strings;
  spec.refuses_unknown = refuses_unknown;
  return spec;
}

// Vocabularies: the string "AT" is 7, the integer 10 is 8, 2^64 - 1 is 9, nothing else is known.
InputSpec with_features(std::vector<FeatureSpec> features) {
  InputSpec spec;
  spec.features = std::move(features);
  spec.find_string = [](std::size_t, std::string_view value) { return value == "AT" ? 7 : -1; };
  spec.find_integer = [](std::size_t, std::int64_t value) { return value == 10 ? 8 : -1; };
  spec.find_unsigned = [](std::size_t, std::uint64_t value) { return value == UINT64_MAX ? 9 : -1; };
  return spec;
}

InputSpec with_x(std::size_t input_dim) {
  InputSpec spec;
  spec.input_dim = input_dim;
  return spec;
}

struct ReadRows {
  std::vector<std::vector<float>> values;      // all dense values of a row
  std::vector<std::vector<std::int32_t>> ids;  // all ids of a row
  std::vector<std::vector<std::string>> kept;
  std::vector<std::string> places;
  std::vector<std::size_t> batches;
};

void add_row(const InputSpec& spec, const RowBatch& batch, std::size_t row, ReadRows& rows) {
  std::vector<float> values;
  std::vector<std::int32_t> ids;
  const auto append = [](auto& to, const auto* from, std::size_t count) { to.insert(to.end(), from, from + count); };
  if (spec.features.empty()) append(values, batch.values(0, row), spec.input_dim);
  for (std::size_t i = 0; i < spec.features.size(); ++i) {
    const FeatureSpec& feature = spec.features[i];
    if (feature.kind == FeatureKind::kDense) append(values, batch.values(i, row), feature.width);
    if (feature.kind != FeatureKind::kDense) append(ids, batch.ids(i, row), feature.length);
  }
  rows.values.push_back(values);
  rows.ids.push_back(ids);
  rows.kept.push_back(batch.kept(row));
}

ReadRows read(const std::string& path, const InputSpec& spec, const RowReaderOptions& options = {}) {
  RowReader reader(path, spec, options);
  ReadRows rows;
  while (const RowBatch* batch = reader.next()) {
    rows.batches.push_back(batch->num_rows());
    for (std::size_t i = 0; i < batch->num_rows(); ++i) {
      add_row(spec, *batch, i, rows);
      rows.places.push_back(reader.where(i));
    }
  }
  return rows;
}

ReadRows read_text(const std::string& text, const InputSpec& spec, const RowReaderOptions& options = {}) {
  const TemporaryDirectory directory;
  return read(directory.write("rows.csv", text), spec, options);
}

std::string error_of(const std::string& text, const InputSpec& spec, const RowReaderOptions& options = {}) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("rows.csv", text);
  return directory.error_of([&] { read(path, spec, options); });
}

using Values = std::vector<std::vector<float>>;
using Ids = std::vector<std::vector<std::int32_t>>;

TEST_CASE("features are found by name, further columns ignored") {
  const InputSpec spec =
      with_features({dense("age"), category("country", true), dense("v", 2), category("zip", false)});
  const ReadRows rows = read_text("note,zip,v.1,country,v.0,age\nhello,10,2,AT,1,30\n\"a,b\",11,4,XX,3,-1e2\n", spec);
  CHECK(rows.values == Values{{30, 1, 2}, {-100, 3, 4}});
  CHECK(rows.ids == Ids{{7, 8}, {-1, -1}});
}

TEST_CASE("several features may read one column, each by its own rules") {
  FeatureSpec id = category("table", false), number = dense("size");
  id.source = number.source = "country";
  const ReadRows rows = read_text("country\n10\n3\n", with_features({id, number}));
  CHECK(rows.ids == Ids{{8}, {-1}});
  CHECK(rows.values == Values{{10}, {3}});
}

TEST_CASE("a sequence is one column, or a column per element") {
  FeatureSpec tags = category("tags", false);
  tags.kind = FeatureKind::kSequence;
  tags.length = 3;
  const InputSpec spec = with_features({tags});
  CHECK(read_text("tags\n10|3\n", spec).ids == Ids{{8, -1, -2}});
  CHECK(read_text("tags.1, tags.0,tags.2\n10,3,\n,,\n,,10\n", spec).ids == Ids{{-1, 8, -2}, {-2, -2, -2}, {-2, -2, 8}});
  CHECK(read_text("tags.0,tags.1\n10,10\n", spec).ids == Ids{{8, 8, -2}});  // fewer columns than elements
  CHECK(read_text("tags.0,tags\n10,3\n", spec).ids == Ids{{-1, -2, -2}});   // its own name comes first
  CHECK(error_of("tags.0,tags.1,tags.2,tags.3\n1,1,1,1\n", spec) ==
        "rows.csv:1: columns 'tags.0' to 'tags.3', but the sequence has at most 3 elements");
  CHECK(error_of("tags.1,tags.2\n1,1\n", spec) == "rows.csv:1: no column 'tags'; the header has: tags.1, tags.2");
}

TEST_CASE("batches are full but the last, and memory is used again") {
  RowReaderOptions options;
  options.batch_rows = 2;
  options.keep = {"name"};
  const ReadRows rows = read_text("x0,name\n1,a\n2,b\n3,c\n4,d\n5,e\n", with_x(1), options);
  CHECK(rows.batches == std::vector<std::size_t>{2, 2, 1});
  CHECK(rows.values == Values{{1}, {2}, {3}, {4}, {5}});
  CHECK(rows.kept[4] == std::vector<std::string>{"e"});
}

TEST_CASE("no rows are no error") {
  CHECK(read_text("age\n", with_features({dense("age")})).values.empty());
  CHECK(read_text("\xef\xbb\xbf"
                  "age",
                  with_features({dense("age")}))
            .values.empty());
}

TEST_CASE("a byte order mark, CRLF and a missing last line end") {
  CHECK(read_text("\xef\xbb\xbf\"age\"\r\n1\r\n2", with_features({dense("age")})).values == Values{{1}, {2}});
}

TEST_CASE("an empty file has no header") {
  const std::string message = "rows.csv: empty; expected a header line that names the columns";
  CHECK(error_of("", with_x(1)) == message);
  CHECK(error_of("\n\n", with_x(1)) == message);
}

TEST_CASE("bad values are named with line, column and value") {
  const InputSpec spec = with_features({dense("age"), category("zip", false)});
  CHECK(error_of("age,zip\n1,10\nabc,10\n", spec) == "rows.csv:3: column 'age': 'abc' is not a number");
  CHECK(error_of("zip,age\n10,1e99\n", spec) == "rows.csv:2: column 'age': '1e99' is beyond the range of a float");
  CHECK(error_of("zip,age\n1.5,1\n", spec) == "rows.csv:2: column 'zip': '1.5' is not a whole number");
  CHECK(error_of("zip,age\n99999999999999999999,1\n", spec) ==
        "rows.csv:2: column 'zip': '99999999999999999999' does not fit 64 bits");
  CHECK(error_of("zip,age\n-9223372036854775809,1\n", spec) ==
        "rows.csv:2: column 'zip': '-9223372036854775809' does not fit 64 bits");
}

TEST_CASE("a bad value behind a quoted line break is named with its record's line") {
  const InputSpec spec = with_features({dense("age")});
  CHECK(error_of("age,note\r\n1,\"a\r\nb\"\r\n\r\nx,\"c\nd\"\r\n", spec) ==
        "rows.csv:5: column 'age': 'x' is not a number");
}

TEST_CASE("missing values and unknown categories follow the feature's rules") {
  const InputSpec lenient = with_features({dense("a"), category("s", true), category("i", false)});
  const ReadRows rows = read_text("a,s,i\n,,\nnan,XX,11\n\"\",\"\",\"\"\n", lenient);
  for (const std::vector<float>& values : rows.values) CHECK(std::isnan(values[0]));
  CHECK(rows.ids == Ids{{-1, -1}, {-1, -1}, {-1, -1}});

  const InputSpec strict = with_features({dense("a", 1, true), category("s", true, true)});
  CHECK(error_of("a,s\n,AT\n", strict) ==
        "rows.csv:2: column 'a': no value, and the feature has none for missing ones");
  CHECK(error_of("a,s\n1,XX\n", strict) ==
        "rows.csv:2: column 's': 'XX' is not in the vocabulary, and the feature refuses unknown values");
  CHECK(error_of("a,s\n1,\n", strict) == "rows.csv:2: column 's': no value, and the feature refuses unknown ones");
  // NaN in so many words is left to the session's rule for what is not finite.
  CHECK(std::isnan(read_text("a,s\nnan,AT\n", strict).values[0][0]));
}

TEST_CASE("categories are looked up as they stand, then without the blanks around them") {
  InputSpec spec = with_features({category("s", true), category("i", false), dense("d")});
  spec.find_string = [](std::size_t, std::string_view value) {
    return value == "AT" ? 7 : value == " AT" ? 6 : value == " b " ? 5 : value == "c" ? 4 : -1;
  };
  const std::string text =
      "s,i,d\nAT,10,1\n AT, 10 , 1\nAT ,10,1\n\" AT\",\" 10\",\"1 \"\n b ,10,1\nb,10,1\n\tc ,10,1\n"
      "  \"c\" ,10,1\n";
  const ReadRows rows = read_text(text, spec);
  CHECK(rows.ids == Ids{{7, 8}, {6, 8}, {7, 8}, {6, 8}, {5, 8}, {-1, 8}, {4, 8}, {4, 8}});
  for (const std::vector<float>& values : rows.values) CHECK(values == std::vector<float>{1});
  // Names of columns too.
  InputSpec named = with_features({dense(" a"), dense("b")});
  CHECK(read_text("b , a,a\n1,2,3\n", named).values == Values{{2, 1}});
}

TEST_CASE("whole numbers that a table's writer made floats of") {
  const InputSpec spec = with_features({category("i", false), category("j", false)});
  CHECK(read_text("i,j\n10.0,10.00\n1e1,1.0e+01\n11.0,\nnan,10\n", spec).ids == Ids{{8, 8}, {8, 8}, {-1, -1}, {-1, 8}});
  CHECK(error_of("i,j\n1,10.5\n", spec) == "rows.csv:2: column 'j': '10.5' is not a whole number");
}

TEST_CASE("one column: a blank line is a row without a value") {
  const InputSpec spec = with_features({category("s", true)});
  CHECK(read_text("s\nAT\n\nAT\n  \n\"\"\n", spec).ids == Ids{{7}, {-1}, {7}, {-1}, {-1}});
  CHECK(read_text("\n\ns\r\n\r\nAT\r\n", spec).ids == Ids{{-1}, {7}});
  CHECK(read_text("s,t\nAT,1\n\nAT,1\n", spec).ids == Ids{{7}, {7}});
  CHECK(error_of("x0\n1\n\n2\n", with_x(1)) == "rows.csv:3: column 'x0': no value");
}

std::vector<std::string> notes_about(const std::string& text, const InputSpec& spec) {
  const TemporaryDirectory directory;
  RowReader reader(directory.write("rows.csv", text), spec);
  while (reader.next()) {
  }
  return reader.notes();
}

TEST_CASE("what rows had that the model does not know") {
  FeatureSpec words = category("words", true);
  words.kind = FeatureKind::kSequence;
  words.length = 4;
  const InputSpec spec = with_features({dense("d"), category("s", true), category("i", false), words});
  CHECK(notes_about("d,s,i,words\n1,AT,10,AT|AT\n2,AT,10,\n", spec).empty());
  CHECK(notes_about("d,s,i,words\n1,XX,,AT|y\n,,10,AT|AT\nnan,XX,11,\n4,AT,nan,\n", spec) ==
        std::vector<std::string>{"feature 'd': of 4 values, 2 are missing (50 %)",
                                 "feature 's': of 4 values, 2 are unknown (50 %), 1 is missing (25 %)",
                                 "feature 'i': of 4 values, 1 is unknown (25 %), 2 are missing (50 %)",
                                 "feature 'words': of 4 values, 1 is unknown (25 %)"});
  CHECK(notes_about("x0,x1\n1,nan\n2,3\n", with_x(2)) ==
        std::vector<std::string>{"x: of 4 values, 1 is missing (25 %)"});
  std::vector<FeatureSpec> many;
  std::string header, row;
  for (int i = 0; i < 25; ++i) {
    many.push_back(dense("f" + std::to_string(i)));
    header += (i > 0 ? ",f" : "f") + std::to_string(i);
    row += i > 0 ? "," : "";
  }
  const std::vector<std::string> notes = notes_about(header + "\n" + row + "\n", with_features(many));
  CHECK(notes.size() == 21);
  CHECK(notes.back() == "5 more features with unknown or missing values");
}

TEST_CASE("long rows: fewer at a time") {
  FeatureSpec words = category("words", true);
  words.kind = FeatureKind::kSequence;
  words.length = 1 << 20;
  CHECK(rows_that_fit(with_features({words}), 256) == 16);
  CHECK(rows_that_fit(with_features(std::vector<FeatureSpec>(64, words)), 256) == 1);
  CHECK(rows_that_fit(with_x(100), 256) == 256);
  CHECK(rows_that_fit(with_features({}), 3) == 3);
}

TEST_CASE("missing and doubled columns are named") {
  const InputSpec spec = with_features({dense("age"), dense("v", 2)});
  CHECK(error_of("Age,v.0\n1,2\n", spec) == "rows.csv:1: no columns 'age', 'v.1'; the header has: Age, v.0");
  CHECK(error_of("age,v.0,v.1,age\n", spec) == "rows.csv:1: column 'age' is there 2 times");
  CHECK(error_of("age;v.0;v.1\n", spec) ==
        "rows.csv:1: no columns 'age', 'v.0', 'v.1'; the header is one column, 'age;v.0;v.1': columns are separated "
        "by commas");
  CHECK(read_text("age,v.0,v.1,other,other\n1,2,3,4,5\n", spec).values == Values{{1, 2, 3}});
}

TEST_CASE("rows with too many or too few fields are refused") {
  CHECK(error_of("a,b\n1,2\n1\n", with_x(2)) == "rows.csv:3: 1 field, but the header (line 1) has 2");
  CHECK(error_of("\na,b\n1,2,\n", with_x(2)) == "rows.csv:3: 3 fields, but the header (line 2) has 2");
}

TEST_CASE("x by the names x0, x1, …, or by the number of columns") {
  CHECK(read_text("label,x1,x0\n9,2,1\n", with_x(2)).values == Values{{1, 2}});
  CHECK(read_text("first,second\n1,2\n", with_x(2)).values == Values{{1, 2}});
  CHECK(read_text("0,1\n5,6\n", with_x(2)).values == Values{{5, 6}});  // pandas' names for nameless columns
  CHECK(error_of("a,b,c\n1,2,3\n", with_x(2)) ==
        "rows.csv:1: 3 columns; expected the 2 of x in order, or columns named x0 … x1; the header has: a, b, c");
  CHECK(error_of("a,b\n1,\n", with_x(2)) == "rows.csv:2: column 'b': no value");
  CHECK(read_text(" x1 ,x0\n2, 1 \n", with_x(2)).values == Values{{1, 2}});
}

TEST_CASE("a header that names columns of x is obeyed or refused") {
  const auto header_error = [](const std::string& header) { return error_of(header + "\n1,2,3\n", with_x(3)); };
  CHECK(header_error("label,x0,x1") == "rows.csv:1: no column 'x2'; the header has: label, x0, x1");
  CHECK(header_error("x2,x1,y0") == "rows.csv:1: no column 'x0'; the header has: x2, x1, y0");
  CHECK(header_error("x1,x2,x3") == "rows.csv:1: no column 'x0'; the header has: x1, x2, x3");
  CHECK(header_error("x0,x1,x1") == "rows.csv:1: column 'x1' is there 2 times");
  CHECK(header_error("a,x2,c") == "rows.csv:1: no columns 'x0', 'x1'; the header has: a, x2, c");
  // By position, unless a name says another one.
  CHECK(header_error("a,b,c").empty());
  CHECK(header_error("X0,X_1,x[2]").empty());
  CHECK(header_error("a,X1,c").empty());
  CHECK(header_error("xa,xb,xc").empty());
  for (const char* header : {"X2,X1,X0", "X1,X2,X3", "x_2,x_1,x_0", "a,b,x[0]", "x.02,b,c", "x 1,x 0,x 2"}) {
    CHECK_MESSAGE(header_error(header).find("is like a name of another place of x") != std::string::npos, header);
  }
}

TEST_CASE("a first line of numbers is not taken for a header") {
  CHECK(error_of("0.5,1.5\n1,2\n", with_x(2)) ==
        "rows.csv:1: the first line holds only numbers (0.5, 1.5); expected a header line that names the columns");
  RowReaderOptions options;
  options.header = {"x0", "x1"};
  const ReadRows rows = read_text("0.5,1.5\n1,2\n", with_x(2), options);
  CHECK(rows.values == Values{{0.5f, 1.5f}, {1, 2}});
}

TEST_CASE("a given header") {
  RowReaderOptions options;
  options.header = {"b", "a"};
  const InputSpec spec = with_features({dense("a")});
  CHECK(read_text("1,2\n", spec, options).values == Values{{2}});
  CHECK(error_of("1,2,3\n", spec, options) == "rows.csv:1: 3 fields, but the given header has 2");
  options.header = {"b"};
  CHECK(error_of("1\n", spec, options) == "the given header: no column 'a'; the header has: b");
  CHECK(read_text("", with_x(1), options).values.empty());
}

TEST_CASE("kept columns") {
  RowReaderOptions options;
  options.keep = {"note", "x0"};
  const ReadRows rows = read_text("x0,note\n1.50,\" a,\nb\"\n", with_x(1), options);
  CHECK(rows.kept == std::vector<std::vector<std::string>>{{" a,\nb", "1.50"}});
  options.keep = {"nope"};
  CHECK(error_of("x0,note\n", with_x(1), options) == "rows.csv:1: no column 'nope'; the header has: x0, note");
}

TEST_CASE("where a row came from") {
  RowReaderOptions options;
  options.batch_rows = 2;
  const ReadRows rows = read_text("x0,b\n1,\n\n2,\n3,\n", with_x(1), options);
  const auto ends_with = [](const std::string& text, const std::string& end) {
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
  };
  CHECK(ends_with(rows.places[1], "rows.csv:4"));
  CHECK(ends_with(rows.places[2], "rows.csv:5"));
}

TEST_CASE("files that are no table are named for what they are") {
  CHECK(error_of("\x1f\x8b\x08", with_x(1)).substr(0, 26) == "rows.csv: gzip-compressed;");
  CHECK(error_of("PK\x03\x04xxxx", with_x(1)) == "rows.csv: a zip or .npz archive; expected CSV or .npy");
  CHECK(error_of("PAR1xxxx", with_x(1)) == "rows.csv: a Parquet file; expected CSV or .npy");
  CHECK(error_of(std::string("\xff\xfe"
                             "a\0",
                             4),
                 with_x(1)) == "rows.csv: UTF-16 text; expected UTF-8");
  const TemporaryDirectory directory;
  CHECK(directory.error_of([&] { read(directory.file("none.csv"), with_x(1)); }) ==
        "none.csv: No such file or directory");
}

TEST_CASE(".npy for x") {
  const TemporaryDirectory directory;
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }        \n";
  const std::string data = test::raw_bytes<float>({1, 2, 3, 4, 5, 6});
  const std::string path = directory.write("x.npy", test::npy_bytes(header, data));
  RowReaderOptions options;
  options.batch_rows = 2;
  const ReadRows rows = read(path, with_x(2), options);
  CHECK(rows.values == Values{{1, 2}, {3, 4}, {5, 6}});
  CHECK(rows.batches == std::vector<std::size_t>{2, 1});
  CHECK(rows.places[2].find("x.npy: row 2 (counted from 0)") != std::string::npos);

  CHECK(directory.error_of([&] { read(path, with_x(3)); }) ==
        "x.npy: an array of 2 columns; expected the model's input_dim, 3");
  CHECK(directory.error_of([&] {
    read(path, with_features({dense("a"), dense("b")}));
  }) == "x.npy: an array of numbers, but the model takes 2 features by name; expected CSV, or the names of the array's "
        "columns (mmoe-score --header)");
  options.keep = {"a"};
  CHECK(directory.error_of([&] { read(path, with_x(2), options); }) ==
        "x.npy: an array has no named columns: neither a header nor columns to keep can be given");
}

TEST_CASE(".npy for features, whose columns a header names") {
  const TemporaryDirectory directory;
  const std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 3), }        \n";
  const double nan = std::nan("");
  const auto array = [&](std::initializer_list<double> values) {
    return directory.write("x.npy", test::npy_bytes(header, test::raw_bytes<double>(values)));
  };
  const InputSpec spec = with_features({dense("d"), category("i", false)});
  RowReaderOptions options;
  options.header = {"i", "other", "d"};
  const std::string path = array({10, 1, 0.5, 11, 2, nan, nan, 3, -2});
  const ReadRows rows = read(path, spec, options);
  CHECK(rows.ids == Ids{{8}, {-1}, {-1}});
  CHECK(rows.values[0] == std::vector<float>{0.5f});
  CHECK(std::isnan(rows.values[1][0]));
  RowReader reader(path, spec, options);
  while (reader.next()) {
  }
  CHECK(reader.notes() ==
        std::vector<std::string>{"feature 'd': of 3 values, 1 is missing (33.3 %)",
                                 "feature 'i': of 3 values, 1 is unknown (33.3 %), 1 is missing (33.3 %)"});

  const auto refusal = [&](const InputSpec& of, std::vector<std::string> names, std::initializer_list<double> values) {
    RowReaderOptions given;
    given.header = std::move(names);
    const std::string file = array(values);
    return directory.error_of([&] { read(file, of, given); });
  };
  CHECK(refusal(spec, {"i", "o", "d"}, {10, 1, 1, 10.5, 1, 1, 10, 1, 1}) ==
        "x.npy: row 1 (counted from 0), column 'i': 10.5 is not a whole number");
  CHECK(refusal(spec, {"i", "o", "d"}, {1e300, 1, 1, 10, 1, 1, 10, 1, 1}).find("does not fit 64 bits") !=
        std::string::npos);
  CHECK(refusal(spec, {"i", "o", "d"}, {10, 1, 1e300, 10, 1, 1, 10, 1, 1}).find("beyond the range of a float") !=
        std::string::npos);
  CHECK(refusal(spec, {"i", "d"}, {1, 2, 3, 4, 5, 6, 7, 8, 9}) ==
        "x.npy: an array of 3 columns, but the given header has 2");
  CHECK(refusal(spec, {"i", "o", "p"}, {1, 2, 3, 4, 5, 6, 7, 8, 9}) ==
        "the given header: no column 'd'; the header has: i, o, p");
  CHECK(refusal(with_features({category("s", true)}), {"s", "o", "p"}, {1, 2, 3, 4, 5, 6, 7, 8, 9}) ==
        "x.npy: an array of numbers, but feature 's' is a text; expected CSV");
  CHECK(refusal(with_features({category("i", false, true)}), {"i", "o", "p"}, {11, 2, 3, 4, 5, 6, 7, 8, 9}) ==
        "x.npy: row 0 (counted from 0), column 'i': 11 is not in the vocabulary, and the feature refuses unknown "
        "values");
}

TEST_CASE("CSV: columns that the model does not read can be kept once they are known") {
  const TemporaryDirectory directory;
  const std::string path = directory.write("rows.csv", "a,x1,b,x0\n1,2,three,4\n");
  RowReader reader(path, with_x(2));
  CHECK(reader.spare_columns() == std::vector<std::string>{"a", "b"});
  CHECK(directory.error_of([&] { reader.keep({"c"}); }) == "rows.csv:1: no column 'c'; the header has: a, x1, b, x0");
  reader.keep({"b"});
  const RowBatch* batch = reader.next();
  REQUIRE(batch != nullptr);
  CHECK(batch->kept(0) == std::vector<std::string>{"three"});
}

TEST_CASE("CSV: the elements of a sequence in one cell") {
  const TemporaryDirectory directory;
  FeatureSpec words = category("words", true);
  words.kind = FeatureKind::kSequence;
  words.length = 3;
  const InputSpec spec = with_features({words});
  const std::string path = directory.write("rows.csv", "words,other\nAT|x|AT,1\nAT,2\n|AT,3\n,4\n");
  const std::int32_t none = Model::kNoElement;
  CHECK(read(path, spec).ids ==
        std::vector<std::vector<std::int32_t>>{{7, -1, 7}, {7, none, none}, {-1, 7, none}, {none, none, none}});
  const std::string blanks = directory.write("blanks.csv", "words,other\nAT | x| AT,1\n  ,2\n\" AT|AT \",3\n");
  CHECK(read(blanks, spec).ids == std::vector<std::vector<std::int32_t>>{{7, -1, 7}, {none, none, none}, {7, 7, none}});
  const std::string longer = directory.write("longer.csv", "words,other\nAT|AT|AT|AT,1\n");
  CHECK(directory.error_of([&] { read(longer, spec); }) == "longer.csv:2: column 'words': more than 3 elements");
}

}  // namespace
}  // namespace mmoe::tools
