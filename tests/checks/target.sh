#!/usr/bin/env bash
# What other build systems are refused: target.sh FOLDER. Compiles one file of the kernels as they might.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$1
mkdir -p "$folder"

compile() { "${CXX:-c++}" -std=c++17 -fsyntax-only -I"$root" "$@" "$root/kernels/exact.cpp" >"$folder/log.txt" 2>&1; }

# refused TEXT FLAGS...: the compiler must fail, and say TEXT.
refused() {
  local text=$1
  shift
  if compile "$@" || ! grep -q "error.*$text" "$folder/log.txt"; then
    echo "error: not refused with '$text': $*" >&2
    exit 1
  fi
}

compile || { cat "$folder/log.txt" >&2; exit 1; }
compile -Ofast -fno-fast-math
for flag in -ffast-math -Ofast -ffinite-math-only; do refused "without -ffast-math" "$flag"; done
refused "without -ffast-math" -D_M_FP_FAST
refused "big-endian machines are not supported" -U__BYTE_ORDER__ -D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__
