#include "tests/unit/kernels/emulated/avx512.h"

#include "kernels/sets/avx512.cpp"

namespace mmoe::test {

const kernels::KernelTable* emulated_avx512();
const kernels::KernelTable* emulated_avx512() { return &kernels::avx512::kTable; }

}  // namespace mmoe::test
