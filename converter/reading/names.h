// What frameworks add to the names of a model's tensors, and the tensors that they save beside its weights.
#pragma once

#include <string>
#include <vector>

#include "converter/importers/weight_source.h"

namespace mmoe::converter {

/// "", then every longer prefix that ends with '.' or '/' and that the names of all tensors share, training state
/// apart: "module.", "module._orig_mod.". Parts of a name that `uncompiled_name` takes out may be left out of a prefix.
std::vector<std::string> shared_prefixes(const std::vector<TensorInfo>& tensors);

/// The name without `_orig_mod.`, which torch.compile puts before the names of every module that it wraps.
std::string uncompiled_name(const std::string& name);

/// State of training that inference never needs: `num_batches_tracked` (torch.nn.BatchNorm1d), `n_averaged`
/// (torch.optim.swa_utils.AveragedModel), `seed_generator_state` (the random seed of Keras's dropout).
bool is_training_state(const std::string& name);

}  // namespace mmoe::converter
