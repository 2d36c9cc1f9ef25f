#!/usr/bin/env bash
# What a user does who builds for another machine: cross.sh BUILD FOLDER TOOLCHAIN MODEL EMULATOR...
#
# Installs BUILD into a prefix in FOLDER; builds examples/embed with TOOLCHAIN against it by find_package, and runs it
# on MODEL.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$1 folder=$2 toolchain=$3 model=$4
shift 4

rm -rf "$folder"
mkdir -p "$folder"
cmake --install "$build" --prefix "$folder/prefix" >"$folder/install.txt"
{ cmake -G Ninja -S "$root/examples/embed" -B "$folder/embed" "-DCMAKE_TOOLCHAIN_FILE=$toolchain" \
    "-DCMAKE_PREFIX_PATH=$folder/prefix" -DCMAKE_BUILD_TYPE=Release && cmake --build "$folder/embed"; } >"$folder/log.txt" 2>&1 ||
  { tail -n 40 "$folder/log.txt" >&2; exit 1; }
"$@" "$folder/embed/embed_cpp" "$model"
