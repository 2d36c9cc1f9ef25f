#!/usr/bin/env bash
# Whether a target computes the bits that all do: compare.sh [--update] COMMAND...
#
# COMMAND prints the bits of scores (print_bits; an emulator with a firmware image). The SHA-256 of those lines must
# be the one in scores.sha256, which is the same for every target. --update writes it: where a change means to
# change bits, and its author says so.
set -euo pipefail

expected=$(dirname "${BASH_SOURCE[0]}")/scores.sha256
update=
if [[ $1 == --update ]]; then
  update=yes
  shift
fi
output=$("$@" 2>&1) || { echo "$output" | tail -n 5 >&2; echo "error: it failed: $*" >&2; exit 1; }
bits=$(grep '^bits ' <<<"$output")
found=$(sha256sum <<<"$bits")
found=${found%% *}
echo "$found  $(grep '^sets ' <<<"$output" | tail -n 1), $(wc -l <<<"$bits") rows"
if [[ -n $update ]]; then
  echo "$found" >"$expected"
elif [[ $found != $(<"$expected") ]]; then
  echo "error: expected $(<"$expected")" >&2
  exit 1
fi
