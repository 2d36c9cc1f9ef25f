// The keys of the objects of a description. Binding allows these and no others; recipes, which are descriptions with
// parts to be put in, are checked against the same lists when they are built.
#pragma once

#include <string>
#include <vector>

namespace mmoe::converter {

using Keys = std::vector<std::string>;

Keys description_keys();  ///< of the top level
Keys numbers_keys();      ///< of an entry of `numbers`
Keys level_keys();
Keys operation_names();      ///< of nodes that are no MLPs: the key of what they operate on
Keys operation_keys();       ///< of such a node
Keys scaled_dot_keys();      ///< of a node with `scaled_dot`
Keys node_mlp_keys();        ///< of a node that is an MLP: a layers object with more
Keys attention_node_keys();  ///< the same of one that attends to a sequence
Keys attention_keys();       ///< of its `attention`
Keys compressed_interaction_keys();
Keys pool_keys();  ///< a level's experts: a layers object with more
Keys gates_keys();
Keys layers_keys();
Keys towers_keys();  ///< a layers object with more
Keys dice_keys();
Keys norm_tensors_keys();  ///< of `batch_norm_tensors` and `layer_norm_tensors`
Keys task_keys();
Keys link_keys();

/// Both, one behind the other.
Keys joined(Keys keys, const Keys& more);

}  // namespace mmoe::converter
