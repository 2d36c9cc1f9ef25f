#!/usr/bin/env bash
# Counts the instructions per row of score() and compares them with tests/bench/instructions.csv.
#
#   tests/bench/instructions.sh              fails with a table where a cell needs more than 5 % above the baseline
#   tests/bench/instructions.sh --update     writes what it counts as the baseline
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# shellcheck source=tests/bench/setup.sh
source tests/bench/setup.sh

install_packages "$bench_build/log/packages.txt" "${packages_to_build[@]}" "${packages_to_test[@]}" valgrind
build_bench make_models
python3 -B tests/bench/instructions.py --make-models "$bench_build/tests/make_models" \
  --scratch "$bench_build/instructions" "$@"
