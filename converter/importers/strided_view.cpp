#include "converter/importers/strided_view.h"

#include <algorithm>
#include <cstring>
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

constexpr bool host_is_little_endian() {
#if defined(__BYTE_ORDER__)
  return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
#else
  return true;
#endif
}

template <typename Unsigned>
Unsigned load_big_endian(const unsigned char* bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < sizeof(Unsigned); ++i) value = value << 8 | bytes[i];
  return static_cast<Unsigned>(value);
}

template <typename Unsigned, bool big_endian, typename Convert>
void convert_run(const Run& run, float* out, Convert convert) {
  for (uint64_t i = 0; i < run.count; ++i) {
    const unsigned char* element = run.bytes + i * run.stride_bytes;
    out[i] = convert(big_endian ? load_big_endian<Unsigned>(element) : load_little_endian<Unsigned>(element));
  }
}

template <bool big_endian>
void convert_run(const Run& run, DType dtype, float* out) {
  switch (dtype) {
    case DType::kF64:
      return convert_run<uint64_t, big_endian>(run, out, [](uint64_t x) { return f64_to_f32(same_bits<double>(x)); });
    case DType::kF16: return convert_run<uint16_t, big_endian>(run, out, f16_to_f32);
    case DType::kBF16: return convert_run<uint16_t, big_endian>(run, out, bf16_to_f32);
    case DType::kU8: return convert_run<uint8_t, big_endian>(run, out, [](uint8_t x) { return static_cast<float>(x); });
    case DType::kI8:
      return convert_run<uint8_t, big_endian>(run, out,
                                              [](uint8_t x) { return static_cast<float>(same_bits<int8_t>(x)); });
    case DType::kI32:
      return convert_run<uint32_t, big_endian>(run, out,
                                               [](uint32_t x) { return static_cast<float>(same_bits<int32_t>(x)); });
    case DType::kI64:
      return convert_run<uint64_t, big_endian>(run, out,
                                               [](uint64_t x) { return static_cast<float>(same_bits<int64_t>(x)); });
    default: return convert_run<uint32_t, big_endian>(run, out, same_bits<float, uint32_t>);
  }
}

void convert_run(const Run& run, const ElementArray& array, float* out) {
  const bool as_they_lie = array.dtype == DType::kF32 && !array.big_endian && host_is_little_endian();
  if (as_they_lie && run.stride_bytes == sizeof(float)) {
    std::memcpy(out, run.bytes, run.count * sizeof(float));
  } else if (array.big_endian) {
    convert_run<true>(run, array.dtype, out);
  } else {
    convert_run<false>(run, array.dtype, out);
  }
}

/// A place in a view: its index along the dimensions but the last, and where the row that begins there lies.
struct Place {
  std::vector<uint64_t> index;
  uint64_t position;
};

/// Of row `row`, counted in row-major order. REQUIRES: no dimension is empty.
Place place_of_row(const StridedView& view, uint64_t row) {
  const size_t dims = view.shape.empty() ? 0 : view.shape.size() - 1;
  Place place{std::vector<uint64_t>(dims), view.offset};
  for (size_t d = dims; d-- > 0;) {
    place.index[d] = row % view.shape[d];
    row /= view.shape[d];
    place.position += place.index[d] * view.strides[d];
  }
  return place;
}

/// Steps to the next row, the last dimension but one fastest.
void next_row(const StridedView& view, Place& place) {
  for (size_t d = place.index.size(); d-- > 0;) {
    place.position += view.strides[d];
    if (++place.index[d] < view.shape[d]) return;
    place.position -= view.shape[d] * view.strides[d];
    place.index[d] = 0;
  }
}

/// Without dimensions that the next one continues: a contiguous tensor is one row.
StridedView merged(const StridedView& view) {
  StridedView result{view.offset, {}, {}};
  for (size_t d = 0; d < view.shape.size(); ++d) {
    if (view.shape[d] == 1) continue;  // its stride means nothing
    const auto whole = checked_product(view.strides[d], view.shape[d]);
    if (!result.shape.empty() && whole && result.strides.back() == *whole) {
      result.shape.back() *= view.shape[d];
      result.strides.back() = view.strides[d];
    } else {
      result.shape.push_back(view.shape[d]);
      result.strides.push_back(view.strides[d]);
    }
  }
  return result;
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

void read_view(const StridedView& view, const ElementArray& array, uint64_t first, uint64_t count, float* to) {
  if (count == 0) return;
  const StridedView rows = merged(view);
  const uint64_t bytes = dtype_info(array.dtype).bytes;
  const uint64_t row_count = rows.shape.empty() ? 1 : rows.shape.back();
  const uint64_t row_stride = rows.shape.empty() ? 0 : rows.strides.back();
  Place place = place_of_row(rows, first / row_count);
  for (uint64_t skipped = first % row_count; count > 0; skipped = 0) {
    const uint64_t taken = std::min(count, row_count - skipped);
    const unsigned char* begin = array.bytes + (place.position + skipped * row_stride) * bytes;
    convert_run({begin, row_stride * bytes, taken}, array, to);
    to += taken;
    count -= taken;
    next_row(rows, place);
  }
}

std::vector<float> read_view(const StridedView& view, const ElementArray& array) {
  std::vector<float> values(checked_num_elements(view.shape).value_or(0));
  read_view(view, array, 0, values.size(), values.data());
  return values;
}

}  // namespace mmoe::converter
