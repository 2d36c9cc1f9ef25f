// What ONNX's operators take in each version of its operator set.
#pragma once

#include <cstdint>

#include "converter/importers/onnx_graph.h"

namespace mmoe::converter {

/// The operator sets whose operators this converter knows.
constexpr int64_t kOldestOpset = 7, kNewestOpset = 28;

/// Throws ConvertError, with what the user can do, for an operator set outside that range.
void check_opset(int64_t opset);

/// Throws ConvertError when the node has an attribute or a number of inputs that its operator does not have in this
/// operator set, or does not exist there. An operator that the table does not name passes.
void check_operator(const OnnxNode& node, int64_t opset);

}  // namespace mmoe::converter
