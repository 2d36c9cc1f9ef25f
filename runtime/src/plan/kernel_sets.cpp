#include "mmoe/kernel_sets.h"

#include "kernels/assertion.h"
#include "kernels/exact.h"
#include "kernels/kernels.h"

namespace mmoe {
inline namespace v0_1 {

std::size_t num_kernel_sets() {
  std::size_t count = 0;
  while (kernels::compiled_kernels(count).table) ++count;
  return count;
}

KernelSetInfo kernel_set(std::size_t index) {
  const kernels::KernelSet set = kernels::compiled_kernels(index);
  MMOE_ASSERT(set.table);  // index < num_kernel_sets()
  const bool exact = set.available ? kernels::proves_exact(*set.table) : set.table->fma;
  return {set.table->name, set.table->lanes, exact, set.available};
}

}  // namespace v0_1
}  // namespace mmoe
