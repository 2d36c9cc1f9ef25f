// The kernel table of one architecture: all that a file of sets/ instantiates.
#pragma once

#include "kernels/generic/activation.h"
#include "kernels/generic/dense.h"
#include "kernels/generic/features.h"
#include "kernels/generic/gate.h"
#include "kernels/generic/mix.h"
#include "kernels/generic/normalise.h"
#include "kernels/tables.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

template <class Arch>
constexpr KernelTable make_table(const char* name, bool fma = true, bool flushes = false) {
  return {name,
          static_cast<std::uint8_t>(Shape<Arch>::kLanes),
          fma,
          flushes,
          kVectorCosts,
          dense<Arch>,
          activate<Arch>,
          normalise<Arch>,
          gate<Arch>,
          threshold<Arch>,
          mix_experts<Arch>,
          scale<Arch>,
          lookup<Arch>,
          pool<Arch>,
          all_finite<Arch>};
}

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
