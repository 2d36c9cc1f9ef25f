// One getter per kernel set. Private to kernels/: everybody else asks select_kernels().
#pragma once

namespace mmoe::kernels {

struct KernelTable;

const KernelTable* scalar_kernels();
const KernelTable* sse2_kernels();
const KernelTable* fma3_kernels();
const KernelTable* avx2_kernels();
const KernelTable* avx512_kernels();
const KernelTable* neon64_kernels();
const KernelTable* neon_kernels();
const KernelTable* fpu_kernels();
const KernelTable* mve_kernels();

}  // namespace mmoe::kernels
