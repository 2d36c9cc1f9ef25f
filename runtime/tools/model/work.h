// What a model costs: parameters in the file, and arithmetic per row.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/tools/model/model_view.h"

namespace mmoe::tools {

/// Weights, biases, prelu slopes, constant gates and embedding tables; a bias of zeros counts as none. Layers
/// that share weights count once.
std::uint64_t num_parameters(const ModelView& view);
/// The same of one expert's layers.
std::uint64_t num_parameters(const ModelView& view, const schema::Expert& expert);

/// Bytes of these parameters in the type in which each is stored.
std::uint64_t parameter_bytes(const ModelView& view, const schema::Expert& expert);

/// Multiply-adds per row: of an expert's layers, and of adding one expert to what a gate mixes.
std::uint64_t multiply_adds(const schema::Expert& expert);
std::uint64_t mixing_multiply_adds(const schema::Level& level, const schema::Gate& gate);

/// Per level and expert, whether a constant gate that the tasks need mixes it: it is computed for every row.
std::vector<std::vector<bool>> experts_of_constant_gates(const schema::Model& model);

/// Floating-point operations for one row and all tasks: 2 per multiply-add of the trunk, experts, gates, mixing
/// and towers that the tasks need. Activations, softmax and links are not counted.
struct FlopsPerRow {
  std::uint64_t all_experts = 0;  ///< every expert computed
  /// With the file's top-k gates: when all gates of a level agree on their experts, and when they agree on
  /// none. Equal to all_experts where there is no top-k gate.
  std::uint64_t top_k_min = 0;
  std::uint64_t top_k_max = 0;
};
FlopsPerRow flops_per_row(const schema::Model& model);

}  // namespace mmoe::tools
