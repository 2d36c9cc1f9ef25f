// Lookups as an ONNX model has them: a Gather per feature, and their Concat.
#pragma once

#include <cstddef>
#include <string>

#include "tests/bench/onnxruntime_api.h"

namespace mmoe::bench {

/// The graph's names: tables "table0", ... and then ids "ids0", ...; the output is "x".
ort::Names gather_names(std::size_t num_features);

/// A model of inputs table<i> [table_rows, dim] (f32) and ids<i> [num_rows] (int64), and of the output
/// x [num_rows, num_features * dim]. Tables are inputs, and not constants of a file of gigabytes: Gather reads them
/// where they are in either case.
std::string gather_graph(std::size_t num_features, std::size_t table_rows, std::size_t dim);

}  // namespace mmoe::bench
