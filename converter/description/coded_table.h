// Embedding tables that the weights file has row by row in codes already: what FBGEMM and TorchRec write.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "converter/model/table.h"
#include "converter/reading/tensor_index.h"
#include "kernels/number_types.h"

namespace mmoe::converter {

/// How a tensor of bytes holds the rows of a table.
enum class RowForm {
  kFbgemmU8,    ///< codes, then scale and bias as f32: FloatToFused8BitRowwiseQuantized, embedding_bag_byte_prepack
  kFbgemmU4,    ///< codes, then scale and bias as f16: FloatToFusedNBitRowwiseQuantizedSBHalf, ..._4bit_prepack
  kTorchrecU8,  ///< scale and bias as f16, then codes, then padding; or scale and bias in tensors of their own
  kTorchrecU4,
  kTorchrecF16  ///< halves, then padding
};

/// In the order of RowForm, as a description has them.
const std::vector<std::string>& row_form_names();

/// Rows of a tensor of bytes, which become rows of kernels::table_row_bytes().
struct CodedLayout {
  size_t tensor = 0;
  kernels::TableType type = kernels::TableType::kU8;
  size_t width = 0;      ///< of the table
  size_t row_bytes = 0;  ///< of the tensor
  size_t codes_at = 0;
  size_t header_at = 0;               ///< of scale and bias; kF16 has none
  bool half_header = false;           ///< they are f16
  std::optional<size_t> scale, bias;  ///< tensors [rows, 1] in place of a header

  friend bool operator==(const CodedLayout& a, const CodedLayout& b) {
    return a.type == b.type && a.width == b.width && a.codes_at == b.codes_at && a.header_at == b.header_at;
  }
};

/// The layout of a matrix of bytes. `form`: what the description says; nothing: TorchRec's tables with tensors of
/// scales and biases beside them are found by these. `width`: of the table, where the description says it. Throws
/// ConvertError where the tensor's type or width does not fit.
CodedLayout coded_layout(TensorIndex& tensors, size_t tensor, std::optional<RowForm> form, std::optional<size_t> width);

/// Whether the tensor is one that coded_layout() is for.
bool holds_codes(const TensorInfo& info);

/// Rows [first, first + count) of it, stored as they are. Scales and biases are checked when rows are read: they must
/// be finite, and a scale not negative. Marks its tensors as used.
Table coded_table(TensorIndex& tensors, const CodedLayout& layout, size_t first, size_t count);

}  // namespace mmoe::converter
