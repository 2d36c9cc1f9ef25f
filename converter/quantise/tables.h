// Rows of embedding tables as a file stores them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "converter/model/table.h"
#include "kernels/number_types.h"

namespace mmoe::converter {

/// Writes `count` rows of `width` floats, which are finite, to rows of kernels::table_row_bytes():
///  - u8: scale = (max - min) / 255, bias = min, code = (x - bias) / scale rounded half to even, all in double before
///    it is rounded;
///  - u4: bias and scale are f16 before codes are computed: bias the f16 nearest to min, scale that nearest to
///    (max - bias) / 15; codes are clamped to 0..15.
/// A scale of 0 has codes 0. Throws ConvertError, with the table's name, where a value is beyond the type's range.
void encode_rows(kernels::TableType type, const float* rows, size_t count, size_t width, uint8_t* to,
                 const std::string& name);

/// Rows [first, first + count) of a table in that form: as they are where they lie in it already.
void read_encoded(const Table& table, kernels::TableType type, size_t first, size_t count, uint8_t* to,
                  const std::string& name);

/// The table as the runtime reads it: every element as it comes out of the stored row, to the bit.
Table stored_table(const Table& table, kernels::TableType type, const std::string& name);

}  // namespace mmoe::converter
