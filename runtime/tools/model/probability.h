// Whether a score is a probability.
#pragma once

#include <cstddef>

#include "mmoe/model.h"
#include "runtime/tools/model/model_view.h"

namespace mmoe::tools {

/// Whether a task's score is a probability: it ends in a sigmoid, a softmax, or a product of such. Tasks and auxiliary
/// ones, as factors number them.
bool gives_probability(const schema::Model& model, Index task);
bool is_probability(const Model& model, std::size_t task);

}  // namespace mmoe::tools
