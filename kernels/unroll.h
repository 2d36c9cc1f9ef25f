// Without forced unrolling compilers keep the accumulators of a tile in memory and lose half the speed.
#pragma once

#if defined(__clang__)
#define MMOE_UNROLL _Pragma("unroll")
#else
#define MMOE_UNROLL _Pragma("GCC unroll 64")
#endif
