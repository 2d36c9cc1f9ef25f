// The constants of an ONNX model as named tensors, for a description that says what they mean.
#pragma once

#include <memory>
#include <string>

#include "converter/importers/onnx_graph.h"
#include "converter/importers/weight_source.h"

namespace mmoe::converter {

/// `name` begins the messages of errors.
std::unique_ptr<WeightSource> open_onnx(std::string name, std::shared_ptr<const OnnxGraph> graph);

}  // namespace mmoe::converter
