// The functions of the plain-loop reference, of which sets without SIMD take those that are not worth a version
// of their own. Private to kernels/.
#pragma once

#include "kernels/kernels.h"

namespace mmoe::kernels::reference {

void dense(const DenseArgs& args);
void activate(Activation activation, float alpha, float beta, float* data, std::size_t size);
void normalise(const NormArgs& args);
void gate(const GateArgs& args);
void threshold(const ThresholdArgs& args);
void mix_experts(const MixArgs& args);
void scale(const ScaleArgs& args);
void lookup(const LookupArgs& args);
void pool(const PoolArgs& args);
bool all_finite(const float* data, std::size_t size);

}  // namespace mmoe::kernels::reference
