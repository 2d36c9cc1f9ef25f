// The architecture of an exported model, found by what its graph computes; names of nodes and tensors play no part.
#pragma once

#include <string>
#include <vector>

#include "converter/importers/onnx_graph.h"
#include "converter/model/model.h"

namespace mmoe::converter {

/// Every output of the graph is the score of a task, or of several side by side (named `<output>.0`, ...). A task whose
/// path leads through softmax-weighted sums is one of a mixture of experts with as many levels as there are sums on its
/// way; where there are none, what all tasks share is one expert.
/// Throws ConvertError naming the node at which the graph stopped being a model of this family, and why.
TrainedModel recognise(const OnnxGraph& graph, const std::string& name, std::vector<std::string>& notes);

}  // namespace mmoe::converter
