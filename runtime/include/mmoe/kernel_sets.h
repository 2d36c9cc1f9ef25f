// The kernel sets of this build: the versions of the runtime's arithmetic, one for each kind of processor.
//
//     for (std::size_t i = 0; i < mmoe::num_kernel_sets(); ++i) {
//       const mmoe::KernelSetInfo set = mmoe::kernel_set(i);
//       std::printf("%s%s\n", set.name, set.available ? "" : " (not on this machine)");
//     }
#pragma once

#include <cstddef>

namespace mmoe {
inline namespace v0_1 {

/// A kernel set of this build.
struct KernelSetInfo {
  const char* name;   ///< as PlanOptions::kernel_set takes it: "avx2"; never freed
  std::size_t lanes;  ///< floats in one of its registers
  /// Whether its scores are the same bits as those of every other exact set: see Plan::is_exact(). Of an available set
  /// this is proven by computing, in microseconds; of others it is what the set was written for.
  bool exact;
  bool available;  ///< whether this machine can run it
};

/// Sets that are compiled into this build. At least 1, and the last one is available on every machine of the build.
std::size_t num_kernel_sets();

/// Fastest first: without PlanOptions::kernel_set a plan takes the first that is available.
/// REQUIRES: index < num_kernel_sets().
KernelSetInfo kernel_set(std::size_t index);

}  // namespace v0_1
}  // namespace mmoe
