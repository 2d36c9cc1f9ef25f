#!/usr/bin/env bash
# Bytes that the runtime adds to a stripped static program, built for size: size.sh FOLDER TARGET [-DOPTION=VALUE...]
# shellcheck disable=SC2206  # options are split into words
#
# With MMOE_SIZE_MODEL in the environment, a program for this machine also has to score that.
# Builds the library and two programs in FOLDER/TARGET, one that scores and one without the runtime; fails where the
# difference exceeds the target's limit. TARGET: a row of the table below.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1 target=$2
shift 2

# Name, kernel sets, limit in bytes, toolchain, options. All weights are f32 but for `numbers`, with every type; no
# features are hashed; streams of parts are in `all` alone. What a microcontroller leaves out: text of errors, features,
# extras.
readonly plain=-DMMOE_TRANSFORMS=
readonly whole_streams=-DMMOE_STREAMS=OFF
readonly f32=$plain,-DMMOE_NUMBERS=
readonly lto=-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON,$whole_streams,$f32
readonly small=$lto,-DMMOE_MESSAGES=OFF,-DMMOE_FEATURES=OFF,-DMMOE_EXTRAS=OFF
read -r kernel_sets limit toolchain profile < <(awk -v target="$target" '$1 == target { print $2, $3, $4, $5 }' <<TABLE
x86-64            avx2    57344  - $lto
x86-64-numbers    avx2    94208  - $plain,$whole_streams,-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON
x86-64-all        auto   172032  - $f32
aarch64           neon64  65536  aarch64-linux-gnu $lto
armv7             neon    49200  arm-linux-gnueabihf $lto
cortex-m7         fpu     21504  arm-none-eabi-cortex-m7 $small
cortex-m7-whole   fpu     40960  arm-none-eabi-cortex-m7 $f32
cortex-m7-numbers fpu     47360  arm-none-eabi-cortex-m7 $plain
cortex-m55        mve     19968  arm-none-eabi-cortex-m55 $small
cortex-m55-whole  mve     40960  arm-none-eabi-cortex-m55 $f32
wasm              fpu     41984  wasm32-emscripten -DMMOE_FILES=OFF,-DMMOE_ENVIRONMENT=OFF,-DMMOE_HEAP=OFF,-DMMOE_EXTRAS=OFF,$whole_streams,$f32
wasm-simd128      simd128 59392 wasm32-emscripten -DMMOE_FILES=OFF,-DMMOE_ENVIRONMENT=OFF,-DMMOE_HEAP=OFF,-DMMOE_EXTRAS=OFF,$whole_streams,$f32
wasm-whole        fpu     45056  wasm32-emscripten -DMMOE_FILES=OFF,-DMMOE_ENVIRONMENT=OFF,-DMMOE_HEAP=OFF,$whole_streams,$f32
TABLE
) || { echo "error: no target '$target'" >&2; exit 2; }

# With -flto an object of a cache has names of another folder, and so another size.
unset CMAKE_C_COMPILER_LAUNCHER CMAKE_CXX_COMPILER_LAUNCHER
build=$folder/$target
options=(-G Ninja -DCMAKE_BUILD_TYPE=MinSizeRel "-DMMOE_KERNEL_SETS=$kernel_sets" ${profile:+${profile//,/ }} "$@")
[[ $toolchain == - ]] || options+=("-DCMAKE_TOOLCHAIN_FILE=$here/../../toolchains/$toolchain.cmake")
export NODE_PATH=${NODE_PATH-/usr/share/nodejs}  # of Debian's emscripten
mkdir -p "$build"
{ cmake -S "$here" -B "$build" "${options[@]}" && cmake --build "$build" --target with without; } >"$build/log.txt" 2>&1 ||
  { tail -n 40 "$build/log.txt" >&2; exit 1; }

# bytes NAME: of the file that a device would hold.
bytes() {
  if [[ -e $build/$1.elf ]]; then
    arm-none-eabi-objcopy -O binary "$build/$1.elf" "$build/$1.bin"
    stat -c %s "$build/$1.bin"
  elif [[ -e $build/$1.wasm ]]; then
    stat -c %s "$build/$1.wasm"
  else
    stat -c %s "$build/$1"
  fi
}

if [[ $toolchain == - && -n ${MMOE_SIZE_MODEL-} ]]; then
  "$build/with" "$MMOE_SIZE_MODEL" || { echo "error: the program cannot score $MMOE_SIZE_MODEL" >&2; exit 1; }
fi
added=$(($(bytes with) - $(bytes without)))
printf '%-16s %8d bytes added, limit %6d  %s\n' "$target" "$added" "$limit" "$*"
((added > 0 && added <= limit)) || { echo "error: more than the limit" >&2; exit 1; }
