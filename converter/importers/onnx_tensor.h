// One constant of an ONNX model out of its message.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "converter/importers/onnx_graph.h"

namespace mmoe::onnx {
class Tensor;
}

namespace mmoe::converter {

/// `model_path`: where the model is; weights in other files lie beside it. Throws ConvertError naming the tensor, not
/// the file, when elements are missing or too many, or its type is not of numbers.
std::shared_ptr<const OnnxTensor> read_onnx_tensor(const onnx::Tensor& message, const std::string& model_path);

/// Of ONNX's number for a type: "f32", "i64", ...; "text", "type 17".
std::string onnx_dtype_name(int data_type);

/// Whole numbers and booleans.
bool is_onnx_integer(int data_type);

}  // namespace mmoe::converter
