#include "runtime/tools/csv_reader.h"

#include <algorithm>
#include <utility>

#include "runtime/tools/error.h"

namespace mmoe::tools {
namespace {

constexpr std::size_t kMaxRecordBytes = 64u << 20;  // what lacks every line end is no table
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

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
  init();
}

CsvReader::CsvReader(std::string name, std::string_view text) : name_(std::move(name)), pending_(text) { init(); }

void CsvReader::init() {
  constexpr unsigned char kOptions = CSV_STRICT | CSV_STRICT_FINI;
  if (csv_init(&parser_, kOptions) != 0) throw ToolError(name_ + ": cannot start the CSV parser");
}

CsvReader::~CsvReader() { csv_free(&parser_); }

void CsvReader::on_field(void* field, std::size_t size, void* reader) {
  CsvRecord& record = static_cast<CsvReader*>(reader)->record_;
  record.text_.append(static_cast<const char*>(field), size);
  record.ends_.push_back(record.text_.size());
}

void CsvReader::on_record(int /*terminator*/, void* reader) { static_cast<CsvReader*>(reader)->complete_ = true; }

bool CsvReader::next() {
  record_.text_.clear();
  record_.ends_.clear();
  complete_ = started_ = false;
  record_bytes_ = 0;
  while (!complete_ && !finished_) {
    if (pending_.empty() && source_ != nullptr) pending_ = source_->next();
    if (pending_.empty()) {
      finish();
    } else {
      feed(take_line_part());
    }
  }
  return complete_;
}

// One line at most, with its end: so that the parser never runs ahead of line_.
std::string_view CsvReader::take_line_part() {
  std::string_view part = pending_.substr(0, pending_.find('\n'));
  part = part.substr(0, part.find('\r'));
  part = pending_.substr(0, part.size() + 1);
  pending_.remove_prefix(part.size());
  return part;
}

void CsvReader::feed(std::string_view line_part) {
  if (!started_) {
    record_line_ = line_;
    started_ = line_part.find_first_not_of(" \t\r\n") != std::string_view::npos;
  }
  record_bytes_ += line_part.size();
  if (record_bytes_ > kMaxRecordBytes) throw ToolError(where() + ": a record of more than 64 MiB; is this CSV?");
  if (csv_parse(&parser_, line_part.data(), line_part.size(), on_field, on_record, this) != line_part.size()) {
    if (csv_error(&parser_) != CSV_EPARSE) throw ToolError(where() + ": " + csv_strerror(csv_error(&parser_)));
    throw ToolError(name_ + ":" + std::to_string(line_) +
                    ": a double quote within a field; a field that has one must be quoted, and its quotes doubled");
  }
  count_line(line_part.back());
}

void CsvReader::count_line(char last) {
  if (last == '\r' || (last == '\n' && !after_cr_)) ++line_;
  after_cr_ = last == '\r';
}

void CsvReader::finish() {
  finished_ = true;
  if (csv_fini(&parser_, on_field, on_record, this) != 0) {
    throw ToolError(where() + ": a quoted field of the record that starts here is not closed by the end of the input");
  }
}

std::vector<std::string> split_csv(const std::string& name, std::string_view line) {
  CsvReader reader(name, line);
  if (!reader.next()) throw ToolError(name + ": no names given");
  std::vector<std::string> fields = reader.record().fields();
  if (reader.next()) throw ToolError(name + ": more than one line");
  return fields;
}

}  // namespace mmoe::tools
