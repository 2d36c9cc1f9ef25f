// Finding a tensor by an untrusted index, of an expected type and shape.
#pragma once

#include <cstdint>

#include "model/access.h"

namespace mmoe::internal {

constexpr std::uint64_t kAnySize = UINT64_MAX;

struct TensorShape {
  schema::DType dtype;
  schema::Layout layout;
  std::uint64_t rows;  // kAnySize: any
  std::uint64_t cols;
};

/// Null when there is no such tensor.
inline const schema::Tensor* tensor_at(const schema::Model& root, std::int64_t index) {
  if (index < 0 || index >= static_cast<std::int64_t>(root.tensors()->size())) return nullptr;
  return root.tensors()->Get(static_cast<flatbuffers::uoffset_t>(index));
}

/// Null when there is no such tensor or it is of another type or shape.
inline const schema::Tensor* find_tensor(const schema::Model& root, std::int64_t index, const TensorShape& shape) {
  const schema::Tensor* tensor = tensor_at(root, index);
  if (!tensor || tensor->dtype() != shape.dtype || tensor->layout() != shape.layout) return nullptr;
  if (shape.rows != kAnySize && tensor->rows() != shape.rows) return nullptr;
  if (shape.cols != kAnySize && tensor->cols() != shape.cols) return nullptr;
  return tensor;
}

}  // namespace mmoe::internal
