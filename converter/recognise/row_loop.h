// Loops that go through the rows of the batch, as torch exports nn.EmbeddingBag: each step looks the row's ids up and
// makes one vector of them.
#pragma once

#include <functional>
#include <string>

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

/// What the Loop gives: that of all steps, one for each row. `find`: values around it. `run`: what an operation gives.
/// Throws ConvertError where it is another loop.
NodeResults follow_row_loop(
    const OnnxNode& loop, const std::function<const TensorValue*(const std::string&)>& find,
    const std::function<NodeResults(const OnnxNode&, const std::vector<const TensorValue*>&)>& run);

}  // namespace mmoe::converter
