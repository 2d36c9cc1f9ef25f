// What one core of this machine can do at most: fused multiply-adds from registers, and reads from memory.
#pragma once

#include <cstddef>
#include <string>

namespace mmoe::tools {

/// FLOP/s of independent fused multiply-adds in registers as wide as the kernel set's ("avx512", "avx2", "fma3",
/// "sse2", "neon64"; any other: the compiler's baseline). The best of several runs of a few milliseconds.
double peak_flops(const std::string& isa);

/// Bytes per second of reading `bytes` of floats again and again, once around as a warm-up.
double read_bandwidth(const std::string& isa, std::size_t bytes);

}  // namespace mmoe::tools
