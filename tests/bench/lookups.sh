#!/usr/bin/env bash
# Lookups in embedding tables that do not fit a cache: this runtime with tables of f32, f16, u8 and u4, and ONNX Runtime.
#
#   tests/bench/lookups.sh                          20 tables of 1,000,000 x 16: a few minutes, up to 8 GB of memory
#   tests/bench/lookups.sh --table-rows 300000      arguments go to the program `lookups`; --help lists them
#   tests/bench/lookups.sh --quick                  a test
#
# Environment: as for run.sh.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# shellcheck source=tests/bench/setup.sh
source tests/bench/setup.sh

install_packages "$bench_build/log/packages.txt" "${packages_to_build[@]}" "${packages_to_test[@]}" python3-venv
install_python_peers
onnxruntime=${MMOE_ONNXRUNTIME:-$(find_library 'libonnxruntime.so.*')}
build_bench lookups

# What the caller says replaces these.
arguments=(--cpu "$(last_cpu)")
[[ -z $onnxruntime ]] || arguments+=(--onnxruntime "$onnxruntime")
"$bench_build/tests/bench/lookups" "${arguments[@]}" "$@"
