#include "converter/description/constant_table.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "converter/model/limits.h"
#include "kernels/number_types.h"

namespace mmoe::converter {

namespace {

using kernels::TableType;

/// The rows as codes of 4 bits are exact: a code is 0 or 1, the scale 1 and the bias 0.
class OneHotRows : public TableRows {
 public:
  explicit OneHotRows(size_t width) : width_(width) {}

  void read(size_t first, size_t count, float* to) const override {
    std::fill_n(to, count * width_, 0.0f);
    for (size_t row = first; row < std::min(first + count, width_); ++row) to[(row - first) * width_ + row] = 1;
  }

  std::optional<TableType> stored_as() const override { return TableType::kU4; }

  void read_stored(size_t first, size_t count, uint8_t* to) const override {
    const size_t row_bytes = kernels::table_row_bytes(TableType::kU4, width_), code_bytes = (width_ + 1) / 2;
    std::fill_n(to, count * row_bytes, uint8_t{0});
    for (size_t i = 0; i < count; ++i, to += row_bytes) {
      const size_t row = first + i;
      if (row < width_) to[row / 2] = row % 2 == 0 ? 0x01 : 0x10;
      to[code_bytes + 1] = 0x3c;  // 1 as f16, little-endian
    }
  }

 private:
  size_t width_;
};

/// Row i has a 1 in column i, and row `width` + i a -1.
class SignedOneHotRows : public TableRows {
 public:
  explicit SignedOneHotRows(size_t width) : width_(width) {}

  void read(size_t first, size_t count, float* to) const override {
    std::fill_n(to, count * width_, 0.0f);
    for (size_t i = 0; i < count; ++i) to[i * width_ + (first + i) % width_] = first + i < width_ ? 1 : -1;
  }

 private:
  size_t width_;
};

Table signed_one_hot_table(const JsonReader& field) {
  field.allow_keys({"signed_one_hot"});
  const JsonReader columns = field.get("signed_one_hot", "");
  const size_t width = columns.count(kMaxDim);
  if (width == 0) columns.fail_expected("1 or more");
  return Table::of(2 * width, width, std::make_shared<SignedOneHotRows>(width));
}

Table one_hot_table(const JsonReader& field) {
  field.allow_keys({"one_hot", "ids"});
  const JsonReader columns = field.get("one_hot", "");
  const size_t width = columns.count(kMaxDim);
  if (width == 0) columns.fail_expected("1 or more");
  const auto ids = field.find("ids");
  const size_t rows = ids ? ids->count(kMaxTableRows) : width;
  if (rows < width) ids->fail_expected(std::to_string(width) + " or more: one for each column");
  return Table::of(rows, width, std::make_shared<OneHotRows>(width));
}

}  // namespace

Table constant_table(const JsonReader& field) {
  if (field.find("one_hot")) return one_hot_table(field);
  if (field.find("signed_one_hot")) return signed_one_hot_table(field);
  field.allow_keys({"rows"});
  const JsonReader list =
      field.get("rows", "a list of numbers for each id, or \"one_hot\" or \"signed_one_hot\": the number of columns");
  std::vector<float> data;
  const std::vector<JsonReader> rows = list.items();
  if (rows.empty()) list.fail_expected("at least one row");
  size_t width = 0;
  for (const JsonReader& row : rows) {
    const std::vector<JsonReader> numbers = row.items();
    if (width == 0) width = numbers.size();
    if (numbers.empty() || numbers.size() != width) {
      row.fail_expected(width == 0 ? "at least one number" : std::to_string(width) + " numbers, as in the first row");
    }
    for (const JsonReader& number : numbers) data.push_back(number.real());
  }
  return Table(rows.size(), width, std::move(data));
}

}  // namespace mmoe::converter
