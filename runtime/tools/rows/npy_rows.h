// Rows of a model from a .npy file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/tools/rows/column_map.h"
#include "runtime/tools/rows/npy_reader.h"
#include "runtime/tools/rows/row_reader.h"

namespace mmoe::tools {

/// The rows are x; or, where a header names the array's columns, the model's features by name: numbers, and whole
/// numbers that are categories (NaN: missing).
class NpyRows final : public RowSource {
 public:
  /// Reads the array's header. The source must stay as long as this object.
  NpyRows(ByteSource& bytes, const InputSpec& spec, const RowReaderOptions& options);

  void read(RowBatch& batch) override;
  std::string where(std::size_t row) const override;
  std::vector<std::string> spare_columns() const override { return {}; }
  void keep(const std::vector<std::string>& names) override;

 private:
  void map_features(const std::vector<std::string>& header);
  std::size_t read_x(RowBatch& batch);
  std::size_t read_features(RowBatch& batch);
  void store_part(const Cell& cell, double number, std::int32_t& id);
  void store_id(const Cell& cell, double number, std::int32_t* ids);
  float dense_value(const Cell& cell, double number);
  std::int64_t whole_number(const Cell& cell, double number) const;
  std::int32_t category(const Cell& cell, double number);
  [[noreturn]] void refuse_names() const;
  [[noreturn]] void fail(const Cell& cell, const std::string& message) const;

  std::string name_;
  NpyReader array_;
  std::vector<std::string> header_;  ///< empty: the rows are x
  std::vector<Cell> cells_;
  std::vector<std::string> parts_;  ///< of a cross, so far
  std::uint64_t first_row_ = 0;     ///< of the last batch
  std::uint64_t next_row_ = 0;
};

}  // namespace mmoe::tools
