// Which arithmetic a tensor's type and layout ask for.
#pragma once

#include "kernels/number_types.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {

/// A layer's weights. False where no layer has such a tensor, or this build lacks the type.
inline bool weight_type_of(const schema::Tensor& tensor, kernels::WeightType& type) {
  using kernels::WeightType;
  const bool quads = tensor.layout() == schema::Layout_Panel16Quads;
  if (!quads && tensor.layout() != schema::Layout_Panel16) return false;
  type = WeightType::kF32;
  if (tensor.dtype() == schema::DType_F16) type = WeightType::kF16;
  if (tensor.dtype() == schema::DType_BF16) type = WeightType::kBF16;
  if (tensor.dtype() == schema::DType_I8) type = quads ? WeightType::kW8A8 : WeightType::kI8;
  if (!kernels::is_compiled(type) || quads != (type == WeightType::kW8A8)) return false;
  return type != WeightType::kF32 || tensor.dtype() == schema::DType_F32;
}

/// An embedding table. False as above.
inline bool table_type_of(const schema::Tensor& tensor, kernels::TableType& type) {
  using kernels::TableType;
  const bool fused = tensor.layout() == schema::Layout_FusedRows;
  if (!fused && tensor.layout() != schema::Layout_RowMajor) return false;
  type = TableType::kF32;
  if (tensor.dtype() == schema::DType_F16) type = TableType::kF16;
  if (tensor.dtype() == schema::DType_U8) type = TableType::kU8;
  if (tensor.dtype() == schema::DType_U4) type = TableType::kU4;
  if (!kernels::is_compiled(type) || fused != (type >= TableType::kU8)) return false;
  return type != TableType::kF32 || tensor.dtype() == schema::DType_F32;
}

}  // namespace mmoe::internal
