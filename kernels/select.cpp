#if defined(__arm__) && defined(__linux__)
#include <sys/auxv.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "kernels/kernels.h"
#include "kernels/tables.h"

namespace mmoe::kernels {
namespace {

struct Compiled {
  const KernelTable* table;
  bool (*is_available)();
};

// strcmp, which is 700 bytes in some libraries for small machines.
bool equal(const char* a, const char* b) {
  for (; *a != '\0' && *a == *b; ++a) ++b;
  return *a == *b;
}

// The conditions of sets.cmake.
[[maybe_unused]] bool always() { return true; }

#if defined(__x86_64__) || defined(__i386__)
// Every processor with AVX2 has F16C, but a virtual machine may hide it. Not all compilers' CPU models know it.
[[maybe_unused]] bool has_f16c() {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & 1u << 29) != 0;
}

// The compiler's own CPU model: it asks the OS (XCR0) whether the registers are saved, too.
[[maybe_unused]] bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}
[[maybe_unused]] bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}
[[maybe_unused]] bool has_fma3() { return __builtin_cpu_supports("avx") && __builtin_cpu_supports("fma"); }
#endif

#ifdef __arm__
#ifdef __linux__
// ARMv7 cores with NEON exist that cannot fuse (Cortex-A8, A9), and cores without NEON at all: the kernel knows. Bits
// as in its asm/hwcap.h, which C libraries do not all have.
[[maybe_unused]] bool has_neon() {
  constexpr unsigned long kNeon = 1ul << 12, kVfpV4 = 1ul << 16;
  return (getauxval(AT_HWCAP) & kNeon) != 0 && (getauxval(AT_HWCAP) & kVfpV4) != 0;
}
#else
[[maybe_unused]] bool has_neon() { return true; }  // who compiles this set for bare metal has the unit
#endif
#endif

// In the order of sets.cmake, fastest first.
constexpr Compiled kSets[] = {
#define MMOE_KERNEL_SET(name, condition) {&name::kTable, condition},
#include "kernels/enabled_sets.h"
#undef MMOE_KERNEL_SET
};
constexpr std::size_t kNumSets = sizeof kSets / sizeof kSets[0];

}  // namespace

KernelSet compiled_kernels(std::size_t index) {
  if (index >= kNumSets) return {nullptr, false};
  return {kSets[index].table, kSets[index].is_available()};
}

const KernelTable* available_kernels(std::size_t index) {
  for (const Compiled& set : kSets) {
    if (!set.is_available()) continue;
    if (index-- == 0) return set.table;
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
