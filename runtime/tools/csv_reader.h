// Comma-separated values (RFC 4180), record by record.
#pragma once

#include <csv.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/tools/byte_source.h"

namespace mmoe::tools {

/// The fields of one record, one behind the other in one string.
class CsvRecord {
 public:
  std::size_t size() const { return ends_.size(); }
  std::string_view operator[](std::size_t field) const;
  std::vector<std::string> fields() const;

 private:
  friend class CsvReader;
  std::string text_;
  std::vector<std::size_t> ends_;
};

/// Streams records. Blanks around unquoted fields are trimmed and blank lines skipped; lines end with LF, CRLF
/// or CR, the last one may lack its end; a UTF-8 byte order mark is dropped. Malformed quoting is refused
/// rather than guessed at: a forgotten quote would swallow the rest of the file.
class CsvReader {
 public:
  /// The source must stay as long as the reader.
  explicit CsvReader(ByteSource& source);
  /// Reads `text` itself; messages begin with `name`.
  CsvReader(std::string name, std::string_view text);
  ~CsvReader();
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  /// Moves to the next record; false at the end. Throws ToolError naming file and line.
  bool next();

  const CsvRecord& record() const { return record_; }
  /// The line on which the record starts, counted from 1; lines within quoted fields count too.
  std::uint64_t line() const { return record_line_; }
  const std::string& name() const { return name_; }
  /// "rows.csv:17"
  std::string where() const { return name_ + ":" + std::to_string(record_line_); }

 private:
  static void on_field(void* field, std::size_t size, void* reader);
  static void on_record(int terminator, void* reader);
  void init();
  std::string_view take_line_part();
  void feed(std::string_view line_part);
  void count_line(char last);
  void finish();

  std::string name_;
  ByteSource* source_ = nullptr;
  std::string_view pending_;
  csv_parser parser_;
  CsvRecord record_;
  bool complete_ = false;     ///< a record is: its terminator has been seen
  bool started_ = false;      ///< a record is: something of it has been seen
  bool finished_ = false;
  bool after_cr_ = false;
  std::uint64_t line_ = 1;         ///< of the next byte
  std::uint64_t record_line_ = 1;
  std::size_t record_bytes_ = 0;
};

/// The fields of one line, as in `--header "a,b,c"`. `name` begins the message of the ToolError.
std::vector<std::string> split_csv(const std::string& name, std::string_view line);

}  // namespace mmoe::tools
