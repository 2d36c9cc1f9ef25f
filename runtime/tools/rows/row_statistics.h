// What rows had that a model does not know: unknown categories, missing values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/tools/rows/input_spec.h"

namespace mmoe::tools {

struct ValueCounts {
  std::uint64_t values = 0;   ///< of a Sequence: elements
  std::uint64_t unknown = 0;  ///< categories that the vocabulary does not hold
  std::uint64_t missing = 0;  ///< empty, or NaN
};

/// One line per feature that has unknown or missing values, as "feature 'country': of 8 values, 3 are unknown (37.5 %),
/// 1 is missing (12.5 %)"; at most 20. counts: one per feature, or one for x.
std::vector<std::string> notes_of(const InputSpec& spec, const std::vector<ValueCounts>& counts);

}  // namespace mmoe::tools
