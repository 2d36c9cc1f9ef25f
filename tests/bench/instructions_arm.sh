#!/usr/bin/env bash
# Instructions per row of score() on 64-bit ARM, counted by a plugin of qemu: the same number on every run.
#
# Needs build/test (make_models) and build/aarch64, as .ci/run makes them. Runs with N and with 2 N calls are subtracted.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
folder=build/aarch64/instructions
mkdir -p "$folder"
cc -shared -fPIC -O2 -Wall -Wextra tests/bench/count_plugin.c -o "$folder/count.so"
aarch64-linux-gnu-g++ -std=c++17 -O2 -Iruntime/include tests/bench/score_calls.cpp build/aarch64/runtime/libmmoe.a -o "$folder/score_calls"
build/test/tests/make_models "$folder" >/dev/null

# count MODEL BATCH CALLS
count() {
  qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu cortex-a53 -plugin "$folder/count.so" "$folder/score_calls" \
    "$folder/$1.mmoe" "$2" "$3" neon64 2>&1 | awk '/^instructions / { print $2 }'
}

printf '%-8s %6s %20s\n' model batch "instructions per row"
while read -r model batch calls; do
  printf '%-8s %6d %20d\n' "$model" "$batch" $((($(count "$model" "$batch" $((2 * calls))) - $(count "$model" "$batch" "$calls")) / (calls * batch)))
done <<'CELLS'
paper 1 64
paper 64 4
small 1 32
small 64 2
medium 1 4
medium 64 1
CELLS
