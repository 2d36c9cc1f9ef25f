// Questions about axes that several operations ask.
#pragma once

#include <cstdint>
#include <vector>

#include "converter/recognise/tensor_value.h"

namespace mmoe::converter {

/// A batch is never as large; exporters write "to the end" so.
constexpr int64_t kBeyondAnyBatch = 1000000000;

/// The elements along the axes from `begin` to before `end`.
size_t count_elements(const std::vector<size_t>& shape, size_t begin, size_t end);

/// Throws ConvertError when the axis is the batch.
void require_no_batch(const TensorValue& value, size_t axis);

/// The axis of `sizes` that is the batch's size becomes 1, and `value` one that every row has. Throws ConvertError when
/// there are two.
void take_batch_axis(std::vector<int64_t>& sizes, TensorValue& value);

}  // namespace mmoe::converter
