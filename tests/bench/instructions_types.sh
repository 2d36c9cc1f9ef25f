#!/usr/bin/env bash
# Instructions per row of score() by the type of the weights, on machines without fused multiply-adds and on a Cortex-M7.
#
# Needs the runtime in build/PRESET of armv7-no-neon, cortex-m7 and wasm, and make_models in build/test or build/bench.
# A target that is not built is left out. Counted are instructions of emulated ARM (a plugin of qemu) and of WebAssembly
# (wasmtime of PyPI, in the virtual environment of run.sh). The same numbers on every run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# shellcheck source=tests/bench/setup.sh
source tests/bench/setup.sh

export NODE_PATH=${NODE_PATH-/usr/share/nodejs}  # of Debian's emscripten
folder=$bench_build/instructions_types
readonly folder types=(f32 f16 bf16 i8 w8a8)
mkdir -p "$folder"

# Files NAME.TYPE.mmoe.
make_models() {
  local type program=build/test/tests/make_models
  [[ -x $program ]] || program=$bench_build/tests/make_models
  for type in "${types[@]}"; do "$program" "$folder" "$type" >/dev/null; done
}

plugin() {
  cc -shared -fPIC -O2 -Wall -Wextra tests/bench/count_plugin.c -o "$folder/count.so"
}

# armv7 MODEL_FILE BATCH CALLS: instructions of so many calls and of what is done once.
armv7() {
  qemu-arm -L /usr/arm-linux-gnueabihf -plugin "$folder/count.so" "$folder/armv7" "$1" "$2" "$3" fpu 2>&1 |
    awk '/^instructions / { print $2 }'
}

# cortex_m7 MODEL_FILE BATCH CALLS: the same of an image with this model in flash.
cortex_m7() {
  local board=examples/cortex-m flags=(-mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-d16 -O2 -ffunction-sections
    -fdata-sections -Iruntime/include -Iexamples/cortex-m -DMMOE_CALLS="$3" -DMODEL_FILE="\"$1\"")
  local object objects=()
  for object in startup semihosting model; do
    arm-none-eabi-gcc "${flags[@]}" -c "$board/$object.c" -o "$folder/$object.o"
    objects+=("$folder/$object.o")
  done
  arm-none-eabi-g++ "${flags[@]}" -std=c++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics -specs=nano.specs \
    -nostartfiles -Wl,--gc-sections -L"$board" -Tmps2-an500.ld tests/bench/score_calls_board.cpp "${objects[@]}" \
    build/cortex-m7/runtime/libmmoe.a -o "$folder/cortex-m7.elf"
  qemu-system-arm -M mps2-an500 -nographic -monitor none -serial none -semihosting-config enable=on,target=native \
    -plugin "$folder/count.so" -kernel "$folder/cortex-m7.elf" 2>&1 | awk '/^instructions / { print $2 }'
}

# per_row COUNTER MODEL_FILE BATCH CALLS: runs with CALLS and with twice as many are subtracted.
per_row() {
  local once twice
  once=$("$1" "$2" "$3" "$4")
  twice=$("$1" "$2" "$3" $((2 * $4)))
  echo $(((twice - once) / ($3 * $4)))
}

# wasm SET MODEL_FILE BATCH CALLS: instructions per row.
wasm() {
  "$peers_venv/bin/python" tests/bench/count_wasm.py "$folder/wasm.wasm" "$@"
}

# report TARGET MODEL BATCH COMMAND...: a line per type; the command gets the model's file, the batch and the calls.
report() {
  local target=$1 model=$2 batch=$3 type count f32=
  shift 3
  for type in "${types[@]}"; do
    count=$("$@" "$folder/$model.$type.mmoe" "$batch" 2)
    f32=${f32:-$count}
    printf '%-14s %-8s %6d %-6s %14d %8s\n' "$target" "$model" "$batch" "$type" "$count" \
      "$(awk -v f32="$f32" -v count="$count" 'BEGIN { printf "%.2f", f32 / count }')"
  done
}

make_models
plugin
printf '%-14s %-8s %6s %-6s %14s %8s\n' target model batch type "instructions" "f32 = 1"
if [[ -e build/armv7-no-neon/runtime/libmmoe.a ]]; then
  arm-linux-gnueabihf-g++ -std=c++17 -O2 -Iruntime/include tests/bench/score_calls.cpp \
    build/armv7-no-neon/runtime/libmmoe.a -o "$folder/armv7"
  for model in paper small medium; do
    for batch in 1 8; do report armv7-no-neon "$model" "$batch" per_row armv7; done
  done
else
  echo "skipped: armv7-no-neon is not built" >&2
fi
if [[ -e build/cortex-m7/runtime/libmmoe.a ]]; then
  for model in paper small; do report cortex-m7 "$model" 1 per_row cortex_m7; done
else
  echo "skipped: cortex-m7 is not built" >&2
fi
if [[ -e build/wasm/runtime/libmmoe.a && -x $peers_venv/bin/python ]]; then
  em++ -std=c++17 -O2 -msimd128 -fno-exceptions -Iruntime/include tests/bench/score_calls_wasm.cpp \
    build/wasm/runtime/libmmoe.a -sSTANDALONE_WASM --no-entry -sINITIAL_MEMORY=64MB \
    -sEXPORTED_FUNCTIONS=_model_buffer,_prepare,_score -o "$folder/wasm.wasm"
  for model in paper small medium; do
    for batch in 1 8; do
      report wasm-simd128 "$model" "$batch" wasm 0
      report wasm-fpu "$model" "$batch" wasm 1
    done
  done
else
  echo "skipped: wasm is not built, or there is no wasmtime" >&2
fi
