#include "runtime/tools/rows/csv_reader.h"

#include <utility>

#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

constexpr std::size_t kMaxRecordBytes = 64u << 20;  // what lacks every line end is no table
constexpr std::size_t kMaxFields = 4u << 20;        // x has at most 2^20 columns
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

bool ends_line(char c) { return c == '\n' || c == '\r'; }

}  // namespace

std::string_view CsvRecord::operator[](std::size_t field) const {
  const std::size_t begin = field == 0 ? 0 : ends_[field - 1];
  return std::string_view(text_).substr(begin, ends_[field] - begin);
}

std::vector<std::string> CsvRecord::fields() const {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < size(); ++i) result.emplace_back((*this)[i]);
  return result;
}

CsvReader::CsvReader(ByteSource& source) : name_(source.name()), source_(&source) {
  if (starts_with(source.peek(kByteOrderMark.size()), kByteOrderMark)) source.skip(kByteOrderMark.size());
}

CsvReader::CsvReader(std::string name, std::string_view text) : name_(std::move(name)), pending_(text) {}

bool CsvReader::is_blank() const { return record_.size() == 1 && !any_quotes_ && trimmed(record_[0]).empty(); }

bool CsvReader::next() {
  do {
    start_record();
    while (!complete_ && !finished_) {
      if (pending_.empty() && source_ != nullptr) pending_ = source_->next();
      if (pending_.empty()) {
        finish();
      } else {
        feed(take_line_part());
      }
    }
  } while (complete_ && blank_lines_ == BlankLines::kSkipped && is_blank());
  return complete_;
}

void CsvReader::start_record() {
  record_.text_.clear();
  record_.ends_.clear();
  state_ = State::kStart;
  any_quotes_ = complete_ = false;
  record_bytes_ = 0;
}

// One line at most, with its end: so that a record is complete before the next one is looked at.
std::string_view CsvReader::take_line_part() {
  std::string_view part = pending_.substr(0, pending_.find('\n'));
  part = part.substr(0, part.find('\r'));
  part = pending_.substr(0, part.size() + 1);
  pending_.remove_prefix(part.size());
  return part;
}

void CsvReader::feed(std::string_view line_part) {
  if (record_bytes_ == 0) {
    if (line_part == "\n" && after_cr_) return count_line('\n');  // the second half of CRLF
    record_line_ = line_;
  }
  record_bytes_ += line_part.size();
  if (record_bytes_ > kMaxRecordBytes) throw ToolError(where() + ": a record of more than 64 MiB; is this CSV?");
  while (!line_part.empty()) {
    // A quoted field's text, or a plain one's: up to what could mean something else.
    const bool quoted = state_ == State::kQuoted;
    std::size_t same = quoted || state_ == State::kPlain ? line_part.find_first_of(quoted ? "\"" : ",\"\r\n") : 0;
    if (same == std::string_view::npos) same = line_part.size();
    record_.text_ += line_part.substr(0, same);
    if (same < line_part.size()) take(line_part[same++]);
    if (same >= line_part.size()) count_line(line_part.back());
    line_part.remove_prefix(same);
  }
}

void CsvReader::take(char c) {
  const bool blank = c == ' ' || c == '\t';
  switch (state_) {
    case State::kStart:
      if (c == '"') return start_quoted();
      if (blank) break;
      state_ = State::kPlain;
      return take(c);
    case State::kPlain:
      if (c == '"') fail_at_quote();
      if (c == ',' || ends_line(c)) return take_structure(c);
      break;
    case State::kQuoted:
      state_ = State::kQuote;  // feed() hands over nothing but the quote
      return;
    case State::kQuote:
      if (c != '"') {
        state_ = State::kBehindQuoted;
        return take(c);
      }
      state_ = State::kQuoted;
      break;
    case State::kBehindQuoted:
      if (c == ',' || ends_line(c)) return take_structure(c);
      if (!blank) fail_at_quote();
      return;
  }
  record_.text_ += c;
}

void CsvReader::take_structure(char c) {
  end_field();
  complete_ = c != ',';
}

// Blanks before a quote are none of the field's.
void CsvReader::start_quoted() {
  record_.text_.resize(record_.ends_.empty() ? 0 : record_.ends_.back());
  state_ = State::kQuoted;
  any_quotes_ = true;
}

void CsvReader::end_field() {
  if (record_.size() == kMaxFields) throw ToolError(where() + ": a record of more than 4,194,304 fields; is this CSV?");
  record_.ends_.push_back(record_.text_.size());
  state_ = State::kStart;
}

void CsvReader::count_line(char last) {
  if (last == '\r' || (last == '\n' && !after_cr_)) ++line_;
  after_cr_ = last == '\r';
}

void CsvReader::finish() {
  finished_ = true;
  if (state_ == State::kQuoted) {
    throw ToolError(where() + ": a quoted field of the record that starts here is not closed by the end of the input");
  }
  if (record_bytes_ > 0) take_structure('\n');
}

void CsvReader::fail_at_quote() const {
  throw ToolError(name_ + ":" + std::to_string(line_) +
                  ": a double quote within a field; a field that has one must be quoted, and its quotes doubled");
}

std::vector<std::string> split_csv(const std::string& name, std::string_view line) {
  CsvReader reader(name, line);
  if (!reader.next()) throw ToolError(name + ": no names given");
  std::vector<std::string> fields = reader.record().fields();
  if (reader.next()) throw ToolError(name + ": more than one line");
  for (std::string& field : fields) field = trimmed(field);
  return fields;
}

}  // namespace mmoe::tools
