// What every kernel may take for granted of its arguments. Each begins with MMOE_REQUIRE(args), which is nothing
// without assertions. The functions are compiled once, for any machine: an inline one would become a kernel set's.
#pragma once

#ifdef MMOE_ASSERTIONS

#include "kernels/kernels.h"

namespace mmoe::kernels {

void require(const DenseArgs& args);
void require(const NormArgs& args);
void require(const GateArgs& args);
void require(const ThresholdArgs& args);
void require(const MixArgs& args);
void require(const ScaleArgs& args);
void require(const LookupArgs& args);
void require(const PoolArgs& args);

}  // namespace mmoe::kernels

#define MMOE_REQUIRE(args) ::mmoe::kernels::require(args)

#else
#define MMOE_REQUIRE(args) static_cast<void>(0)
#endif
