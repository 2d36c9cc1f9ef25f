#include "converter/importers/strided_view.h"

#include <algorithm>
#include <limits>

#include "converter/importers/float_convert.h"

namespace mmoe::converter {
namespace {

/// Where one run of equally spaced elements is, in bytes.
struct Run {
  const unsigned char* bytes;
  uint64_t stride_bytes;
  uint64_t count;
};

template <typename Convert>
float* convert_run(const Run& run, float* out, Convert convert) {
  for (uint64_t i = 0; i < run.count; ++i) *out++ = convert(run.bytes + i * run.stride_bytes);
  return out;
}

float* convert_run(const Run& run, DType dtype, float* out) {
  switch (dtype) {
    case DType::kF64:
      return convert_run(run, out, [](const unsigned char* bytes) {
        return f64_to_f32(same_bits<double>(load_little_endian<uint64_t>(bytes)));
      });
    case DType::kF16:
      return convert_run(run, out, [](const unsigned char* bytes) {
        return f16_to_f32(load_little_endian<uint16_t>(bytes));
      });
    case DType::kBF16:
      return convert_run(run, out, [](const unsigned char* bytes) {
        return bf16_to_f32(load_little_endian<uint16_t>(bytes));
      });
    default:
      return convert_run(run, out, [](const unsigned char* bytes) {
        return same_bits<float>(load_little_endian<uint32_t>(bytes));
      });
  }
}

/// Steps `index` to the next row of the dimensions [0, dims), last one fastest; false after the last row.
bool next_row(const StridedView& view, size_t dims, std::vector<uint64_t>& index, uint64_t& position) {
  for (size_t d = dims; d-- > 0;) {
    position += view.strides[d];
    if (++index[d] < view.shape[d]) return true;
    position -= view.shape[d] * view.strides[d];
    index[d] = 0;
  }
  return false;
}

}  // namespace

std::optional<uint64_t> checked_product(uint64_t a, uint64_t b) {
  if (a != 0 && b > std::numeric_limits<uint64_t>::max() / a) return std::nullopt;
  return a * b;
}

std::optional<uint64_t> checked_num_elements(const std::vector<uint64_t>& shape) {
  // A zero anywhere makes it zero, even next to sizes whose product would overflow.
  for (const uint64_t size : shape) {
    if (size == 0) return 0;
  }
  uint64_t count = 1;
  for (const uint64_t size : shape) {
    const auto product = checked_product(count, size);
    if (!product || *product > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    count = *product;
  }
  return count;
}

std::optional<uint64_t> checked_extent(const StridedView& view) {
  const auto count = checked_num_elements(view.shape);
  if (!count || *count == 0) return count;
  uint64_t last = view.offset;
  for (size_t d = 0; d < view.shape.size(); ++d) {
    const auto step = checked_product(view.shape[d] - 1, view.strides[d]);
    if (!step || *step >= std::numeric_limits<uint64_t>::max() - last) return std::nullopt;
    last += *step;
  }
  if (last == std::numeric_limits<uint64_t>::max()) return std::nullopt;
  return last + 1;
}

StridedView contiguous_view(const std::vector<uint64_t>& shape) {
  StridedView view{0, shape, std::vector<uint64_t>(shape.size(), 1)};
  for (size_t d = shape.size(); d-- > 1;) view.strides[d - 1] = view.strides[d] * shape[d];
  return view;
}

StridedView fortran_view(const std::vector<uint64_t>& shape) {
  StridedView view = contiguous_view({shape.rbegin(), shape.rend()});
  std::reverse(view.shape.begin(), view.shape.end());
  std::reverse(view.strides.begin(), view.strides.end());
  return view;
}

std::vector<float> read_view(const StridedView& view, DType dtype, const unsigned char* array) {
  std::vector<float> values(checked_num_elements(view.shape).value_or(0));
  if (values.empty()) return values;
  const size_t row_dims = view.shape.empty() ? 0 : view.shape.size() - 1;
  const uint64_t bytes = dtype_info(dtype).bytes;
  const uint64_t row_count = view.shape.empty() ? 1 : view.shape.back();
  const uint64_t row_stride = view.shape.empty() ? 0 : view.strides.back();
  std::vector<uint64_t> index(row_dims, 0);
  uint64_t position = view.offset;
  float* out = values.data();
  do {
    out = convert_run({array + position * bytes, row_stride * bytes, row_count}, dtype, out);
  } while (next_row(view, row_dims, index, position));
  return values;
}

void swap_byte_order(unsigned char* array, uint64_t num_bytes, uint64_t element_bytes) {
  for (; num_bytes >= element_bytes; num_bytes -= element_bytes, array += element_bytes) {
    std::reverse(array, array + element_bytes);
  }
}

}  // namespace mmoe::converter
