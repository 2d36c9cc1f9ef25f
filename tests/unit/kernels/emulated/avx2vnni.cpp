#include "tests/unit/kernels/emulated/avx_vnni.h"

#include "kernels/sets/avx2vnni.cpp"

namespace mmoe::test {

const kernels::KernelTable* emulated_avx2vnni();
const kernels::KernelTable* emulated_avx2vnni() { return &kernels::avx2vnni::kTable; }

}  // namespace mmoe::test
