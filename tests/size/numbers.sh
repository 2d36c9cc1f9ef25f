#!/usr/bin/env bash
# Bytes of the paper's model (100 inputs, 8 experts, 2 tasks) with weights of each type, in per cent of the file in f32:
# numbers.sh MAKE_MODELS FOLDER
#
# A microcontroller keeps the file in flash as it is. What is not weights (header, biases, scales, known scores) is a
# tenth of the file in f32.
set -euo pipefail

program=$1 folder=$2
mkdir -p "$folder"
"$program" "$folder" f32 >/dev/null
whole=$(stat -c %s "$folder/paper.f32.mmoe")
failed=0
while read -r type limit; do
  "$program" "$folder" "$type" >/dev/null
  bytes=$(stat -c %s "$folder/paper.$type.mmoe")
  printf '%-5s %6d bytes of %d, %d %%, limit %d %%\n' "$type" "$bytes" "$whole" $((100 * bytes / whole)) "$limit"
  if ((100 * bytes > limit * whole)); then
    echo "error: more than the limit" >&2
    failed=1
  fi
done <<'LIMITS'
f16  57
bf16 57
i8   35
w8a8 37
LIMITS
exit "$failed"
