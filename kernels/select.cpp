#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif (defined(__arm__) || defined(__aarch64__) || defined(__riscv)) && defined(__linux__)
#include <sys/auxv.h>
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
// Whether the machine has AVX, fma and these extensions (CPUID leaf 1, ECX, and leaf 7, EBX), and the OS saves these
// registers (XCR0). Asked by hand: __builtin_cpu_supports() links 4.6 kB that know every processor by name.
[[maybe_unused]] bool has_fma_and(unsigned ecx1, unsigned ebx7, unsigned registers) {
  const unsigned base = bit_OSXSAVE | bit_AVX | bit_FMA | ecx1;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & base) != base) return false;
  __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  if ((eax & registers) != registers) return false;
  if (ebx7 == 0) return true;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & ebx7) == ebx7;
}

constexpr unsigned kYmm = 0x06;  // and xmm
constexpr unsigned kZmm = 0xe6;  // and masks

[[maybe_unused]] bool has_avx512() {
  return has_fma_and(0, bit_AVX2 | bit_AVX512F | bit_AVX512CD | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL, kZmm);
}
// Every processor with AVX2 has F16C, but a virtual machine may hide it.
[[maybe_unused]] bool has_avx2() { return has_fma_and(bit_F16C, bit_AVX2, kYmm); }
[[maybe_unused]] bool has_fma3() { return has_fma_and(0, 0, kYmm); }

// Leaf 7: bit 11 of ECX; of subleaf 1, bit 4 of EAX, for which not all compilers have a name.
[[maybe_unused]] bool has_avx512vnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return has_avx512() && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_AVX512VNNI) != 0;
}
[[maybe_unused]] bool has_avx2vnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & 1u << 4) != 0;
}
#endif

#ifdef __aarch64__
// Bits of the kernel's asm/hwcap.h. Elsewhere: what the compiler takes for granted of every machine.
[[maybe_unused]] bool has_dot_products() {
#if defined(__ARM_FEATURE_DOTPROD)
  return true;
#elif defined(__linux__)
  constexpr unsigned long kAsimdDp = 1ul << 20;
  return (getauxval(AT_HWCAP) & kAsimdDp) != 0;
#else
  return false;
#endif
}
[[maybe_unused]] bool has_matrix_products() {
#if defined(__ARM_FEATURE_MATMUL_INT8) && defined(__ARM_FEATURE_DOTPROD)
  return true;
#elif defined(__linux__)
  constexpr unsigned long kI8mm = 1ul << 13;  // of the second word
  return has_dot_products() && (getauxval(AT_HWCAP2) & kI8mm) != 0;
#else
  return false;
#endif
}

// Bits of a register of SVE, as the system lets this thread have them; 0 without. Sets for one length compute wrong
// numbers with another, and do not trap.
[[maybe_unused]] unsigned long sve_bits() {
#ifdef __linux__
  constexpr unsigned long kSve = 1ul << 22;
  if ((getauxval(AT_HWCAP) & kSve) == 0) return 0;
  register unsigned long bytes __asm__("x0");
  __asm__ volatile(".inst 0x04bf5020"
                   : "=r"(bytes));  // rdvl x0, #1, which the assembler knows for a machine with SVE alone
  return 8 * bytes;
#else
  return 0;
#endif
}
[[maybe_unused]] bool has_sve128() { return sve_bits() == 128; }
[[maybe_unused]] bool has_sve256() { return sve_bits() == 256; }
[[maybe_unused]] bool has_sve512() { return sve_bits() == 512; }
#endif

#ifdef __riscv
// Bits of a vector register; 0 without.
[[maybe_unused]] unsigned long vector_bits() {
#ifdef __linux__
  constexpr unsigned long kV = 1ul << ('v' - 'a');
  if ((getauxval(AT_HWCAP) & kV) == 0) return 0;
  // vsetvli a0, zero, e8, m1, ta, ma: how many bytes a register has. Some systems report vectors of version 0.7 by the
  // same bit. These do not know the settings ta and ma, and answer with 0.
  register unsigned long bytes __asm__("a0");
  __asm__ volatile(".4byte 0x0c007557" : "=r"(bytes));
  return 8 * bytes;
#else
  return 0;
#endif
}
[[maybe_unused]] bool has_rvv128() { return vector_bits() >= 128; }
[[maybe_unused]] bool has_rvv256() { return vector_bits() >= 256; }
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
