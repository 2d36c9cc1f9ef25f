// Plain C++ for machines whose registers hold one float each, 32 of them: Cortex-M with an FPU, ARMv7 without NEON,
// WebAssembly without simd128. Only the loops that take the time are here; everything else is the reference's.
#pragma once

#include <type_traits>

#ifdef __ARM_FEATURE_SIMD32
#include <arm_acle.h>
#endif

#include "kernels/fused.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "kernels/preconditions.h"
#include "kernels/reference.h"
#include "kernels/special/w8a8.h"
#include "kernels/stored.h"
#include "kernels/unroll.h"

// Where a fused multiply-add is a dozen instructions, unrolling would only make the code large.
#ifdef __FP_FAST_FMAF
#define MMOE_UNROLL_FPU MMOE_UNROLL
#elif defined(__clang__)
#define MMOE_UNROLL_FPU _Pragma("clang loop unroll(disable)")
#else
#define MMOE_UNROLL_FPU _Pragma("GCC unroll 1")
#endif

namespace mmoe::kernels {
inline namespace fpu {

// Accumulators, weights and inputs of both tiles fit 32 registers. One row streams a whole panel, 17 loads for 16
// fused multiply-adds; four rows share each weight, 8 loads for 16.
constexpr std::size_t kTileRows = 4;
constexpr std::size_t kTileColumns = 4;

// Neighbouring weights that are widened together.
template <class Stored>
constexpr std::size_t kWidened = 1;

template <class Stored>
inline void widen_weights(Stored, const typename Stored::Type* from, float (&w)[1]) {
  w[0] = widen(Stored{}, *from);
}

#if defined(__ARM_FP) && (__ARM_FP & 2)
template <>
constexpr std::size_t kWidened<F16> = 2;

// The halves of one register. Exact, subnormal numbers too, whichever the mode: FPSCR.FZ is about floats, FPSCR.AHP
// about infinity and NaN, which no weight is.
inline void widen_weights(F16, const std::uint16_t* from, float (&w)[2]) {
  float both;
  __builtin_memcpy(&both, __builtin_assume_aligned(from, sizeof both), sizeof both);
  __asm__("vcvtb.f32.f16 %0, %1" : "=t"(w[0]) : "t"(both));
  __asm__("vcvtt.f32.f16 %0, %1" : "=t"(w[1]) : "t"(both));
}
#endif

#if defined(__ARM_FP) && defined(__FP_FAST_FMAF)
template <>
constexpr std::size_t kWidened<BF16> = 2;
template <>
constexpr std::size_t kWidened<I8> = 2;

// One instruction moves two numbers, to registers side by side.
template <class Number>
inline void move_pair(std::int32_t first, std::int32_t second, Number (&to)[2]) {
  register Number a __asm__("s30");
  register Number b __asm__("s31");
  __asm__("vmov %0, %1, %2, %3" : "=t"(a), "=t"(b) : "r"(first), "r"(second));
  to[0] = a;
  to[1] = b;
}

inline void widen_weights(BF16, const std::uint16_t* from, float (&w)[2]) {
  std::uint32_t both;
  __builtin_memcpy(&both, __builtin_assume_aligned(from, sizeof both), sizeof both);
  move_pair(static_cast<std::int32_t>(both << 16), static_cast<std::int32_t>(both & 0xffff0000u), w);
}

inline void widen_weights(I8, const std::int8_t* from, float (&w)[2]) {
  std::int32_t numbers[2];
  move_pair(from[0], from[1], numbers);
  w[0] = static_cast<float>(numbers[0]);
  w[1] = static_cast<float>(numbers[1]);
}
#endif

template <class Stored, std::size_t kRows, std::size_t kColumns>
inline void dense_tile(const DenseArgs& args, std::size_t row0, std::size_t column0) {
  const float* input[kRows];
  float* output[kRows];
  float sum[kRows][kColumns];
  MMOE_UNROLL_FPU
  for (std::size_t m = 0; m < kRows; ++m) {
    const std::size_t row = args.rows ? args.rows[row0 + m] : row0 + m;
    input[m] = args.input + row * args.input_stride;
    output[m] = args.output + row * args.output_stride + column0;
    MMOE_UNROLL_FPU
    for (std::size_t c = 0; c < kColumns; ++c) sum[m][c] = args.start ? args.start[column0 + c] : 0.0f;
  }
  const auto* weights = static_cast<const typename Stored::Type*>(args.weights) +
                        column0 / kPanelWidth * args.panel_stride + column0 % kPanelWidth;
  for (std::size_t k = 0; k < args.num_inputs; ++k, weights += kPanelWidth) {
    float x[kRows];
    MMOE_UNROLL_FPU
    for (std::size_t m = 0; m < kRows; ++m) x[m] = input[m][k];
    MMOE_UNROLL_FPU
    for (std::size_t c = 0; c < kColumns; c += kWidened<Stored>) {
      float w[kWidened<Stored>];
      widen_weights(Stored{}, weights + c, w);
      MMOE_UNROLL_FPU
      for (std::size_t j = 0; j < kWidened<Stored>; ++j) {
        MMOE_UNROLL_FPU
        for (std::size_t m = 0; m < kRows; ++m) sum[m][c + j] = fused(x[m], w[j], sum[m][c + j]);
      }
    }
  }
  const bool scaled = std::is_same<Stored, I8>::value && args.scales;
  const bool relu = args.activation == Activation::kRelu && column0 < args.num_activated * kPanelWidth;
  MMOE_UNROLL_FPU
  for (std::size_t m = 0; m < kRows; ++m) {
    MMOE_UNROLL_FPU
    for (std::size_t c = 0; c < kColumns; ++c) {
      const float y = scaled ? sum[m][c] * args.scales[column0 + c] + args.bias[column0 + c] : sum[m][c];
      output[m][c] = relu && y < 0 ? 0.0f : y;
    }
  }
}

// A panel for all rows, while it is in cache.
template <class Stored>
inline void dense_panel(const DenseArgs& args, std::size_t column0) {
  std::size_t row = 0;
  for (; row + kTileRows <= args.num_rows; row += kTileRows) {
    for (std::size_t c = 0; c < kPanelWidth; c += kTileColumns) {
      dense_tile<Stored, kTileRows, kTileColumns>(args, row, column0 + c);
    }
  }
  for (; row < args.num_rows; ++row) dense_tile<Stored, 1, kPanelWidth>(args, row, column0);
}

template <class Stored>
inline void dense_panels(const DenseArgs& args) {
  for (std::size_t panel = 0; panel < args.num_panels; ++panel) dense_panel<Stored>(args, panel * kPanelWidth);
}

#ifdef __ARM_FEATURE_SIMD32

// Bytes of even and of odd places as two numbers of 16 bits each: an instruction multiplies and adds two pairs.
struct BytePairs {
  int16x2_t even, odd;
};

inline BytePairs pairs_of(int8x4_t bytes) {
  int16x2_t odd;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(odd) : "r"(bytes));  // by intrinsics g++ rotates first
  return {__sxtb16(bytes), odd};
}

inline BytePairs load_pairs(const std::int8_t* quad) {
  int8x4_t bytes;
  __builtin_memcpy(&bytes, quad, sizeof bytes);
  return pairs_of(bytes);
}

using Word __attribute__((may_alias)) = int8x4_t;

// Quads of four outputs.
struct Quads {
  int8x4_t a, b, c, d;
};

inline Quads load_quads(const std::int8_t* weights) {
  const auto* words = static_cast<const Word*>(__builtin_assume_aligned(weights, sizeof(Quads)));
  return {words[0], words[1], words[2], words[3]};
}

inline std::int32_t add_products(const BytePairs& x, int8x4_t weights, std::int32_t sum) {
  const BytePairs w = pairs_of(weights);
  return __smlad(x.odd, w.odd, __smlad(x.even, w.even, sum));
}

#else

using BytePairs = const std::int8_t*;

inline BytePairs load_pairs(const std::int8_t* quad) { return quad; }

struct Quads {
  const std::int8_t *a, *b, *c, *d;
};

inline Quads load_quads(const std::int8_t* weights) { return {weights, weights + 4, weights + 8, weights + 12}; }

inline std::int32_t add_products(BytePairs x, const std::int8_t* weights, std::int32_t sum) {
  return sum + x[0] * weights[0] + x[1] * weights[1] + x[2] * weights[2] + x[3] * weights[3];
}

#endif

struct Sums {
  std::int32_t a, b, c, d;
};

__attribute__((always_inline)) inline void add_quad(const std::int8_t* quad, const std::int8_t* weights, Sums& sums) {
  const BytePairs x = load_pairs(quad);
  const Quads w = load_quads(weights);
  sums.a = add_products(x, w.a, sums.a);
  sums.b = add_products(x, w.b, sums.b);
  sums.c = add_products(x, w.c, sums.c);
  sums.d = add_products(x, w.d, sums.d);
}

// Not inlined: the general registers are just enough for the loop by itself.
__attribute__((noinline)) inline void dots(const std::int8_t* weights, const std::int8_t* quads, std::size_t num_quads,
                                           std::int32_t* sum) {
  Sums sums = {0, 0, 0, 0};
  if (num_quads % 2 != 0) {
    add_quad(quads, weights, sums);
    quads += 4;
    weights += kQuadBytes;
  }
  for (const std::int8_t* end = quads + num_quads / 2 * 8; quads != end; quads += 8, weights += 2 * kQuadBytes) {
    add_quad(quads, weights, sums);
    add_quad(quads + 4, weights + kQuadBytes, sums);
  }
  sum[0] = sums.a;
  sum[1] = sums.b;
  sum[2] = sums.c;
  sum[3] = sums.d;
}

inline void dense(const DenseArgs& args) {
  MMOE_REQUIRE(args);
  if (kHasW8A8 && args.type == WeightType::kW8A8) {
    multiply_w8a8(args, dots);
  } else {
    with_weights(args.type, [&args](auto stored) { dense_panels<decltype(stored)>(args); });
  }
  if (args.activation != Activation::kIdentity && args.activation != Activation::kRelu) reference::activate_rows(args);
}

// Columns that one pass over a row's experts sums in registers.
constexpr std::size_t kMixColumns = 8;

template <std::size_t kColumns>
inline void mix_columns(const MixArgs& args, std::size_t row, std::size_t num_weights, std::size_t column0) {
  const float* weights = args.weights + row * args.weights_stride;
  const std::uint16_t* selected = args.selected ? args.selected + row * args.num_weights : nullptr;
  float sum[kColumns] = {};
  for (std::size_t j = 0; j < num_weights; ++j) {
    const ExpertOutput& expert = args.experts[selected ? selected[j] : j];
    const float* data = expert.data + row * expert.stride + column0;
    MMOE_UNROLL_FPU
    for (std::size_t c = 0; c < kColumns; ++c) {
      sum[c] = j == 0 ? weights[0] * data[c] : fused(weights[j], data[c], sum[c]);
    }
  }
  float* output = args.output + row * args.output_stride + column0;
  MMOE_UNROLL_FPU
  for (std::size_t c = 0; c < kColumns; ++c) output[c] = sum[c];
}

inline void mix_experts(const MixArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    const std::size_t num_weights = args.counts ? args.counts[row] : args.num_weights;
    std::size_t d = 0;
    for (; d + kMixColumns <= args.dim; d += kMixColumns) mix_columns<kMixColumns>(args, row, num_weights, d);
    for (; d < args.dim; ++d) mix_columns<1>(args, row, num_weights, d);
  }
}

}  // namespace fpu
}  // namespace mmoe::kernels
