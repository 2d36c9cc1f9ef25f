// Rows for a model, from a CSV or .npy file or standard input, in batches: memory stays bounded however long
// the input is.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "runtime/tools/rows/input_spec.h"
#include "runtime/tools/rows/row_batch.h"
#include "runtime/tools/rows/row_statistics.h"
#include "runtime/tools/support/byte_source.h"

namespace mmoe::tools {

struct RowReaderOptions {
  std::size_t batch_rows = 256;  ///< at most; fewer where rows are so long that memory would not stay bounded
  /// Column names of an array, or of a CSV file that has no header line; empty: its first line has them.
  std::vector<std::string> header;
  /// Columns of a CSV file whose text is kept with each row.
  std::vector<std::string> keep;
};

/// What yields rows; one per format.
class RowSource {
 public:
  /// The spec must stay as long.
  explicit RowSource(const InputSpec& spec) : spec_(spec), counts_(spec.features.empty() ? 1 : spec.features.size()) {}
  virtual ~RowSource() = default;
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;

  /// Fills the batch; no rows at the end. Throws ToolError.
  virtual void read(RowBatch& batch) = 0;
  /// Where a row of the last batch came from: "rows.csv:17".
  virtual std::string where(std::size_t row) const = 0;
  /// Names of the columns that the model does not read.
  virtual std::vector<std::string> spare_columns() const = 0;
  /// From now on the text of these columns is kept, instead of that of others. Throws ToolError.
  virtual void keep(const std::vector<std::string>& names) = 0;

  /// Of all rows so far: one per feature, or one for x.
  const std::vector<ValueCounts>& counts() const { return counts_; }

 protected:
  const InputSpec& spec_;
  std::vector<ValueCounts> counts_;
};

/// CSV: a header line names the columns (see map_columns), further columns are ignored. A category, and each of the
/// elements of a sequence, which `|` separates, is looked up as it stands, then without the blanks around it; a whole
/// number may be written as a float ("5.0"). An empty value is a missing one (NaN) where the feature has a rule for it,
/// no category, and a sequence without elements. In a table of one column a blank line is a row without a value. .npy:
/// float32 or float64 [rows, input_dim], for models without features; with a header [rows, columns], for models whose
/// features are numbers or whole numbers.
/// All errors are ToolErrors that name the file, the line and column, and the value.
class RowReader {
 public:
  /// `path` "-" is standard input.
  RowReader(const std::string& path, InputSpec spec, RowReaderOptions options = {});

  /// The next rows, or null at the end; valid until the next call.
  const RowBatch* next();
  std::string where(std::size_t row) const { return rows_->where(row); }
  /// Columns of a CSV file that the model does not read; an array has none.
  std::vector<std::string> spare_columns() const { return rows_->spare_columns(); }
  /// Instead of RowReaderOptions::keep, for who has seen the columns first.
  void keep(const std::vector<std::string>& names) { rows_->keep(names); }
  /// What the rows so far had that the model does not know; see notes_of().
  std::vector<std::string> notes() const { return notes_of(spec_, rows_->counts()); }

 private:
  InputSpec spec_;
  RowReaderOptions options_;
  ByteSource bytes_;
  RowBatch batch_;
  std::unique_ptr<RowSource> rows_;
};

}  // namespace mmoe::tools
