// The element types that weights files hold, under every name they go by.
#pragma once

#include <cstdint>
#include <string_view>

namespace mmoe::converter {

enum class DType : uint8_t {
  kF64,
  kF32,
  kF16,
  kBF16,
  kF8E4M3,
  kF8E5M2,
  kI64,
  kI32,
  kI16,
  kI8,
  kU64,
  kU32,
  kU16,
  kU8,
  kBool,
  kC64,
  kC128
};

/// One row of the table of element types. A name is empty where that place has none for the type.
struct DTypeInfo {
  DType dtype;
  uint8_t bytes;                   ///< of one element
  std::string_view name;           ///< TensorInfo::dtype
  std::string_view safetensors;    ///< in a safetensors header
  std::string_view torch;          ///< torch.<this>
  std::string_view torch_storage;  ///< torch.<this>
  std::string_view numpy;          ///< numpy.dtype(<this>), without the byte order in front
};

/// The table's row of `dtype`.
const DTypeInfo& dtype_info(DType dtype);

/// The row whose `column` is `name` (for example &DTypeInfo::safetensors); null when there is none.
const DTypeInfo* find_dtype(std::string_view DTypeInfo::*column, std::string_view name);

inline bool is_float(DType dtype) { return dtype <= DType::kBF16; }

/// Whether WeightSource::read() turns it into floats: those that are some, and what quantised weights are described by.
inline bool is_readable(DType dtype) {
  return is_float(dtype) || dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI32 || dtype == DType::kI64;
}

}  // namespace mmoe::converter
