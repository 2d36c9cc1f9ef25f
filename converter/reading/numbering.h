// From positions (the third expert, the second task) to the numbers and names that stand for them in the weights.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "converter/reading/pattern.h"
#include "converter/reading/tensor_index.h"

namespace mmoe::converter {

/// Whose weights are looked for; all count from 0. Tasks are those with a tower.
struct Slot {
  std::optional<size_t> level;
  std::optional<size_t> task;
  std::optional<size_t> expert;
  std::vector<size_t> tasks;  ///< of what is there for some tasks only, ascending; empty: for all
};

/// The texts of {level}, {task} and {expert} in a pattern of whole tensor names, for this slot. {task} stands for
/// the tasks' names if there is one of each, else for numbers; those and {expert} count from 0 or 1 without gaps. Of
/// what is there for some tasks only, the tensors may be those of these tasks alone. {previous_task} is the same for
/// the tasks before these. Throws when nothing matches, for gaps, a wrong number of tasks, and a placeholder that the
/// slot does not have.
PlaceholderValues resolve(TensorIndex& tensors, const Pattern& pattern, const Slot& slot);

/// How many experts the pattern finds; slot.expert is ignored.
size_t count_experts(TensorIndex& tensors, const Pattern& pattern, const Slot& slot);

/// A tensor of the slot, and the number of its layer (0 without {layer}).
struct NumberedTensor {
  size_t tensor = 0;
  size_t layer = 0;
  PlaceholderValues values;  ///< of all placeholders
};

/// The slot's tensors of the pattern by ascending number of their layer; at least one.
std::vector<NumberedTensor> find_numbered(TensorIndex& tensors, const Pattern& pattern, const Slot& slot);

}  // namespace mmoe::converter
