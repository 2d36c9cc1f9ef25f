// What one core of this machine can do at most: fused multiply-adds from registers, and reads from memory.
#pragma once

#include <cstddef>

namespace mmoe::tools {

/// FLOP/s of independent fused multiply-adds in registers of so many floats, KernelSetInfo::lanes; of 4, in any others.
/// The best of several runs of a few milliseconds. REQUIRES: this machine has a kernel set with such registers.
double peak_flops(std::size_t lanes);

/// Bytes per second of reading `bytes` of floats again and again, once around as a warm-up.
double read_bandwidth(std::size_t lanes, std::size_t bytes);

}  // namespace mmoe::tools
