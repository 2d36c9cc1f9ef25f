#include "tests/unit/kernels/emulated/avx512.h"

#include "kernels/sets/avx512vnni.cpp"

namespace mmoe::test {

const kernels::KernelTable* emulated_avx512vnni();
const kernels::KernelTable* emulated_avx512vnni() { return &kernels::avx512vnni::kTable; }

}  // namespace mmoe::test
