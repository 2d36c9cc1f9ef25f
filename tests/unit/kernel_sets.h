// The kernel sets of this machine, for tests that score with each.
#pragma once

#include <vector>

#include "mmoe/kernel_sets.h"

namespace mmoe::test {

/// Names, fastest first; only_exact: of those that all give the same bits, "scalar" among them.
inline std::vector<const char*> available_kernel_sets(bool only_exact = false) {
  std::vector<const char*> names;
  for (std::size_t i = 0; i < num_kernel_sets(); ++i) {
    const KernelSetInfo set = kernel_set(i);
    if (set.available && (set.exact || !only_exact)) names.push_back(set.name);
  }
  return names;
}

inline std::vector<const char*> exact_kernel_sets() { return available_kernel_sets(true); }

}  // namespace mmoe::test
