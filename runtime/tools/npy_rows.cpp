#include "runtime/tools/npy_rows.h"

#include <algorithm>
#include <cmath>

#include "runtime/tools/error.h"
#include "runtime/tools/text.h"

namespace mmoe::tools {

NpyRows::NpyRows(ByteSource& bytes, const InputSpec& spec, const RowReaderOptions& options)
    : RowSource(spec), name_(bytes.name()), array_(bytes) {
  if (!spec.features.empty()) {
    throw ToolError(name_ + ": an array of numbers, but the model takes " + counted(spec.features.size(), "feature") +
                    " by name; expected CSV");
  }
  if (array_.columns() != spec.input_dim) {
    throw ToolError(name_ + ": an array of " + counted(array_.columns(), "column") +
                    "; expected the model's input_dim, " + std::to_string(spec.input_dim));
  }
  if (!options.header.empty()) refuse_names();
  keep(options.keep);
}

void NpyRows::keep(const std::vector<std::string>& names) {
  if (!names.empty()) refuse_names();
}

void NpyRows::refuse_names() const {
  throw ToolError(name_ + ": an array has no named columns: neither a header nor columns to keep can be given");
}

void NpyRows::read(RowBatch& batch) {
  const std::size_t rows = array_.read(batch.values(0, 0), batch.capacity());
  batch.set_num_rows(rows);
  const std::size_t num_values = rows * spec_.input_dim;
  const float* values = batch.values(0, 0);
  counts_[0].values += num_values;
  counts_[0].missing += static_cast<std::uint64_t>(
      std::count_if(values, values + num_values, [](float value) { return std::isnan(value); }));
  first_row_ = next_row_;
  next_row_ += rows;
}

std::string NpyRows::where(std::size_t row) const {
  return name_ + ": row " + std::to_string(first_row_ + row) + " (counted from 0)";
}

}  // namespace mmoe::tools
