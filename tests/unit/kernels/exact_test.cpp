// That exactness is proven, not believed: sets that claim it and break the contract are found out.
#include <cfenv>
#include <initializer_list>

#include <doctest/doctest.h>

#include "kernels/exact.h"
#include "kernels/fused.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "kernels/reference.h"

#ifdef __SSE2__
#include <xmmintrin.h>
#endif

namespace mmoe::test {
namespace {

using kernels::DenseArgs;
using kernels::KernelTable;

// A dense product whose multiply-add is `add`, and nothing else, as the kernels' reference does it.
template <float (*kMultiplyAdd)(float, float, float)>
void dense(const DenseArgs& args) {
  const auto* weights = static_cast<const float*>(args.weights);
  for (std::size_t column = 0; column < kPanelWidth; ++column) {
    float sum = args.start[column];
    for (std::size_t k = 0; k < args.num_inputs; ++k) {
      sum = kMultiplyAdd(args.input[k], weights[k * kPanelWidth + column], sum);
    }
    args.output[column] = sum;
  }
}

float rounds_twice_to_float(float x, float y, float z) { return x * y + z; }
float rounds_by_double(float x, float y, float z) {
  return static_cast<float>(static_cast<double>(x) * static_cast<double>(y) + static_cast<double>(z));
}
#if __LDBL_MANT_DIG__ == 64
float rounds_by_extended(float x, float y, float z) {
  return static_cast<float>(static_cast<long double>(x) * static_cast<long double>(y) + static_cast<long double>(z));
}
#endif

void normalise_fused(const kernels::NormArgs& args) {
  for (std::size_t i = 0; i < args.width; ++i)
    args.data[i] = kernels::fused(args.scale[i], args.data[i], args.shift[i]);
}

// Everything else is fused, so the dense product alone decides, whatever set this machine has.
template <float (*kMultiplyAdd)(float, float, float)>
bool is_believed() {
  KernelTable table = *kernels::select_kernels();
  table.fma = true;
  table.dense = dense<kMultiplyAdd>;
  table.normalise = normalise_fused;
  return kernels::proves_exact(table);
}

// As on a machine whose products are fused by an instruction, and whose fmaf is not.
void normalise_unfused(const kernels::NormArgs& args) {
  for (std::size_t i = 0; i < args.width; ++i) args.data[i] = args.scale[i] * args.data[i] + args.shift[i];
}

TEST_CASE("exact: multiply-adds that are not fused, or are rounded twice, are found out") {
  CHECK(is_believed<kernels::fused>());
  CHECK_FALSE(is_believed<rounds_twice_to_float>());
  CHECK_FALSE(is_believed<rounds_by_double>());
#if __LDBL_MANT_DIG__ == 64
  CHECK_FALSE(is_believed<rounds_by_extended>());
#endif
}

TEST_CASE("exact: a set that fuses products and nothing else is found out") {
  KernelTable table = *kernels::select_kernels();
  table.fma = true;
  table.dense = dense<kernels::fused>;
  table.normalise = normalise_unfused;
  CHECK_FALSE(kernels::proves_exact(table));
}

TEST_CASE("exact: every set of this machine that says so is, sse2 does not say so") {
  for (std::size_t i = 0; const KernelTable* table = kernels::available_kernels(i); ++i) {
    CAPTURE(table->name);
    CHECK(kernels::proves_exact(*table) == table->fma);
  }
}

TEST_CASE("environment: rounding and subnormal numbers as C begins") {
  CHECK(kernels::has_default_environment());
#if defined(FE_UPWARD) && !defined(__EMSCRIPTEN__)  // which has the functions, and one direction
  for (const int direction : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    REQUIRE(std::fesetround(direction) == 0);
    const bool as_default = kernels::has_default_environment();
    std::fesetround(FE_TONEAREST);
    CHECK_FALSE(as_default);
  }
#endif
#ifdef __SSE2__
  const unsigned before = _mm_getcsr();
  for (const unsigned bits : {0x8000u, 0x0040u}) {  // flush to zero; denormals are zero
    _mm_setcsr(before | bits);
    const bool as_default = kernels::has_default_environment();
    _mm_setcsr(before);
    CHECK_FALSE(as_default);
  }
#endif
  CHECK(kernels::has_default_environment());
}

}  // namespace
}  // namespace mmoe::test
