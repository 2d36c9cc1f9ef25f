#include "runtime/tools/rows/csv_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

// Empty; or, of a number, what NumPy and pandas call a missing one.
bool is_missing(const FeatureSpec& feature, std::string_view text) {
  float value = 0;
  return text.empty() || (!feature.string_values && parse_float(text, value) == NumberStatus::kOk && std::isnan(value));
}

}  // namespace

CsvRows::CsvRows(ByteSource& bytes, const InputSpec& spec, const RowReaderOptions& options)
    : RowSource(spec), csv_(bytes) {
  read_header(options);
  names_where_ = options.header.empty() ? csv_.where() : "the given header";
  cells_ = map_columns(names_where_, header_, spec);
  keep(options.keep);
  if (header_.size() == 1) csv_.set_blank_lines(BlankLines::kRecords);
}

void CsvRows::keep(const std::vector<std::string>& names) { keep_ = find_columns(names_where_, header_, names); }

std::vector<std::string> CsvRows::spare_columns() const {
  std::vector<bool> read(header_.size());
  for (const Cell& cell : cells_) read[cell.column] = true;
  std::vector<std::string> spare;
  for (std::size_t i = 0; i < header_.size(); ++i) {
    if (!read[i]) spare.emplace_back(trimmed(header_[i]));
  }
  return spare;
}

void CsvRows::read_header(const RowReaderOptions& options) {
  if (!options.header.empty()) {
    header_ = options.header;
    header_where_ = "the given header";
    return;
  }
  if (!csv_.next()) throw ToolError(csv_.name() + ": empty; expected a header line that names the columns");
  header_ = csv_.record().fields();
  header_where_ = "the header (line " + std::to_string(csv_.line()) + ")";
  check_is_header(csv_.where(), header_);
}

std::string CsvRows::where(std::size_t row) const { return csv_.name() + ":" + std::to_string(lines_[row]); }

void CsvRows::read(RowBatch& batch) {
  batch.clear();
  lines_.clear();
  while (batch.num_rows() < batch.capacity() && csv_.next()) {
    lines_.push_back(csv_.line());
    store_row(batch, batch.num_rows());
    batch.set_num_rows(batch.num_rows() + 1);
  }
}

void CsvRows::store_row(RowBatch& batch, std::size_t row) {
  const CsvRecord& record = csv_.record();
  if (record.size() != header_.size()) {
    throw ToolError(csv_.where() + ": " + counted(record.size(), "field") + ", but " + header_where_ + " has " +
                    std::to_string(header_.size()));
  }
  for (const Cell& cell : cells_) {
    const FeatureKind kind = spec_.features.empty() ? FeatureKind::kDense : spec_.features[cell.slot].kind;
    switch (kind) {
      case FeatureKind::kDense:
        batch.values(cell.slot, row)[cell.offset] = parse_dense(cell, record[cell.column]);
        break;
      case FeatureKind::kSparse:
        if (spec_.features[cell.slot].parts.empty()) {
          *batch.ids(cell.slot, row) = parse_category(cell, record[cell.column]);
        } else {
          parse_part(cell, record[cell.column], *batch.ids(cell.slot, row));
        }
        break;
      case FeatureKind::kSequence:
        if (cell.is_weight) {
          parse_weights(cell, record[cell.column], batch.ids(cell.slot, row), batch.values(cell.slot, row));
          break;
        }
        cell.is_element ? parse_element(cell, record[cell.column], batch.ids(cell.slot, row))
                        : parse_sequence(cell, record[cell.column], batch.ids(cell.slot, row));
        break;
    }
  }
  batch.kept(row).clear();
  for (const std::size_t column : keep_) batch.kept(row).emplace_back(record[column]);
}

float CsvRows::parse_dense(const Cell& cell, std::string_view text) {
  text = trimmed(text);
  ValueCounts& counts = counts_[cell.slot];
  ++counts.values;
  float value = std::numeric_limits<float>::quiet_NaN();
  if (text.empty()) {
    if (spec_.features.empty()) fail(cell, "no value");
    if (spec_.features[cell.slot].refuses_missing) fail(cell, "no value, and the feature has none for missing ones");
  } else {
    switch (parse_float(text, value)) {
      case NumberStatus::kNotANumber: fail(cell, quoted(text) + " is not a number");
      case NumberStatus::kOutOfRange: fail(cell, quoted(text) + " is beyond the range of a float");
      case NumberStatus::kOk: break;
    }
  }
  counts.missing += std::isnan(value);
  return value;
}

// As it stands first: blanks may belong to a category, as in the vocabulary of a table that was read with them. A hash
// takes every text as it stands.
std::int32_t CsvRows::look_up(const Cell& cell, std::string_view text) const {
  if (spec_.features[cell.slot].number_values) return find_bin(cell, trimmed(text));
  if (!spec_.features[cell.slot].string_values) return find_integer(cell, trimmed(text));
  const std::int32_t id = spec_.find_string(cell.slot, text);
  const bool again = id == Model::kUnknownId && !spec_.features[cell.slot].hashed;
  return again ? spec_.find_string(cell.slot, trimmed(text)) : id;
}

std::int32_t CsvRows::parse_category(const Cell& cell, std::string_view text) {
  const FeatureSpec& feature = spec_.features[cell.slot];
  const std::int32_t id = look_up(cell, text);
  const bool missing = is_missing(feature, trimmed(text));
  ValueCounts& counts = counts_[cell.slot];
  ++counts.values;
  if (id != Model::kUnknownId) return id;
  if (feature.refuses_unknown) {
    fail(cell, missing ? "no value, and the feature refuses unknown ones"
                       : quoted(text) + " is not in the vocabulary, and the feature refuses unknown values");
  }
  ++(missing ? counts.missing : counts.unknown);
  return id;
}

// Texts as they stand, as of other hashes; the last part has them all.
void CsvRows::parse_part(const Cell& cell, std::string_view text, std::int32_t& id) {
  const FeatureSpec& feature = spec_.features[cell.slot];
  if (cell.offset == 0) parts_.clear();
  parts_.push_back(text);
  if (parts_.size() < feature.parts.size()) return;
  const std::optional<std::int32_t> found = spec_.find_crossed(cell.slot, parts_);
  if (!found) fail(cell, "a value of the cross " + quoted(feature.name) + " is not a whole number");
  ++counts_[cell.slot].values;
  id = *found;
  if (id != Model::kUnknownId) return;
  if (feature.refuses_unknown) fail(cell, "a value of the cross " + quoted(feature.name) + " is missing");
  ++counts_[cell.slot].missing;
}

void CsvRows::parse_sequence(const Cell& cell, std::string_view text, std::int32_t* ids) {
  const std::size_t length = spec_.features[cell.slot].length;
  std::size_t count = 0;
  for (bool more = !trimmed(text).empty(); more; ++count) {
    const std::size_t end = text.find(kElementSeparator);
    more = end != text.npos;
    if (count == length) fail(cell, "more than " + counted(length, "element"));
    ids[count] = parse_category(cell, text.substr(0, end));
    if (more) text.remove_prefix(end + 1);
  }
  std::fill(ids + count, ids + length, Model::kNoElement);
}

float CsvRows::parse_weight(const Cell& cell, std::string_view text) const {
  text = trimmed(text);
  float weight = std::numeric_limits<float>::quiet_NaN();
  if (!text.empty() && parse_float(text, weight) != NumberStatus::kOk) fail(cell, quoted(text) + " is not a number");
  return weight;
}

// As many as there are elements; in columns of their own, one beside each element.
void CsvRows::parse_weights(const Cell& cell, std::string_view text, const std::int32_t* ids, float* weights) {
  const std::size_t length = spec_.features[cell.slot].length;
  if (cell.offset == 0) std::fill(weights, weights + length, std::numeric_limits<float>::quiet_NaN());
  if (cell.is_element) {
    weights[cell.offset] = parse_weight(cell, text);
    return;
  }
  const auto elements = static_cast<std::size_t>(std::find(ids, ids + length, Model::kNoElement) - ids);
  std::size_t count = 0;
  for (bool more = !trimmed(text).empty(); more; ++count) {
    const std::size_t end = text.find(kElementSeparator);
    more = end != text.npos;
    if (count < elements) weights[count] = parse_weight(cell, text.substr(0, end));
    if (more) text.remove_prefix(end + 1);
  }
  if (count != elements) fail(cell, counted(count, "weight") + " of " + counted(elements, "element"));
}

// An empty column is no element.
void CsvRows::parse_element(const Cell& cell, std::string_view text, std::int32_t* ids) {
  if (cell.offset == 0) std::fill(ids, ids + spec_.features[cell.slot].length, Model::kNoElement);
  if (!trimmed(text).empty()) ids[cell.offset] = parse_category(cell, text);
}

std::int32_t CsvRows::find_integer(const Cell& cell, std::string_view text) const {
  if (is_missing(spec_.features[cell.slot], text)) return Model::kUnknownId;
  std::int64_t value = 0;
  const NumberStatus status = parse_integer(text, value);
  if (status == NumberStatus::kOk) return spec_.find_integer(cell.slot, value);
  if (status == NumberStatus::kNotANumber) fail(cell, quoted(text) + " is not a whole number");
  std::uint64_t large = 0;
  if (parse_unsigned(text, large) != NumberStatus::kOk) fail(cell, quoted(text) + " does not fit 64 bits");
  return spec_.find_unsigned(cell.slot, large);
}

std::int32_t CsvRows::find_bin(const Cell& cell, std::string_view text) const {
  if (is_missing(spec_.features[cell.slot], text)) return Model::kUnknownId;
  double value = 0;
  if (parse_double(text, value) != NumberStatus::kOk) fail(cell, quoted(text) + " is not a number");
  return spec_.find_bin(cell.slot, value);
}

void CsvRows::fail(const Cell& cell, const std::string& message) const {
  throw ToolError(csv_.where() + ": column " + quoted(trimmed(header_[cell.column])) + ": " + message);
}

}  // namespace mmoe::tools
