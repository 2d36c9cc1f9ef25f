#include "converter/importers/onnx_tensor.h"

#include <charconv>
#include <limits>
#include <optional>

#include "converter/error.h"
#include "converter/importers/contained_file.h"
#include "converter/importers/float_convert.h"
#include "converter/importers/messages.h"
#include "converter/importers/strided_view.h"
#include "converter/importers/weight_source.h"
#include "converter/shape_text.h"
#include "onnx.pb.h"

namespace mmoe::converter {
namespace {

[[noreturn]] void fail(const onnx::Tensor& message, const std::string& what) {
  throw ConvertError("tensor " + in_quotes(message.name()) + ": " + what);
}

std::optional<DType> dtype_of(int data_type) {
  switch (data_type) {
    case 1: return DType::kF32;
    case 2: return DType::kU8;
    case 3: return DType::kI8;
    case 5: return DType::kI16;
    case 6: return DType::kI32;
    case 7: return DType::kI64;
    case 9: return DType::kBool;
    case 10: return DType::kF16;
    case 11: return DType::kF64;
    case 16: return DType::kBF16;
    default: return std::nullopt;
  }
}

std::vector<uint64_t> shape_of(const onnx::Tensor& message) {
  if (message.dims_size() > static_cast<int>(kMaxDims)) {
    fail(message, std::to_string(message.dims_size()) + " dimensions; at most 64 are allowed");
  }
  std::vector<uint64_t> shape;
  for (const int64_t size : message.dims()) {
    if (size < 0) fail(message, "its shape has a negative size");
    shape.push_back(static_cast<uint64_t>(size));
  }
  return shape;
}

uint64_t bytes_needed(const onnx::Tensor& message, const OnnxTensor& tensor, DType dtype) {
  const auto elements = checked_num_elements(tensor.shape);
  const auto bytes = elements ? checked_product(*elements, dtype_info(dtype).bytes) : std::nullopt;
  if (!bytes) fail(message, "shape " + shape_text(tensor.shape) + " needs more than 2^63 bytes");
  return *bytes;
}

int64_t integer_at(const unsigned char* bytes, DType dtype) {
  switch (dtype) {
    case DType::kI64: return same_bits<int64_t>(load_little_endian<uint64_t>(bytes));
    case DType::kI32: return same_bits<int32_t>(load_little_endian<uint32_t>(bytes));
    case DType::kI16: return same_bits<int16_t>(load_little_endian<uint16_t>(bytes));
    case DType::kI8: return same_bits<int8_t>(*bytes);
    default: return *bytes;
  }
}

/// Elements as they lie in a file. `bytes` are as many as needed.
void read_raw(std::string_view bytes, DType dtype, OnnxTensor& tensor) {
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  if (!tensor.is_integer) {
    tensor.floats = read_view(contiguous_view(tensor.shape), {data, dtype});
    return;
  }
  const size_t size = dtype_info(dtype).bytes;
  for (size_t at = 0; at < bytes.size(); at += size) tensor.integers.push_back(integer_at(data + at, dtype));
}

template <typename To, typename Field, typename Convert>
void copy(const Field& field, std::vector<To>& to, Convert convert) {
  to.reserve(static_cast<size_t>(field.size()));
  for (const auto value : field) to.push_back(convert(value));
}

/// Elements in the field of their type; 16-bit floats are bits in int32_data.
void read_fields(const onnx::Tensor& message, DType dtype, OnnxTensor& tensor) {
  const auto low_bits = [](int32_t value) { return static_cast<uint16_t>(value & 0xffff); };
  switch (dtype) {
    case DType::kF32: return copy(message.float_data(), tensor.floats, [](float value) { return value; });
    case DType::kF64: return copy(message.double_data(), tensor.floats, f64_to_f32);
    case DType::kF16:
      return copy(message.int32_data(), tensor.floats, [&](int32_t value) { return f16_to_f32(low_bits(value)); });
    case DType::kBF16:
      return copy(message.int32_data(), tensor.floats, [&](int32_t value) { return bf16_to_f32(low_bits(value)); });
    case DType::kI64: return copy(message.int64_data(), tensor.integers, [](int64_t value) { return value; });
    default: return copy(message.int32_data(), tensor.integers, [](int32_t value) { return int64_t{value}; });
  }
}

uint64_t number(const onnx::Tensor& message, const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail(message, "external data: " + in_quotes(text) + " is not a number");
  }
  return value;
}

void read_external(const onnx::Tensor& message, const std::string& model_path, DType dtype, OnnxTensor& tensor) {
  std::string location;
  uint64_t offset = 0, bytes = bytes_needed(message, tensor, dtype);
  for (const onnx::StringPair& pair : message.external_data()) {
    if (pair.key() == "location") location = pair.value();
    if (pair.key() == "offset") offset = number(message, pair.value());
    if (pair.key() == "length" && number(message, pair.value()) != bytes) {
      fail(message, "external data: length " + in_quotes(pair.value()) + ", but shape " + shape_text(tensor.shape) +
                        " needs " + std::to_string(bytes) + " bytes");
    }
  }
  if (bytes == 0) return;
  std::unique_ptr<MappedFile> file;
  try {
    file = map_contained_file(model_path, location);
  } catch (const ConvertError& error) {
    fail(message, error.what());
  }
  const std::string_view found = file->bytes();
  if (offset > found.size() || bytes > found.size() - offset) {
    fail(message, "its elements are in another file: " + in_quotes(location) + ": has " + std::to_string(found.size()) +
                      " bytes, too few for " + std::to_string(bytes) + " from " + std::to_string(offset));
  }
  read_raw(found.substr(offset, bytes), dtype, tensor);
}

}  // namespace

std::string onnx_dtype_name(int data_type) {
  const std::optional<DType> dtype = dtype_of(data_type);
  if (dtype) return std::string(dtype_info(*dtype).name);
  return data_type == 0 ? "" : data_type == 8 ? "text" : "type " + std::to_string(data_type);
}

bool is_onnx_integer(int data_type) {
  const std::optional<DType> dtype = dtype_of(data_type);
  return (dtype && !is_float(*dtype)) || data_type == 12 || data_type == 13;
}

std::shared_ptr<const OnnxTensor> read_onnx_tensor(const onnx::Tensor& message, const std::string& model_path) {
  auto tensor = std::make_shared<OnnxTensor>();
  tensor->name = message.name();
  tensor->shape = shape_of(message);
  const std::optional<DType> dtype = dtype_of(message.data_type());
  tensor->dtype = onnx_dtype_name(message.data_type());
  tensor->is_integer = !dtype || !is_float(*dtype);
  if (!dtype) return tensor;  // text and the like; refused where it is used
  const uint64_t needed = bytes_needed(message, *tensor, *dtype);
  if (message.data_location() == 1) {
    read_external(message, model_path, *dtype, *tensor);
  } else if (!message.raw_data().empty()) {
    if (message.raw_data().size() != needed) {
      fail(message, "shape " + shape_text(tensor->shape) + " of " + tensor->dtype + " needs " + std::to_string(needed) +
                        " bytes, but it has " + std::to_string(message.raw_data().size()));
    }
    read_raw(message.raw_data(), *dtype, *tensor);
  } else {
    read_fields(message, *dtype, *tensor);
  }
  const size_t found = tensor->is_integer ? tensor->integers.size() : tensor->floats.size();
  if (found != needed / dtype_info(*dtype).bytes) {
    fail(message, "shape " + shape_text(tensor->shape) + " needs " + std::to_string(needed / dtype_info(*dtype).bytes) +
                      " elements, but it has " + std::to_string(found));
  }
  return tensor;
}

}  // namespace mmoe::converter
