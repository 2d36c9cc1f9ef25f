#!/usr/bin/env bash
# A runtime built without features takes the columns of x in the order that one with features does:
# without_features.sh SOURCE FOLDER SCORE_X MODEL
#
# MODEL has item features between the user's, SCORE_X prints the bits of its scores. Builds the runtime in FOLDER, with
# MMOE_FEATURES=OFF, and the same program with it.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

source=$1 folder=$2 score_x=$3 model=$4
mkdir -p "$folder"
{
  cmake -G Ninja -S "$source" -B "$folder" -DCMAKE_BUILD_TYPE=Release -DMMOE_FEATURES=OFF -DMMOE_KERNEL_SETS=scalar \
    -DMMOE_BUILD_TOOLS=OFF -DMMOE_BUILD_CONVERTER=OFF -DMMOE_BUILD_EXAMPLES=OFF -DMMOE_BUILD_TESTS=OFF
  cmake --build "$folder" --target mmoe_runtime
  c++ -std=c++17 -O1 -I"$source/runtime/include" "$source/tests/bits/score_x.cpp" "$folder/runtime/libmmoe.a" \
    -o "$folder/score_x"
} >"$folder/log.txt" 2>&1 || { tail -n 20 "$folder/log.txt" >&2; exit 1; }
diff <("$score_x" "$model") <("$folder/score_x" "$model")
echo "$("$score_x" "$model" | wc -l) scores have the same bits"
