#!/usr/bin/env bash
# The hash functions by which categories get buckets, and those of the Python libraries that are installed beside them.
#
#   tests/bench/hashes.sh               arguments go to the program `hashes`; --help lists them
#
# Environment: as for run.sh; MMOE_PYTHON is a Python with pyfarmhash, mmh3, xxhash, tensorflow, pandas, or some of them.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# shellcheck source=tests/bench/setup.sh
source tests/bench/setup.sh

install_packages "$bench_build/log/packages.txt" "${packages_to_build[@]}" "${packages_to_test[@]}"
build_bench hashes
exec "${MMOE_PYTHON:-/usr/bin/python3}" -B tests/bench/hashes.py "$bench_build/tests/bench/hashes" --cpu "$(last_cpu)" "$@"
