// The part of a model file behind its header: tensors gathered into segments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/mmoe_generated.h"

namespace mmoe::converter {

/// A run of tensors, each starting at a multiple of 64.
struct SegmentData {
  std::string name;
  uint64_t alignment = 64;
  std::vector<uint8_t> bytes;
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
};

class SegmentBuilder {
 public:
  uint32_t add_segment(const std::string& name, uint64_t alignment);

  /// Index of the new tensor. rows and cols are those of the matrix, not of its padded form.
  uint32_t add_tensor(uint32_t segment, const std::string& name, const void* data, size_t bytes, size_t rows,
                      size_t cols, schema::DType dtype, schema::Layout layout);

  template <class T>
  uint32_t add_tensor(uint32_t segment, const std::string& name, const std::vector<T>& data, size_t rows, size_t cols,
                      schema::DType dtype, schema::Layout layout = schema::Layout_RowMajor) {
    return add_tensor(segment, name, data.data(), data.size() * sizeof(T), rows, cols, dtype, layout);
  }

  const std::vector<SegmentData>& segments() const { return segments_; }
  const std::vector<TensorEntry>& tensors() const { return tensors_; }

 private:
  std::vector<SegmentData> segments_;
  std::vector<TensorEntry> tensors_;
};

}  // namespace mmoe::converter
