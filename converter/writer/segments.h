// The part of a model file behind its header: tensors gathered into segments.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "schema/mmoe_generated.h"

namespace mmoe::converter {

/// Takes the next bytes of a tensor.
using TakeBytes = std::function<void(const void* data, size_t bytes)>;

/// Hands the bytes of a tensor, a part after the other, to `take`: they need not all be in memory at once.
using GiveBytes = std::function<void(const TakeBytes& take)>;

/// A run of tensors, each starting at a multiple of 64.
struct SegmentData {
  std::string name;
  uint64_t alignment = 64;
  uint64_t bytes = 0;
  std::vector<uint32_t> tensors;  ///< in their order
};

struct TensorEntry {
  std::string name;
  uint32_t segment = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint32_t rows = 0;
  uint32_t cols = 0;
  schema::DType dtype = schema::DType_F32;
  schema::Layout layout = schema::Layout_RowMajor;
  GiveBytes give;  ///< `bytes` of them
  // Of weights that are codes: tensors, and the columns of the first part (schema/mmoe.fbs).
  int32_t scales = -1;
  int32_t row_sums = -1;
  uint32_t shared_cols = 0;
};

class SegmentBuilder {
 public:
  uint32_t add_segment(const std::string& name, uint64_t alignment);

  /// Index of the new tensor. rows and cols are those of the matrix, not of its padded form.
  uint32_t add_tensor(uint32_t segment, const std::string& name, uint64_t bytes, GiveBytes give, size_t rows,
                      size_t cols, schema::DType dtype, schema::Layout layout = schema::Layout_RowMajor);

  /// A tensor in memory.
  template <class T>
  uint32_t add_tensor(uint32_t segment, const std::string& name, std::vector<T> data, size_t rows, size_t cols,
                      schema::DType dtype, schema::Layout layout = schema::Layout_RowMajor) {
    const uint64_t bytes = uint64_t{data.size()} * sizeof(T);
    const auto kept = std::make_shared<const std::vector<T>>(std::move(data));
    const auto give = [kept](const TakeBytes& take) { take(kept->data(), kept->size() * sizeof(T)); };
    return add_tensor(segment, name, bytes, give, rows, cols, dtype, layout);
  }

  /// For what a tensor says beyond its bytes.
  TensorEntry& tensor(uint32_t index) { return tensors_[index]; }

  const std::vector<SegmentData>& segments() const { return segments_; }
  const std::vector<TensorEntry>& tensors() const { return tensors_; }

 private:
  std::vector<SegmentData> segments_;
  std::vector<TensorEntry> tensors_;
};

}  // namespace mmoe::converter
