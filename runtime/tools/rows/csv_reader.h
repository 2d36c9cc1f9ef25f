// Records of CSV, as RFC 4180 has them and spreadsheets, pandas and R write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/tools/support/byte_source.h"

namespace mmoe::tools {

/// The fields of one record, one behind the other in one string.
class CsvRecord {
 public:
  std::size_t size() const { return ends_.size(); }
  /// The field as it stands: blanks belong to it. trimmed() of text.h takes off the outer ones.
  std::string_view operator[](std::size_t field) const;
  std::vector<std::string> fields() const;

 private:
  friend class CsvReader;
  std::string text_;
  std::vector<std::size_t> ends_;
};

/// What a line without anything but blanks is.
enum class BlankLines : std::uint8_t {
  kSkipped,
  kRecords  ///< a record of one empty field: the missing value of a table that has one column
};

/// Streams records. Lines end with LF, CRLF or CR, the last one may lack its end; a UTF-8 byte order mark is dropped.
/// Blanks belong to a field, except those around a quoted one. Malformed quoting is refused rather than guessed at: a
/// forgotten quote would swallow the rest of the file.
class CsvReader {
 public:
  /// The source must stay as long as the reader.
  explicit CsvReader(ByteSource& source);
  /// Reads `text` itself; messages begin with `name`.
  CsvReader(std::string name, std::string_view text);
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  /// From the next record on. At first they are skipped.
  void set_blank_lines(BlankLines blank_lines) { blank_lines_ = blank_lines; }

  /// Moves to the next record; false at the end. Throws ToolError naming file and line.
  bool next();

  const CsvRecord& record() const { return record_; }
  /// Whether the record is a line without anything but blanks.
  bool is_blank() const;
  /// The line on which the record starts, counted from 1; lines within quoted fields count too.
  std::uint64_t line() const { return record_line_; }
  const std::string& name() const { return name_; }
  /// "rows.csv:17"
  std::string where() const { return name_ + ":" + std::to_string(record_line_); }

 private:
  /// Of the field that is being read.
  enum class State : std::uint8_t {
    kStart,  ///< nothing but blanks yet
    kPlain,
    kQuoted,
    kQuote,        ///< behind a quote within a quoted one: its end, or the first of two
    kBehindQuoted  ///< blanks
  };

  void start_record();
  std::string_view take_line_part();
  void feed(std::string_view line_part);
  void take(char c);
  void take_structure(char c);
  void start_quoted();
  void end_field();
  void count_line(char last);
  void finish();
  [[noreturn]] void fail_at_quote() const;

  std::string name_;
  ByteSource* source_ = nullptr;
  std::string_view pending_;
  CsvRecord record_;
  BlankLines blank_lines_ = BlankLines::kSkipped;
  State state_ = State::kStart;
  bool any_quotes_ = false;  ///< in this record
  bool complete_ = false;    ///< the record is: its end has been seen
  bool finished_ = false;
  bool after_cr_ = false;
  std::uint64_t line_ = 1;  ///< of the next byte
  std::uint64_t record_line_ = 1;
  std::size_t record_bytes_ = 0;
};

/// The fields of one line, trimmed, as in `--header "a,b,c"`. `name` begins the message of the ToolError.
std::vector<std::string> split_csv(const std::string& name, std::string_view line);

}  // namespace mmoe::tools
