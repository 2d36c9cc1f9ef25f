#include "converter/importers/dtype.h"

#include <iterator>

namespace mmoe::converter {
namespace {

// In the order of DType.
constexpr DTypeInfo kTable[] = {
    {DType::kF64, 8, "f64", "F64", "float64", "DoubleStorage", "f8"},
    {DType::kF32, 4, "f32", "F32", "float32", "FloatStorage", "f4"},
    {DType::kF16, 2, "f16", "F16", "float16", "HalfStorage", "f2"},
    {DType::kBF16, 2, "bf16", "BF16", "bfloat16", "BFloat16Storage", ""},
    {DType::kF8E4M3, 1, "f8_e4m3", "F8_E4M3", "float8_e4m3fn", "", ""},
    {DType::kF8E5M2, 1, "f8_e5m2", "F8_E5M2", "float8_e5m2", "", ""},
    {DType::kI64, 8, "i64", "I64", "int64", "LongStorage", "i8"},
    {DType::kI32, 4, "i32", "I32", "int32", "IntStorage", "i4"},
    {DType::kI16, 2, "i16", "I16", "int16", "ShortStorage", "i2"},
    {DType::kI8, 1, "i8", "I8", "int8", "CharStorage", "i1"},
    {DType::kU64, 8, "u64", "U64", "uint64", "", "u8"},
    {DType::kU32, 4, "u32", "U32", "uint32", "", "u4"},
    {DType::kU16, 2, "u16", "U16", "uint16", "", "u2"},
    {DType::kU8, 1, "u8", "U8", "uint8", "ByteStorage", "u1"},
    {DType::kBool, 1, "bool", "BOOL", "bool", "BoolStorage", "b1"},
    {DType::kC64, 8, "c64", "C64", "complex64", "ComplexFloatStorage", "c8"},
    {DType::kC128, 16, "c128", "", "complex128", "ComplexDoubleStorage", "c16"},
};

}  // namespace

const DTypeInfo& dtype_info(DType dtype) { return kTable[static_cast<size_t>(dtype)]; }

const DTypeInfo* find_dtype(std::string_view DTypeInfo::*column, std::string_view name) {
  if (name.empty()) return nullptr;
  for (const DTypeInfo& row : kTable) {
    if (row.*column == name) return &row;
  }
  return nullptr;
}

}  // namespace mmoe::converter
