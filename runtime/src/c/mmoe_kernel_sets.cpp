#include "mmoe/kernel_sets.h"

#include "c/structs.h"
#include "mmoe/mmoe.h"

using namespace mmoe::internal;

MMOE_ENDS_WITH(mmoe_kernel_set_info, available);

extern "C" {

size_t mmoe_num_kernel_sets(void) { return mmoe::num_kernel_sets(); }

mmoe_status mmoe_kernel_set(size_t index, mmoe_kernel_set_info* info) {
  const size_t num_sets = mmoe::num_kernel_sets();
  if (index >= num_sets) {
    return fail(make_error(mmoe::ErrorCode::kInvalidArgument, "index: ", index, ", the library has ", num_sets,
                           " kernel sets"));
  }
  const mmoe::KernelSetInfo set = mmoe::kernel_set(index);
  mmoe_kernel_set_info full = {};
  full.name = set.name;
  full.lanes = set.lanes;
  full.exact = set.exact;
  full.available = set.available;
  return write_struct(full, "info", info);
}

}  // extern "C"
