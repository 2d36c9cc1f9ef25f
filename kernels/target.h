// What the contract of kernels.h asks of a compiler's flags and of the machine. CMakeLists.txt gives the flags after
// those of a parent project, so that they win; other build systems are refused what would silently change scores.
#pragma once

#if defined(__FAST_MATH__) || defined(_M_FP_FAST) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
#error \
    "mmoe: compile the library without -ffast-math, -Ofast, -funsafe-math-optimizations or /fp:fast: they change scores and hide NaN. Programs that use it may have them."
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "mmoe: model files are little-endian and are used in place: big-endian machines are not supported."
#endif

namespace mmoe::kernels {

/// Whether float expressions are computed in float. x87 arithmetic, as of 32-bit x86 without -mfpmath=sse, keeps more
/// digits than the contract says.
#if !defined(__FLT_EVAL_METHOD__) || __FLT_EVAL_METHOD__ == 0 || __FLT_EVAL_METHOD__ == 16
constexpr bool kComputesInFloat = true;
#else
constexpr bool kComputesInFloat = false;
#endif

}  // namespace mmoe::kernels
