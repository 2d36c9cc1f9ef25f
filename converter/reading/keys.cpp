#include "converter/reading/keys.h"

namespace mmoe::converter {

Keys joined(Keys keys, const Keys& more) {
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

Keys description_keys() {
  return {"mmoe_description", "name",       "architecture", "derived", "ignore", "numbers", "features",
          "input_dim",        "shared_dim", "trunk",        "nodes",   "levels", "towers",  "tasks"};
}

Keys numbers_keys() { return {"match", "weights", "tables"}; }

Keys level_keys() { return {"experts", "gates", "nodes"}; }

Keys operation_names() {
  return {"sum",           "product",           "dot",    "lower_pairs", "upper_pairs", "bi_interaction",
          "sum_of_groups", "sum_within_groups", "softmax"};
}

Keys operation_keys() {
  return joined(operation_names(), {"name", "tasks", "scale", "group", "constant", "activation", "layer_norm",
                                    "layer_norm_tensors", "layer_norm_epsilon"});
}

Keys scaled_dot_keys() { return {"name", "tasks", "scaled_dot", "group", "heads", "scale", "mask", "causal"}; }

Keys node_mlp_keys() { return joined(layers_keys(), {"name", "tasks", "reads", "each"}); }

Keys attention_node_keys() { return joined(layers_keys(), {"name", "tasks", "attention"}); }

Keys attention_keys() { return {"query", "sequences", "length", "terms", "mask", "count", "softmax"}; }

Keys compressed_interaction_keys() {
  return {"name", "tasks",      "compressed_interaction", "group", "order", "layers", "activation", "weight",
          "bias", "orientation"};
}

Keys pool_keys() { return joined(layers_keys(), {"name", "reads", "per", "first_expert", "num_experts"}); }

Keys gates_keys() {
  return {"logits",
          "activation",
          "selector_weights",
          "gamma",
          "static",
          "hidden",
          "weight",
          "bias",
          "orientation",
          "batch_norm",
          "batch_norm_tensors",
          "batch_norm_epsilon",
          "mixes",
          "top_k",
          "top_k_mode",
          "temperature",
          "weight_scales",
          "constant",
          "route",
          "per",
          "name",
          "reads"};
}

Keys layers_keys() {
  return {"layers",
          "output",
          "activation",
          "last_activation",
          "slopes",
          "dice",
          "input_batch_norm",
          "input_batch_norm_tensors",
          "input_batch_norm_epsilon",
          "batch_norm",
          "batch_norm_tensors",
          "batch_norm_epsilon",
          "batch_norm_position",
          "layer_norm",
          "layer_norm_tensors",
          "layer_norm_epsilon",
          "layer_norm_position",
          "weight",
          "bias",
          "output_weight",
          "output_bias",
          "orientation"};
}

Keys towers_keys() { return joined(layers_keys(), {"reads"}); }

Keys dice_keys() { return {"alpha", "batch_norm", "batch_norm_tensors", "epsilon", "divide_by"}; }

Keys norm_tensors_keys() { return {"gamma", "beta", "mean", "variance"}; }

Keys task_keys() { return {"name", "link", "output", "number"}; }

Keys link_keys() {
  return {"softmax_column", "log_softmax_column", "expected_value", "product", "column",
          "tower",          "activation",         "scale",          "shift",   "clamp"};
}

}  // namespace mmoe::converter
