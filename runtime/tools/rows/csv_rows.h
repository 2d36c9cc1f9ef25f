// Rows of a model from a CSV file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/tools/rows/column_map.h"
#include "runtime/tools/rows/csv_reader.h"
#include "runtime/tools/rows/row_reader.h"

namespace mmoe::tools {

/// Between the elements of a sequence, in one cell.
constexpr char kElementSeparator = '|';

class CsvRows final : public RowSource {
 public:
  /// Reads the header line. All arguments must stay as long as this object.
  CsvRows(ByteSource& bytes, const InputSpec& spec, const RowReaderOptions& options);

  void read(RowBatch& batch) override;
  std::string where(std::size_t row) const override;
  std::vector<std::string> spare_columns() const override;
  void keep(const std::vector<std::string>& names) override;

 private:
  void read_header(const RowReaderOptions& options);
  void store_row(RowBatch& batch, std::size_t row);
  float parse_dense(const Cell& cell, std::string_view text);
  std::int32_t parse_category(const Cell& cell, std::string_view text);
  void parse_part(const Cell& cell, std::string_view text, std::int32_t& id);
  void parse_sequence(const Cell& cell, std::string_view text, std::int32_t* ids);
  void parse_element(const Cell& cell, std::string_view text, std::int32_t* ids);
  void parse_weights(const Cell& cell, std::string_view text, const std::int32_t* ids, float* weights);
  float parse_weight(const Cell& cell, std::string_view text) const;
  std::int32_t look_up(const Cell& cell, std::string_view text) const;
  std::int32_t find_integer(const Cell& cell, std::string_view text) const;
  std::int32_t find_bin(const Cell& cell, std::string_view text) const;
  [[noreturn]] void fail(const Cell& cell, const std::string& message) const;

  CsvReader csv_;
  std::vector<std::string> header_;
  std::string names_where_;   ///< for messages about names: "rows.csv:1"
  std::string header_where_;  ///< for messages: "line 1"
  std::vector<Cell> cells_;
  std::vector<std::size_t> keep_;
  std::vector<std::string_view> parts_;  ///< of a cross, so far
  std::vector<std::uint64_t> lines_;     ///< of the last batch's rows
};

}  // namespace mmoe::tools
