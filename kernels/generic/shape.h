// Register budget of an instruction set, from which the dense kernel's tile shapes follow.
#pragma once

#include <cstddef>

#include <xsimd/xsimd.hpp>

#include "kernels/panel16.h"

// Without forced unrolling compilers keep the accumulators of a tile in memory and lose half the speed.
#if defined(__clang__)
#define MMOE_UNROLL _Pragma("unroll")
#else
#define MMOE_UNROLL _Pragma("GCC unroll 64")
#endif

namespace mmoe::kernels {

template <class Arch>
struct Shape {
  static constexpr std::size_t kLanes = xsimd::batch<float, Arch>::size;
  static constexpr std::size_t kRegs = kPanelWidth / kLanes;  ///< registers in a panel row

  // A tile holds rows x panels x kRegs accumulators, one panel row per panel and a broadcast input.
  static constexpr bool kManyRegisters = kLanes == 16 || MMOE_MANY_REGISTERS;
  static constexpr std::size_t kAccumulators = kManyRegisters ? 24 : 12;

  static constexpr std::size_t at_least_one(std::size_t n) { return n == 0 ? 1 : n; }

  /// Rows of the largest tile: 12 for AVX-512, 6 for AVX2, 3 for SSE, 6 for NEON.
  static constexpr std::size_t kMaxRows = at_least_one(kAccumulators / (kLanes == 16 ? 2 : kRegs));

  /// Panels that a tile of `rows` rows spans; few rows take more, to keep as many fma in flight.
  static constexpr std::size_t panels(std::size_t rows) {
    const std::size_t fit = at_least_one(kAccumulators / (rows * kRegs));
    return fit >= 8 ? 8 : fit >= 4 ? 4 : fit >= 2 ? 2 : 1;
  }
};

}  // namespace mmoe::kernels
