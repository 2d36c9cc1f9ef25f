#!/usr/bin/env bash
# Builds everything with its tests in build/test and runs them. Installs the Debian packages that are missing.
# Arguments go to ctest: tests/run.sh -R unit
# Sanitizers, other targets and emulated older CPUs, which take minutes, are left to .ci/run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=toolchains/packages.sh
source toolchains/packages.sh

readonly build=build/test

install_packages "$build/log/packages.txt" "${packages_to_build[@]}" "${packages_to_test[@]}"
use_ccache
echo "Building in $build (a few minutes the first time)"
quietly "$build/log/configure.txt" cmake --preset test
quietly "$build/log/build.txt" cmake --build "$build" -- --quiet
ctest --test-dir "$build" --output-on-failure -j "$(nproc)" -LE qemu "$@" | python3 tests/skip_reasons.py "$build"
