#!/usr/bin/env bash
# Builds presets for other machines and passes their tests: tests/cross.sh PRESET...
#
# From a fresh clone, each with all that it needs: installs its Debian packages, converts the tests' models with a
# converter built for this machine, configures, builds, and runs the tests under the preset's emulator.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=toolchains/packages.sh
source toolchains/packages.sh

if [[ $# -eq 0 || $1 == --help ]]; then
  echo "usage: tests/cross.sh PRESET...   presets: ${cross_presets[*]}"
  exit $(($# == 0 ? 2 : 0))
fi
toolchains/install.sh "$@"
use_ccache

readonly host=build/test
if [[ ! -e $host/tests/census.mmoe || ! -e $host/tests/w8a8.mixed.mmoe || ! -e $host/bin/mmoe-score ]]; then
  echo "Building the converter in $host"
  quietly "$host/log/configure.txt" cmake --preset test
  quietly "$host/log/build.txt" cmake --build "$host" --target mmoe-convert mmoe-score make_mixed -- --quiet
  quietly "$host/log/models.txt" ctest --test-dir "$host" -R '^(census.convert|bits.make_mixed)$'
fi
for preset in "$@"; do
  echo "Building $preset in build/$preset"
  quietly "build/$preset/log/configure.txt" cmake --preset "$preset" -DMMOE_TEST_MODEL="$root/$host/tests/census.mmoe"
  quietly "build/$preset/log/build.txt" cmake --build --preset "$preset" -- --quiet
  ctest --test-dir "build/$preset" --output-on-failure
done
