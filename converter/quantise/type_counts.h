// Which types of numbers a lowered model has.
#pragma once

#include <cstdint>
#include <vector>

#include "converter/lowering/lowered.h"

namespace mmoe::converter {

/// What has one type.
template <class Type>
struct TypeCount {
  Type type;
  size_t count = 0;      ///< fused layers, or tables
  uint64_t numbers = 0;  ///< weights, or elements
};

/// In the order in which the types occur first.
struct TypeCounts {
  std::vector<TypeCount<WeightType>> layers;
  std::vector<TypeCount<TableType>> tables;
};

TypeCounts count_types(const LoweredModel& model);

}  // namespace mmoe::converter
