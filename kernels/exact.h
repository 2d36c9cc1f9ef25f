// What the numerics contract takes for granted, put to the test on the machine that computes.
#pragma once

namespace mmoe::kernels {

struct KernelTable;

/// Whether the set's dense products fuse their multiply-adds and round once, as a set whose `fma` is true promises. That of
/// plain loops has fmaf from the C library, which in some (MinGW's) rounds twice. Some 100 ns.
bool proves_exact(const KernelTable& table);

/// Whether this thread rounds to nearest and keeps subnormal numbers, as C's default floating-point environment does.
bool has_default_environment();

}  // namespace mmoe::kernels
