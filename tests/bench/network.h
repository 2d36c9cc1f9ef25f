// A one-level MMoE as plain matrices: what every engine assembles its own form from, so that all of them compute
// with the very same weights.
#pragma once

#include <cstddef>
#include <vector>

namespace mmoe::bench {

struct Layer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::vector<float> weight;  ///< [outputs, inputs]
  std::vector<float> bias;    ///< [outputs]; zeros where the model has none
};

/// ReLU after every layer of experts and towers but the towers' last, which gives one logit; softmax gates; the
/// score is the logit's sigmoid. All experts have the same shape, and so have all towers.
struct Network {
  std::size_t input_dim = 0;
  std::vector<std::vector<Layer>> experts;
  std::vector<Layer> gates;  ///< one per task, [num_experts, input_dim]
  std::vector<std::vector<Layer>> towers;

  std::size_t num_experts() const { return experts.size(); }
  std::size_t num_tasks() const { return towers.size(); }
  std::size_t expert_dim() const { return experts[0].back().outputs; }
};

}  // namespace mmoe::bench
