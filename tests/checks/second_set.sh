#!/usr/bin/env bash
# A second kernel set of one processor family can be added: second_set.sh x86_64|aarch64 PYTHON FOLDER
#
# Adds sets as HACKING.md says to a copy of kernels/, an AVX2 and an AArch64 one that differ from what is there in flags
# and number of registers. Their objects must pass objects.py beside those of the first, both must compute the same
# bits, and one that is not in a namespace of its own must be refused, which is tried with x86-64. Exits with 77 where
# the compiler is not there.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
machine=$1 python=$2 folder=$3 not_run=""
rm -rf "$folder"
mkdir -p "$folder"

# add_set NAME FIRST ARCH MACHINE TRAITS HEADER FLAGS
add_set() {
  local name=$1 first=$2 arch=$3 machine=$4 traits=$5 header=$6 flags=$7 tree=$folder/$1
  mkdir -p "$tree"
  cp -r "$root/kernels" "$tree/kernels"
  cat >"$tree/kernels/sets/$name.cpp" <<SET
#define MMOE_SET $name
#include "kernels/generic/table.h"
#include "kernels/generic/$header"

namespace mmoe::kernels {
inline namespace $name {

using Arch = $arch;

template <>
struct Traits<Arch> : $traits<Arch> {
  static constexpr std::size_t kRegisters = 16;
};

constexpr KernelTable kTable = make_table<Arch>("$name");

}  // namespace $name
}  // namespace mmoe::kernels
SET
  sed -i "s|^mmoe_kernel_set($first .*|mmoe_kernel_set($name ON $machine $flags)\n&|" "$tree/kernels/sets.cmake"
}

# build NAME FIRST [CMAKE OPTIONS]
build() {
  local name=$1 first=$2
  shift 2
  cmake -G Ninja -S "$here/second_set" -B "$folder/$name/build" -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O1 \
    "-DKERNELS=$folder/$name/kernels" "-DKERNEL_SETS=$name;$first;scalar" "$@" >"$folder/log.txt" &&
    cmake --build "$folder/$name/build" >>"$folder/log.txt" || { tail -n 40 "$folder/log.txt" >&2; return 1; }
  "$python" "$here/objects.py" --kernels "$folder/$name/kernels" "$folder/$name/build/libkernels.a"
}

skip() {
  echo "skipped: $*"
  exit 77
}

if [[ $machine == x86_64 ]]; then
  [[ $(uname -m) == x86_64 ]] || skip "this machine is no x86-64"
  add_set avx2_few avx2 'xsimd::fma3<xsimd::avx2>' x86-64 X86Traits x86.h 'IF has_avx2 FLAGS -mavx2 -mfma -fno-schedule-insns'
  build avx2_few avx2
  "$folder/avx2_few/build/compare" avx2 avx2_few || (($? == 77))

  # A set of a name of its own whose functions are in the namespace of the first must not pass.
  sed "s/avx2_few/avx2/; s/^constexpr KernelTable/}  \ninline namespace avx2_few {\n&/" \
    -i "$folder/avx2_few/kernels/sets/avx2_few.cpp"
  if build avx2_few avx2 2>"$folder/refused.txt" >"$folder/refused.out"; then
    echo "error: two sets in one namespace pass" >&2
    exit 1
  fi
  grep -q 'share the weak symbol' "$folder/refused.txt" || { cat "$folder/refused.txt" >&2; exit 1; }
  echo "two sets in one namespace are refused"
else
  command -v aarch64-linux-gnu-g++ >/dev/null || skip "no compiler for AArch64 (package: g++-aarch64-linux-gnu)"
  add_set neon64_few neon64 xsimd::neon64 aarch64 Neon64Traits neon.h 'FLAGS -mtune=cortex-a55'
  build neon64_few neon64 "-DCMAKE_TOOLCHAIN_FILE=$root/toolchains/aarch64-linux-gnu.cmake"
  if command -v qemu-aarch64 >/dev/null; then
    qemu-aarch64 -L /usr/aarch64-linux-gnu "$folder/neon64_few/build/compare" neon64 neon64_few
  else
    not_run="the sets were compiled and not compared: qemu-aarch64 is not installed (package: qemu-user)"
  fi
fi
[[ -z $not_run ]] || skip "$not_run"
