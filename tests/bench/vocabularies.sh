#!/usr/bin/env bash
# From keys to ids among millions: in a model file, by binary search and by std::unordered_map.
#
#   tests/bench/vocabularies.sh                    5,000,000 strings and integers: some minutes, up to 4 GB of memory
#   tests/bench/vocabularies.sh --keys 100000      arguments go to the program `vocabularies`; --help lists them
#
# Environment: as for run.sh.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# shellcheck source=tests/bench/setup.sh
source tests/bench/setup.sh

install_packages "$bench_build/log/packages.txt" "${packages_to_build[@]}" "${packages_to_test[@]}"
build_bench vocabularies
"$bench_build/tests/bench/vocabularies" --cpu "$(last_cpu)" "$@"
