#include "runtime/tools/rows/npy_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::tools {
namespace {

std::string number_text(double number) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", number);
  return text;
}

}  // namespace

NpyRows::NpyRows(ByteSource& bytes, const InputSpec& spec, const RowReaderOptions& options)
    : RowSource(spec), name_(bytes.name()), array_(bytes) {
  keep(options.keep);
  if (!spec.features.empty()) {
    map_features(options.header);
    return;
  }
  if (array_.columns() != spec.input_dim) {
    throw ToolError(name_ + ": an array of " + counted(array_.columns(), "column") +
                    "; expected the model's input_dim, " + std::to_string(spec.input_dim));
  }
  if (!options.header.empty()) refuse_names();
}

// By name alone: which column is which feature must not be guessed.
void NpyRows::map_features(const std::vector<std::string>& header) {
  if (header.empty()) {
    throw ToolError(name_ + ": an array of numbers, but the model takes " + counted(spec_.features.size(), "feature") +
                    " by name; expected CSV, or the names of the array's columns (mmoe-score --header)");
  }
  if (array_.columns() != header.size()) {
    throw ToolError(name_ + ": an array of " + counted(array_.columns(), "column") + ", but the given header has " +
                    std::to_string(header.size()));
  }
  for (const FeatureSpec& feature : spec_.features) {
    if (feature.kind == FeatureKind::kDense || !feature.string_values || feature.hashed) continue;
    throw ToolError(name_ + ": an array of numbers, but feature " + quoted(feature.name) + " is a text; expected CSV");
  }
  header_ = header;
  cells_ = map_columns("the given header", header_, spec_);
  for (const Cell& cell : cells_) {
    const FeatureSpec& feature = spec_.features[cell.slot];
    if (feature.kind != FeatureKind::kSequence || cell.is_element) continue;
    throw ToolError(name_ + ": an array of numbers, but column " + quoted(header_[cell.column]) +
                    " is a sequence; expected a column per element, " + quoted(header_[cell.column] + ".0") +
                    " and so on, or CSV");
  }
}

void NpyRows::keep(const std::vector<std::string>& names) {
  if (!names.empty()) refuse_names();
}

void NpyRows::refuse_names() const {
  throw ToolError(name_ + ": an array has no named columns: neither a header nor columns to keep can be given");
}

void NpyRows::read(RowBatch& batch) {
  first_row_ = next_row_;
  batch.set_num_rows(cells_.empty() ? read_x(batch) : read_features(batch));
  next_row_ = first_row_ + batch.num_rows();
}

std::size_t NpyRows::read_x(RowBatch& batch) {
  const std::size_t rows = array_.read(batch.values(0, 0), batch.capacity());
  const std::size_t num_values = rows * spec_.input_dim;
  const float* values = batch.values(0, 0);
  counts_[0].values += num_values;
  counts_[0].missing += static_cast<std::uint64_t>(
      std::count_if(values, values + num_values, [](float value) { return std::isnan(value); }));
  return rows;
}

std::size_t NpyRows::read_features(RowBatch& batch) {
  std::vector<double> row(header_.size());
  std::size_t rows = 0;
  for (; rows < batch.capacity() && array_.read(row.data(), 1) == 1; ++rows, ++next_row_) {
    for (const Cell& cell : cells_) {
      const double number = row[cell.column];
      if (cell.is_weight) {
        float* weights = batch.values(cell.slot, rows);
        if (cell.offset == 0) {
          std::fill(weights, weights + spec_.features[cell.slot].length, std::numeric_limits<float>::quiet_NaN());
        }
        weights[cell.offset] = static_cast<float>(number);
        continue;
      }
      if (!spec_.features[cell.slot].parts.empty()) {
        store_part(cell, number, *batch.ids(cell.slot, rows));
        continue;
      }
      ++counts_[cell.slot].values;
      if (spec_.features[cell.slot].kind == FeatureKind::kDense) {
        batch.values(cell.slot, rows)[cell.offset] = dense_value(cell, number);
      } else {
        store_id(cell, number, batch.ids(cell.slot, rows));
      }
    }
  }
  return rows;
}

// Whole numbers, in decimal; the last part has them all. NaN is missing, and so is the category.
void NpyRows::store_part(const Cell& cell, double number, std::int32_t& id) {
  const FeatureSpec& feature = spec_.features[cell.slot];
  if (cell.offset == 0) parts_.clear();
  parts_.push_back(std::isnan(number) ? "" : std::to_string(whole_number(cell, number)));
  if (parts_.size() < feature.parts.size()) return;
  ++counts_[cell.slot].values;
  id = Model::kUnknownId;
  if (std::none_of(parts_.begin(), parts_.end(), [](const std::string& part) { return part.empty(); })) {
    id = spec_.find_crossed(cell.slot, {parts_.begin(), parts_.end()}).value();
  }
  if (id != Model::kUnknownId) return;
  if (feature.refuses_unknown) fail(cell, "a value of the cross " + quoted(feature.name) + " is missing");
  ++counts_[cell.slot].missing;
}

// A NaN among a sequence's columns is no element.
void NpyRows::store_id(const Cell& cell, double number, std::int32_t* ids) {
  if (cell.is_element && cell.offset == 0) {
    std::fill(ids, ids + spec_.features[cell.slot].length, Model::kNoElement);
  }
  if (!cell.is_element || !std::isnan(number)) ids[cell.offset] = category(cell, number);
}

float NpyRows::dense_value(const Cell& cell, double number) {
  counts_[cell.slot].missing += std::isnan(number);
  const bool too_large = std::isfinite(number) && std::fabs(number) > double{std::numeric_limits<float>::max()};
  if (too_large) fail(cell, number_text(number) + " is beyond the range of a float");
  return static_cast<float>(number);
}

std::int64_t NpyRows::whole_number(const Cell& cell, double number) const {
  constexpr double kEnd = 9223372036854775808.0;  // 2^63
  if (number != std::trunc(number)) fail(cell, number_text(number) + " is not a whole number");
  if (number < -kEnd || number >= kEnd) fail(cell, number_text(number) + " does not fit 64 bits with a sign");
  return static_cast<std::int64_t>(number);
}

std::int32_t NpyRows::category(const Cell& cell, double number) {
  if (spec_.features[cell.slot].number_values && !std::isnan(number)) return spec_.find_bin(cell.slot, number);
  const bool missing = std::isnan(number);
  const std::int32_t id = missing ? Model::kUnknownId : spec_.find_integer(cell.slot, whole_number(cell, number));
  if (id != Model::kUnknownId) return id;
  if (spec_.features[cell.slot].refuses_unknown) {
    fail(cell, missing ? "no value, and the feature refuses unknown ones"
                       : number_text(number) + " is not in the vocabulary, and the feature refuses unknown values");
  }
  ++(missing ? counts_[cell.slot].missing : counts_[cell.slot].unknown);
  return id;
}

void NpyRows::fail(const Cell& cell, const std::string& message) const {
  throw ToolError(name_ + ": row " + std::to_string(next_row_) + " (counted from 0), column " +
                  quoted(header_[cell.column]) + ": " + message);
}

std::string NpyRows::where(std::size_t row) const {
  return name_ + ": row " + std::to_string(first_row_ + row) + " (counted from 0)";
}

}  // namespace mmoe::tools
