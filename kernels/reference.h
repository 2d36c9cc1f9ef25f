// The functions of the plain-loop reference, of which sets without SIMD take those that are not worth a version
// of their own. Private to kernels/.
#pragma once

#include "kernels/kernels.h"

namespace mmoe::kernels::reference {

void dense(const DenseArgs& args);
/// The product of W8A8 without its activation.
void multiply_w8a8(const DenseArgs& args);
/// A dense product's activation by itself, over the rows and panels that `args` names.
void activate_rows(const DenseArgs& args);
void activate(Activation activation, float alpha, float beta, float* data, std::size_t size);
void normalise(const NormArgs& args);
void gate(const GateArgs& args);
void threshold(const ThresholdArgs& args);
void mix_experts(const MixArgs& args);
void scale(const ScaleArgs& args);
void lookup(const LookupArgs& args);
void pool(const PoolArgs& args);
bool all_finite(const float* data, std::size_t size);

/// The table of a set that has a dense product and a mix of its own.
constexpr KernelTable make_table(const char* name, std::uint8_t lanes, bool flushes, void (*dense)(const DenseArgs&),
                                 void (*mix_experts)(const MixArgs&)) {
  return {name, lanes,     true,        flushes, kOneFloatCosts, dense, activate,  normalise,
          gate, threshold, mix_experts, scale,   lookup,         pool,  all_finite};
}

}  // namespace mmoe::kernels::reference
