#if defined(MMOE_ISA_NEON) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include "kernels/kernels.h"
#include "kernels/tables.h"

namespace mmoe::kernels {
namespace {

struct Candidate {
  bool (*supported)();
  const KernelTable* (*table)();
};

// strcmp, which is 700 bytes in some libraries for small machines.
bool equal(const char* a, const char* b) {
  for (; *a != '\0' && *a == *b; ++a) ++b;
  return *a == *b;
}

[[maybe_unused]] bool always() { return true; }

#ifdef MMOE_ISA_X86
// The compiler's own CPU model: it asks the OS (XCR0) whether the registers are saved, too.
[[maybe_unused]] bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}
[[maybe_unused]] bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
[[maybe_unused]] bool has_fma3() { return __builtin_cpu_supports("avx") && __builtin_cpu_supports("fma"); }
#endif

#ifdef MMOE_ISA_NEON
#ifdef __linux__
// ARMv7 cores with NEON exist that cannot fuse (Cortex-A8, A9), and cores without NEON at all: the kernel knows. Bits
// as in its asm/hwcap.h, which C libraries do not all have.
bool has_neon() {
  constexpr unsigned long kNeon = 1ul << 12, kVfpV4 = 1ul << 16;
  return (getauxval(AT_HWCAP) & kNeon) != 0 && (getauxval(AT_HWCAP) & kVfpV4) != 0;
}
#else
bool has_neon() { return true; }  // who compiles this set for bare metal has the unit
#endif
#endif

// Fastest first. A set that every machine can run closes the list, so that there always is one.
constexpr Candidate kCandidates[] = {
#ifdef MMOE_ISA_AVX512
    {has_avx512, avx512_kernels},
#endif
#ifdef MMOE_ISA_AVX2
    {has_avx2, avx2_kernels},
#endif
#ifdef MMOE_ISA_FMA3
    {has_fma3, fma3_kernels},
#endif
#ifdef MMOE_ISA_SSE2
    {always, sse2_kernels},
#endif
#ifdef MMOE_ISA_NEON64
    {always, neon64_kernels},
#endif
#ifdef MMOE_ISA_NEON
    {has_neon, neon_kernels},
#endif
#ifdef MMOE_ISA_MVE
    {always, mve_kernels},
#endif
#ifdef MMOE_ISA_FPU
    {always, fpu_kernels},
#endif
#ifdef MMOE_ISA_SCALAR
    {always, scalar_kernels},
#endif
};

}  // namespace

const KernelTable* available_kernels(std::size_t index) {
  for (const Candidate& candidate : kCandidates) {
    if (!candidate.supported()) continue;
    if (index-- == 0) return candidate.table();
  }
  return nullptr;
}

const KernelTable* select_kernels(const char* name) {
  for (std::size_t i = 0; const KernelTable* table = available_kernels(i); ++i) {
    if (name == nullptr || equal(name, table->name)) return table;
  }
  return nullptr;
}

}  // namespace mmoe::kernels
