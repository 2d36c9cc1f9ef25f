#!/usr/bin/env bash
# Whether a target computes the bits that all do: compare.sh [--update] FORMAT COMMAND...
#
# COMMAND prints the bits of scores (print_bits; an emulator with a firmware image) of models whose weights are stored
# as FORMAT. The SHA-256 of those lines must be FORMAT's in scores.sha256, which is the same for every target. --update
# writes it: where a change means to change bits, and its author says so.
set -euo pipefail

hashes=$(dirname "${BASH_SOURCE[0]}")/scores.sha256
update=
if [[ $1 == --update ]]; then
  update=yes
  shift
fi
format=$1
shift
output=$("$@" 2>&1) || { echo "$output" | tail -n 5 >&2; echo "error: it failed: $*" >&2; exit 1; }
bits=$(grep '^bits ' <<<"$output" | tr -d '\r')  # Windows ends lines by two characters
found=$(sha256sum <<<"$bits")
found=${found%% *}
echo "$format: $found  $(grep '^sets ' <<<"$output" | tail -n 1), $(wc -l <<<"$bits") rows"
expected=$(awk -v format="$format" '$2 == format { print $1 }' "$hashes")
if [[ -n $update ]]; then
  others=$(awk -v format="$format" '$2 != format' "$hashes")
  printf '%s\n' "${others:+$others$'\n'}$found  $format" | sort -k 2 >"$hashes"
elif [[ $found != "$expected" ]]; then
  echo "error: expected ${expected:-nothing: scores.sha256 has no $format}" >&2
  exit 1
fi
