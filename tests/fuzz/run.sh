#!/usr/bin/env bash
# Runs fuzzers for long: tests/fuzz/run.sh SECONDS [NAME...]   without a name all of them, one after the other
#
# Builds them with the preset fuzz. What they find beyond the checked-in corpora stays in build/fuzz/tests/fuzz/corpus_NAME,
# an input that ends one of them as crash-*, timeout-* or oom-* beside it. tests/fuzz/run.sh 600 runtime conversion is what a
# change of the runtime or the converter should pass.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# shellcheck source=toolchains/packages.sh
source toolchains/packages.sh

if [[ $# -eq 0 || $1 == --help ]]; then
  echo "usage: tests/fuzz/run.sh SECONDS [NAME...]"
  exit $(($# == 0 ? 2 : 0))
fi
readonly seconds=$1 build=build/fuzz
shift
if [[ $# -eq 0 ]]; then
  mapfile -t names < <(sed -n 's/^mmoe_add_fuzzer(\([a-z_]*\) .*/\1/p' tests/fuzz/CMakeLists.txt)
  set -- "${names[@]}"
fi

toolchains/install.sh fuzz
quietly "$build/log/configure.txt" cmake --preset fuzz
quietly "$build/log/build.txt" cmake --build "$build" --target "${@/#/fuzz_}" -- --quiet
failed=()
for name in "$@"; do
  log=$build/log/fuzz_$name.txt corpus=$build/tests/fuzz/corpus_$name
  mkdir -p "$corpus"
  folders=("$corpus")
  [[ ! -d tests/fuzz/corpus/$name ]] || folders+=("tests/fuzz/corpus/$name")
  if "$build/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len=200000 -timeout=20 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$build/tests/fuzz/" "${folders[@]}" >"$log" 2>&1; then
    echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions, nothing found"
  else
    echo "$name: $(grep -m 1 -E '^(fuzz_|.*ERROR: |SUMMARY: )' "$log" || true); its whole output: $log"
    failed+=("$name")
  fi
done
[[ ${#failed[@]} -eq 0 ]]
