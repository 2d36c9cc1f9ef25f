// Register budget of an instruction set, from which the dense kernel's tile shapes follow.
#pragma once

#include <cstddef>

#include "kernels/generic/traits.h"
#include "kernels/panel16.h"
#include "kernels/unroll.h"

// A tile is large, and called in more than one place.
#define MMOE_NOINLINE __attribute__((noinline))

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// Built for size, there are fewer tile shapes, and none that fetches ahead.
#ifdef __OPTIMIZE_SIZE__
constexpr bool kForSize = true;
#else
constexpr bool kForSize = false;
#endif

template <class Arch>
struct Shape {
  static constexpr std::size_t kLanes = Reg<Arch>::size;
  static constexpr std::size_t kRegs = kPanelWidth / kLanes;  ///< registers in a panel row

  // A tile holds rows x panels x kRegs accumulators, one panel row per panel and a broadcast input.
  static constexpr std::size_t kAccumulators = Traits<Arch>::kRegisters == 32 ? 24 : 12;

  static constexpr std::size_t at_least_one(std::size_t n) { return n == 0 ? 1 : n; }

  /// Rows of the largest tile. AVX-512: 8 rows x 3 panels, 11 loads for 24 fma, and pointers that fit the general
  /// registers (12 x 2 reads 14, and spills two). AVX2: 6 rows x 1 panel of 2 registers; SSE 3 x 1; NEON 6 x 1.
  static constexpr std::size_t kMaxRows = kLanes == 16 ? 8 : at_least_one(kAccumulators / kRegs);

  static constexpr bool kFetches = !kForSize;
  static constexpr std::size_t kMaxPanels = kForSize ? 4 : 6;  ///< more streams of weights are slower to read

  /// Panels that a tile of `rows` rows spans; few rows take more, to keep as many fma in flight.
  static constexpr std::size_t panels(std::size_t rows) {
    const std::size_t fit = at_least_one(kAccumulators / (rows * kRegs));
    return fit > kMaxPanels ? kMaxPanels : fit;
  }

  /// Weights that many rows pass over before the next are fetched: with the rows' inputs, less than an L1 cache.
  static constexpr std::size_t kBlockBytes = 24 * 1024;

  /// From so many weights on they are fetched ahead: fewer stay in an L2 cache, whose latency hides itself.
  static constexpr std::size_t kFetchBytes = 256 * 1024;
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
