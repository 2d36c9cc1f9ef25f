// How an Assembled is put together; included by assembled.h.
#pragma once

#include <stdexcept>

#include "tests/bench/assembled.h"

namespace mmoe::bench {

template <class Product>
Assembled<Product>::Assembled(const Network& network, const Choice& choice)
    : choice_(choice),
      rows_(choice.rows),
      input_dim_(network.input_dim),
      num_tasks_(network.num_tasks()),
      num_experts_(network.num_experts()),
      expert_dim_(network.expert_dim()) {
  if (num_tasks_ > 4 || (num_experts_ != 4 && num_experts_ != 8 && num_experts_ != 16)) {
    throw std::runtime_error("the glue is made for 1 to 4 tasks and 4, 8 or 16 experts");
  }
  for (const auto& expert : network.experts) {
    for (const Layer& layer : expert) {
      if (layer.outputs % glue::kLanes != 0) throw std::runtime_error("the glue is made for experts of whole vectors");
    }
  }
  add_first_layers(network);
  for (std::size_t l = 1; l < network.experts[0].size(); ++l) add_deeper_layers(network, l);
  weights_ = buffer(rows_ * num_tasks_ * num_experts_);
  streams_ = buffer(num_tasks_ * rows_ * expert_dim_);
  logits_out_ = buffer(rows_ * num_tasks_);
  for (std::size_t t = 0; t < num_tasks_; ++t) {
    towers_.push_back(make_tower(network.towers[t], streams_ + t * rows_ * expert_dim_, expert_dim_));
  }
}

template <class Product>
void Assembled<Product>::add_step(std::vector<Step>& steps, const Layer& layer, std::size_t relu_outputs,
                                  const float* input, std::size_t input_stride, float* output,
                                  std::size_t output_stride) {
  const ProductSpec spec{rows_,         layer.inputs,        layer.outputs,     input_stride,
                         output_stride, layer.weight.data(), layer.bias.data(), relu_outputs};
  steps.push_back({Product(spec, choice_.tuning), input, output});
}

template <class Product>
void Assembled<Product>::add_first_layers(const Network& network) {
  const std::size_t width = network.experts[0][0].outputs;
  const std::size_t all = num_experts_ * width, logits = num_tasks_ * num_experts_;
  std::vector<const Layer*> experts, gates;
  for (const auto& expert : network.experts) experts.push_back(&expert[0]);
  for (const Layer& gate : network.gates) gates.push_back(&gate);
  expert_stride_ = width;
  expert_row_stride_ = all;

  if (choice_.first == FirstLayers::kWithGates) {
    expert_row_stride_ = gates_stride_ = padded(all + logits);
    experts_ = buffer(rows_ * gates_stride_);
    gates_ = experts_ + all;
    experts.insert(experts.end(), gates.begin(), gates.end());
    return add_step(steps_, join(experts), all, nullptr, input_dim_, experts_, gates_stride_);
  }
  experts_ = buffer(rows_ * all);
  gates_stride_ = padded(logits);
  gates_ = buffer(rows_ * gates_stride_);
  if (choice_.first == FirstLayers::kJoined) {
    add_step(steps_, join(experts), all, nullptr, input_dim_, experts_, all);
  } else {
    expert_stride_ = rows_ * width;
    expert_row_stride_ = width;
    for (std::size_t e = 0; e < num_experts_; ++e) {
      add_step(steps_, *experts[e], width, nullptr, input_dim_, experts_ + e * expert_stride_, width);
    }
  }
  add_step(steps_, join(gates), 0, nullptr, input_dim_, gates_, gates_stride_);
}

template <class Product>
void Assembled<Product>::add_deeper_layers(const Network& network, std::size_t layer) {
  const std::size_t width = network.experts[0][layer].outputs;
  const bool separate = choice_.first == FirstLayers::kSeparate;
  const std::size_t stride = separate ? rows_ * width : width;
  const std::size_t row_stride = separate ? width : num_experts_ * width;
  float* output = buffer(rows_ * num_experts_ * width);
  for (std::size_t e = 0; e < num_experts_; ++e) {
    add_step(steps_, network.experts[e][layer], width, experts_ + e * expert_stride_, expert_row_stride_,
             output + e * stride, row_stride);
  }
  experts_ = output;
  expert_stride_ = stride;
  expert_row_stride_ = row_stride;
}

template <class Product>
typename Assembled<Product>::Tower Assembled<Product>::make_tower(const std::vector<Layer>& layers, const float* stream,
                                                                  std::size_t dim) {
  Tower tower;
  const float* input = stream;
  std::size_t stride = dim;
  for (std::size_t l = 0; l + 1 < layers.size(); ++l) {
    const Layer& layer = layers[l];
    const bool narrow = layer.outputs <= glue::kLanes && l + 2 == layers.size() && !choice_.library_towers;
    const std::size_t output_stride = padded(layer.outputs);
    tower.hidden = buffer(rows_ * output_stride);
    tower.hidden_stride = output_stride;
    if (narrow) {
      tower.narrow_input = input;
      tower.narrow_stride = stride;
      tower.narrow_inputs = layer.inputs;
      tower.narrow_weight = narrow_weight(layer);
      tower.narrow_bias = padded_copy(layer.bias);
    } else {
      add_step(tower.steps, layer, layer.outputs, input, stride, tower.hidden, output_stride);
    }
    input = tower.hidden;
    stride = output_stride;
  }
  if (!tower.hidden) throw std::runtime_error("the glue is made for towers with a hidden layer");
  tower.last_weight = padded_copy(layers.back().weight);
  tower.last_bias = layers.back().bias[0];
  return tower;
}

}  // namespace mmoe::bench
