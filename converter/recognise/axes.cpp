#include "converter/recognise/axes.h"

#include "converter/error.h"

namespace mmoe::converter {

size_t count_elements(const std::vector<size_t>& shape, size_t begin, size_t end) {
  size_t count = 1;
  for (size_t i = begin; i < end; ++i) count *= shape[i];
  return count;
}

void require_no_batch(const TensorValue& value, size_t axis) {
  if (value.has_batch() && axis == value.batch_axis) throw ConvertError("works along the batch");
}

void take_batch_axis(std::vector<int64_t>& sizes, TensorValue& value) {
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    const size_t times = times_of_batch(sizes[axis]);
    if (times == 0) continue;
    if (value.per_row) throw ConvertError("makes a tensor with the batch on two axes");
    sizes[axis] = static_cast<int64_t>(times);
    value.per_row = true;
    value.batch_axis = axis;
  }
}

}  // namespace mmoe::converter
