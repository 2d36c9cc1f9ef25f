#!/usr/bin/env bash
# A host's -ffast-math must change nothing: fast_math.sh LIBRARY FOLDER MODEL
#
# The same program linked with LIBRARY, of this build, and with the library built inside such a host; both must print the
# same bits. Of the kernel sets two are enough: one by intrinsics, one by plain loops.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
library=$1 folder=$2 model=$3
mkdir -p "$folder"

cmake -G Ninja -S "$here/fast_math" -B "$folder/host" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS=-Ofast \
  "-DMMOE_KERNEL_SETS=${MMOE_FAST_MATH_KERNEL_SETS:-sse2;fma3;scalar}" >"$folder/log.txt"
cmake --build "$folder/host" >>"$folder/log.txt" || { tail -n 40 "$folder/log.txt" >&2; exit 1; }
"${CXX:-c++}" -std=c++17 -O2 -I"$here/../../runtime/include" "$here/fast_math/app.cpp" "$library" -o "$folder/app"
"$folder/host/app" "$model" >"$folder/host.txt"
"$folder/app" "$model" | grep -E '^(sse2|fma3|scalar) ' >"$folder/expected.txt"
grep -q '^scalar exact 1 ' "$folder/host.txt"
diff "$folder/expected.txt" "$folder/host.txt"
cat "$folder/host.txt"
