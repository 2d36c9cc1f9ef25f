// The tables of the sets that are compiled into this build. Private to kernels/: everybody else asks kernels.h.
#pragma once

#include "kernels/kernels.h"

// Each set is in an inline namespace of its own, so that no two of them can share an inline function, of which the
// linker would keep one, perhaps the one that this machine cannot run.
namespace mmoe::kernels {
#define MMOE_KERNEL_SET(name, condition) \
  inline namespace name {                \
  extern const KernelTable kTable;       \
  }
#include "kernels/enabled_sets.h"
#undef MMOE_KERNEL_SET
}  // namespace mmoe::kernels
