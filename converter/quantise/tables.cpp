#include "converter/quantise/tables.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "converter/error.h"
#include "converter/quantise/round.h"
#include "kernels/stored.h"

namespace mmoe::converter {
namespace {

using kernels::TableType;

uint16_t f16_of(float value, const std::string& name) {
  if (std::abs(value) > kLargestF16) {
    throw ConvertError(name + ": " + std::to_string(value) +
                       " is beyond the range of f16, 65504: store this table as f32 or u8");
  }
  return round_to_f16(value);
}

uint8_t code_of(float value, float scale, float bias, double largest) {
  if (scale == 0) return 0;
  return static_cast<uint8_t>(std::clamp(std::nearbyint((double{value} - bias) / scale), 0.0, largest));
}

void encode_u8(const float* row, size_t width, uint8_t* to, const std::string& name) {
  const auto [low, high] = std::minmax_element(row, row + width);
  const float header[] = {static_cast<float>((double{*high} - *low) / 255), *low};
  if (!std::isfinite(255 * header[0]) || !std::isfinite(255 * header[0] + header[1])) {
    throw ConvertError(name + ": a row has numbers too large for u8: store this table as f32");
  }
  for (size_t i = 0; i < width; ++i) to[i] = code_of(row[i], header[0], header[1], 255);
  std::memcpy(to + width, header, sizeof header);
}

void encode_u4(const float* row, size_t width, uint8_t* to, const std::string& name) {
  const auto [low, high] = std::minmax_element(row, row + width);
  f16_of(*high, name);  // for the error
  const uint16_t bias_bits = f16_of(*low, name);
  const float bias = kernels::widen(kernels::F16{}, bias_bits);
  const uint16_t scale_bits = round_to_f16(std::max(0.0F, (*high - bias) / 15));
  const float scale = kernels::widen(kernels::F16{}, scale_bits);
  const size_t bytes = (width + 1) / 2;
  std::fill_n(to, bytes, uint8_t{0});
  for (size_t i = 0; i < width; ++i) {
    to[i / 2] = static_cast<uint8_t>(to[i / 2] | code_of(row[i], scale, bias, 15) << (i % 2 * 4));
  }
  const uint16_t header[] = {scale_bits, bias_bits};
  std::memcpy(to + bytes, header, sizeof header);
}

class StoredRows : public TableRows {
 public:
  StoredRows(Table table, TableType type, std::string name)
      : table_(std::move(table)), type_(type), name_(std::move(name)) {}

  void read(size_t first, size_t count, float* to) const override {
    table_.read(first, count, to);
    std::vector<uint8_t> rows(count * kernels::table_row_bytes(type_, table_.cols));
    encode_rows(type_, to, count, table_.cols, rows.data(), name_);
    for (size_t i = 0; i < count * table_.cols; ++i) {
      to[i] = kernels::table_element(type_, rows.data(), table_.cols, i / table_.cols, i % table_.cols);
    }
  }

 private:
  Table table_;
  TableType type_;
  std::string name_;
};

}  // namespace

void encode_rows(TableType type, const float* rows, size_t count, size_t width, uint8_t* to, const std::string& name) {
  const size_t row_bytes = kernels::table_row_bytes(type, width);
  for (size_t row = 0; row < count; ++row, rows += width, to += row_bytes) {
    if (type == TableType::kF32) std::memcpy(to, rows, row_bytes);
    for (size_t i = 0; type == TableType::kF16 && i < width; ++i) {
      const uint16_t half = f16_of(rows[i], name);
      std::memcpy(to + 2 * i, &half, sizeof half);
    }
    if (type == TableType::kU8) encode_u8(rows, width, to, name);
    if (type == TableType::kU4) encode_u4(rows, width, to, name);
  }
}

void read_encoded(const Table& table, TableType type, size_t first, size_t count, uint8_t* to,
                  const std::string& name) {
  if (table.stored_as() == type) return table.read_stored(first, count, to);
  std::vector<float> rows(count * table.cols);
  table.read(first, count, rows.data());
  encode_rows(type, rows.data(), count, table.cols, to, name);
}

Table stored_table(const Table& table, TableType type, const std::string& name) {
  if (type == TableType::kF32 || table.stored_as() == type) return table;
  return Table::of(table.rows, table.cols, std::make_shared<StoredRows>(table, type, name));
}

}  // namespace mmoe::converter
