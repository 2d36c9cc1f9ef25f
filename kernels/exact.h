// What the numerics contract takes for granted, put to the test on the machine that computes.
#pragma once

namespace mmoe::kernels {

struct KernelTable;

/// Whether the set fuses its multiply-adds and rounds once, as a set whose `fma` is true promises: compared with double
/// arithmetic for some hundred numbers. Plain loops have fmaf from the C library, which in some (MinGW's) does not.
/// Takes some microseconds.
bool proves_exact(const KernelTable& table);

/// Whether this thread rounds to nearest and keeps subnormal numbers, as C's default floating-point environment does.
bool has_default_environment();

}  // namespace mmoe::kernels
