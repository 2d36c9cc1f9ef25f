#include "runtime/tools/rows/matrix.h"

#include <algorithm>
#include <numeric>

#include "runtime/tools/rows/column_map.h"
#include "runtime/tools/rows/csv_reader.h"
#include "runtime/tools/rows/npy_reader.h"
#include "runtime/tools/rows/row_format.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

using Header = std::vector<std::string>;

float parse_value(const CsvReader& csv, const std::string& column, std::string_view text) {
  float value = 0;
  text = trimmed(text);
  const NumberStatus status = parse_float(text, value);
  if (status == NumberStatus::kOk) return value;
  const std::string found = text.empty() ? "no value" : quoted(text);
  const char* problem = status == NumberStatus::kOutOfRange ? " is beyond the range of a float" : " is not a number";
  throw ToolError(csv.where() + ": column " + quoted(trimmed(column)) + ": " + found + (text.empty() ? "" : problem));
}

Header read_header(CsvReader& csv) {
  if (!csv.next()) throw ToolError(csv.name() + ": empty; expected a header line that names the columns");
  return csv.record().fields();
}

// Names may be numbers, as tasks' are; a row of data would hardly have all of them.
bool has_all(const Header& header, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::find(header.begin(), header.end(), name) != header.end();
  });
}

// The given columns of all records that are left.
Matrix read_columns(CsvReader& csv, const Header& header, const std::vector<std::size_t>& columns) {
  Matrix matrix;
  matrix.columns = columns.size();
  // In a table of one column a blank line is a value that is missing; behind all others it is none.
  if (header.size() == 1) csv.set_blank_lines(BlankLines::kRecords);
  std::string blank_line;
  for (; csv.next(); ++matrix.rows) {
    if (csv.is_blank() && blank_line.empty()) blank_line = csv.where();
    if (csv.is_blank()) {
      --matrix.rows;
      continue;
    }
    if (!blank_line.empty()) throw ToolError(blank_line + ": column " + quoted(trimmed(header[0])) + ": no value");
    if (csv.record().size() != header.size()) {
      throw ToolError(csv.where() + ": " + counted(csv.record().size(), "field") + ", but the header has " +
                      std::to_string(header.size()));
    }
    for (const std::size_t column : columns) {
      matrix.values.push_back(parse_value(csv, header[column], csv.record()[column]));
    }
  }
  return matrix;
}

Matrix read_npy(ByteSource& bytes, std::size_t columns) {
  NpyReader array(bytes);
  if (array.columns() != columns) {
    throw ToolError(bytes.name() + ": an array of " + counted(array.columns(), "column") + "; expected " +
                    std::to_string(columns));
  }
  constexpr std::size_t kPartFloats = 1 << 16;  // grows with what is there, not with what a header promises
  const std::size_t part_rows = std::max<std::size_t>(1, kPartFloats / columns);
  Matrix matrix;
  matrix.columns = columns;
  for (std::size_t got = 1; got > 0; matrix.rows += got) {
    matrix.values.resize((matrix.rows + part_rows) * columns);
    got = array.read(matrix.values.data() + matrix.rows * columns, part_rows);
  }
  matrix.values.resize(matrix.rows * columns);
  return matrix;
}

}  // namespace

Matrix read_matrix(const std::string& path, const std::vector<std::string>& names) {
  ByteSource bytes(path);
  if (detect_row_format(bytes) == RowFormat::kNpy) return read_npy(bytes, names.size());
  CsvReader csv(bytes);
  const Header header = read_header(csv);
  if (!has_all(header, names)) check_is_header(csv.where(), header);
  return read_columns(csv, header, find_columns(csv.where(), header, names));
}

Matrix read_matrix(const std::string& path, std::size_t columns) {
  ByteSource bytes(path);
  if (detect_row_format(bytes) == RowFormat::kNpy) return read_npy(bytes, columns);
  CsvReader csv(bytes);
  const Header header = read_header(csv);
  check_is_header(csv.where(), header);
  if (header.size() != columns) {
    throw ToolError(csv.where() + ": " + counted(header.size(), "column") + "; expected " + std::to_string(columns));
  }
  std::vector<std::size_t> all(columns);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return read_columns(csv, header, all);
}

}  // namespace mmoe::tools
