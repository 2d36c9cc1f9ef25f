// Models that have nodes beside their levels.
#pragma once

#include <string>
#include <vector>

#include "converter/importers/onnx_graph.h"
#include "converter/model/model.h"

namespace mmoe::converter {

/// As recognise(): sums, products, dot products and softmaxes that are no mixture of experts become nodes.
TrainedModel recognise_nodes(const OnnxGraph& graph, std::vector<std::string>& notes);

}  // namespace mmoe::converter
