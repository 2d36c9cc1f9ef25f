// Fused multiply-add by one lane of a register: four inputs of a row are one load instead of four broadcasts, which
// cost an in-order core a third of its time. xsimd has no such operation: the set's traits have it, or not.
#pragma once

#include "kernels/generic/math.h"
#include "kernels/generic/shape.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// Whether tiles of so many rows use lanes: all, or in a build for size the one in which batches spend their time.
template <class Arch, std::size_t kRows>
constexpr bool kByLane = Traits<Arch>::kHasLanes && (!kForSize || kRows == Shape<Arch>::kMaxRows);

/// One input of the four in x: every output takes one multiply-add. panels: where the four inputs' weights begin.
template <class Arch, int kLane, std::size_t kRows, std::size_t kCount, std::size_t kPanels>
inline void multiply_add_lane(const Reg<Arch> (&x)[kRows], const float* const (&panels)[kPanels],
                              Reg<Arch> (&sum)[kRows][kCount]) {
  // As many weights are loaded at once as the 32 registers have room for, so that loads are ahead of their use: all
  // panels' or one's; six rows leave room for one register, whose six multiply-adds take as long as the next load.
  constexpr std::size_t kRegs = Shape<Arch>::kRegs;
  constexpr std::size_t kRoom = Traits<Arch>::kRegisters - 1 - kRows * kCount - kRows;
  constexpr std::size_t kGroup = kCount <= kRoom ? kCount : kRegs <= kRoom ? kRegs : 1;
  MMOE_UNROLL
  for (std::size_t first = 0; first < kCount; first += kGroup) {
    Reg<Arch> w[kGroup];
    MMOE_UNROLL
    for (std::size_t i = 0; i < kGroup; ++i) {
      const std::size_t r = first + i;
      w[i] = Reg<Arch>::load_unaligned(panels[r / kRegs] + r % kRegs * 4 + kLane * kPanelWidth);
    }
    MMOE_UNROLL
    for (std::size_t i = 0; i < kGroup; ++i) {
      MMOE_UNROLL
      for (std::size_t m = 0; m < kRows; ++m) {
        sum[m][first + i] = Traits<Arch>::template multiply_add_lane<kLane>(x[m], w[i], sum[m][first + i]);
      }
    }
  }
}

/// Inputs [begin, end) of a tile by fours, in ascending order as one by one. Returns the first that is left.
/// kFetch: a line at `ahead` for each input, ahead_step bytes further each. REQUIRES: kByLane<Arch, kRows>.
template <class Arch, bool kFetch, std::size_t kRows, std::size_t kCount>
inline std::size_t multiply_add_fours(const float* const (&input)[kRows], const float* weights,
                                      std::size_t panel_stride, std::size_t begin, std::size_t end,
                                      Reg<Arch> (&sum)[kRows][kCount], const char*& ahead, std::size_t ahead_step) {
  constexpr std::size_t kPanels = kCount / Shape<Arch>::kRegs;
  const float* panels[kPanels];
  MMOE_UNROLL
  for (std::size_t p = 0; p < kPanels; ++p) panels[p] = weights + p * panel_stride + begin * kPanelWidth;
  std::size_t k = begin;
  for (; k + 4 <= end; k += 4) {
    if constexpr (kFetch) {
      MMOE_UNROLL
      for (int i = 0; i < 4; ++i, ahead += ahead_step) __builtin_prefetch(ahead, 0, 2);
    }
    Reg<Arch> x[kRows];
    MMOE_UNROLL
    for (std::size_t m = 0; m < kRows; ++m) x[m] = Reg<Arch>::load_unaligned(input[m] + k);
    multiply_add_lane<Arch, 0>(x, panels, sum);
    multiply_add_lane<Arch, 1>(x, panels, sum);
    multiply_add_lane<Arch, 2>(x, panels, sum);
    multiply_add_lane<Arch, 3>(x, panels, sum);
    MMOE_UNROLL
    for (std::size_t p = 0; p < kPanels; ++p) panels[p] += 4 * kPanelWidth;
  }
  return k;
}

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
