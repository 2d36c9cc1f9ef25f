// An MMoE assembled by hand from one library's products. The library is a type, so that nothing is dispatched
// between a product and the glue around it.
//
// A Product type has
//     Product(const ProductSpec&, int tuning);     packs the weights; throws where the library cannot
//     void run(const float* x, float* y);          y = relu(x W^T + b), the ReLU on the first relu_outputs columns
//     static std::vector<int> tunings(rows);       values of `tuning` worth trying
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/aligned.h"
#include "tests/bench/glue.h"
#include "tests/bench/network.h"

namespace mmoe::bench {

/// Strides in floats. Weights and bias need not outlive the constructor.
struct ProductSpec {
  std::size_t rows = 0;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t input_stride = 0;
  std::size_t output_stride = 0;
  const float* weight = nullptr;  ///< [outputs, inputs]
  const float* bias = nullptr;
  std::size_t relu_outputs = 0;  ///< 0, outputs, or the columns before gate logits
};

/// How the products that read x are laid out.
enum class FirstLayers {
  kWithGates,  ///< one product: all experts' first layers, then all gates' logits
  kJoined,     ///< one product of the experts, one of the gates
  kSeparate    ///< one product per expert, one of the gates
};

struct Choice {
  std::size_t rows = 0;  ///< that go through all layers together; divides the batch
  FirstLayers first = FirstLayers::kWithGates;
  bool library_towers = false;  ///< narrow tower layers by the library too, not by glue
  int tuning = 0;

  std::string text() const;
};

/// Several layers that read the same input, side by side. ReLU where the layer is not a gate.
Layer join(const std::vector<const Layer*>& layers);

/// weight [inputs, kLanes], outputs padded with zeros.
AlignedFloats narrow_weight(const Layer& layer);
AlignedFloats padded_copy(const std::vector<float>& values);

constexpr std::size_t padded(std::size_t size) { return (size + glue::kLanes - 1) / glue::kLanes * glue::kLanes; }

template <class Product>
class Assembled {
 public:
  Assembled(const Network& network, const Choice& choice);

  /// REQUIRES: batch is a multiple of choice.rows.
  void run(const float* x, std::size_t batch, float* scores) {
    for (std::size_t row = 0; row < batch; row += rows_) run_rows(x + row * input_dim_, scores + row * num_tasks_);
  }

 private:
  struct Step {
    Product product;
    const float* input;  ///< null: x
    float* output;
  };
  struct Tower {
    std::vector<Step> steps;
    const float* narrow_input = nullptr;  ///< null: no narrow layer
    std::size_t narrow_stride = 0, narrow_inputs = 0;
    AlignedFloats narrow_weight, narrow_bias;
    float* hidden = nullptr;  ///< [rows, hidden_stride]
    std::size_t hidden_stride = 0;
    AlignedFloats last_weight;  ///< [hidden_stride]
    float last_bias = 0;
  };

  float* buffer(std::size_t floats) {
    buffers_.emplace_back(floats + glue::kLanes);
    return buffers_.back().data();
  }
  void add_step(std::vector<Step>& steps, const Layer& layer, std::size_t relu_outputs, const float* input,
                std::size_t input_stride, float* output, std::size_t output_stride);
  void add_first_layers(const Network& network);
  void add_deeper_layers(const Network& network, std::size_t layer);
  Tower make_tower(const std::vector<Layer>& layers, const float* stream, std::size_t dim);

  void run_rows(const float* x, float* scores) {
    for (Step& step : steps_) step.product.run(step.input ? step.input : x, step.output);
    softmax();
    switch (num_tasks_) {
      case 1: mix<1>(); break;
      case 2: mix<2>(); break;
      case 3: mix<3>(); break;
      default: mix<4>(); break;
    }
    for (std::size_t t = 0; t < num_tasks_; ++t) run_tower(towers_[t], t);
    glue::sigmoid(logits_out_, rows_ * num_tasks_);
    std::memcpy(scores, logits_out_, rows_ * num_tasks_ * sizeof(float));
  }

  void softmax() {
    switch (num_experts_) {
      case 4: return glue::softmax<4>(gates_, gates_stride_, rows_, num_tasks_, weights_);
      case 8: return glue::softmax<8>(gates_, gates_stride_, rows_, num_tasks_, weights_);
      default: return glue::softmax<16>(gates_, gates_stride_, rows_, num_tasks_, weights_);
    }
  }

  template <std::size_t kTasks>
  void mix() {
    for (std::size_t r = 0; r < rows_; ++r) {
      glue::mix_row<kTasks>(experts_ + r * expert_row_stride_, expert_stride_, num_experts_,
                            weights_ + r * kTasks * num_experts_, expert_dim_, streams_ + r * expert_dim_,
                            rows_ * expert_dim_);
    }
  }

  void run_tower(Tower& tower, std::size_t task) {
    for (Step& step : tower.steps) step.product.run(step.input, step.output);
    if (tower.narrow_input) {
      glue::narrow_layer(tower.narrow_input, tower.narrow_stride, rows_, tower.narrow_inputs,
                         tower.narrow_weight.data(), tower.narrow_bias.data(), tower.hidden);
    }
    for (std::size_t r = 0; r < rows_; ++r) {
      const float* hidden = tower.hidden + r * tower.hidden_stride;
      logits_out_[r * num_tasks_ + task] =
          tower.last_bias + glue::dot(hidden, tower.last_weight.data(), tower.hidden_stride);
    }
  }

  Choice choice_;
  std::size_t rows_, input_dim_, num_tasks_, num_experts_, expert_dim_;
  std::vector<AlignedFloats> buffers_;
  std::vector<Step> steps_;
  float* experts_ = nullptr;  ///< outputs of the experts' latest layer: expert e, row r at e * stride + r * row stride
  std::size_t expert_stride_ = 0, expert_row_stride_ = 0;
  float* gates_ = nullptr;  ///< [rows, gates_stride_], logits of all tasks
  std::size_t gates_stride_ = 0;
  float* weights_ = nullptr;  ///< [rows, num_tasks, num_experts]
  float* streams_ = nullptr;  ///< [num_tasks, rows, expert_dim]
  std::vector<Tower> towers_;
  float* logits_out_ = nullptr;  ///< [rows, num_tasks]
};

}  // namespace mmoe::bench

#include "tests/bench/assembled_build.h"
