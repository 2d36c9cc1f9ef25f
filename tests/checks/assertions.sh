#!/usr/bin/env bash
# Assertions are where they belong: assertions.sh FOLDER
#
# A release has none in its objects; with MMOE_ASSERTIONS, or in a Debug build, kernels have theirs. The presets of the
# tests, of the sanitizers and of the fuzzers are such builds.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$1
mkdir -p "$folder"

asserts() { nm -C "$1" | grep -Eq 'mmoe::(kernels::require\(|assertion_failed\()'; }

compile() { "${CXX:-c++}" -std=c++17 -O1 -ffp-contract=off -I"$root" "$@" -c "$root/kernels/reference.cpp"; }
compile -DNDEBUG -o "$folder/release.o"
compile -DNDEBUG -DMMOE_ASSERTIONS -o "$folder/asserting.o"
if asserts "$folder/release.o"; then echo "error: a release asserts" >&2; exit 1; fi
asserts "$folder/asserting.o" || { echo "error: MMOE_ASSERTIONS asserts nothing" >&2; exit 1; }

# preset EXPECTED NAME...: whether the compiler's command lines of such a build have the definition.
preset() {
  local expected=$1 name found
  shift
  for name in "$@"; do
    (cd "$root" && cmake --preset "$name" -B "$folder/$name" -DMMOE_BUILD_TOOLS=OFF -DMMOE_BUILD_CONVERTER=OFF \
      -DMMOE_BUILD_EXAMPLES=OFF -DMMOE_BUILD_TESTS=OFF -DCMAKE_CXX_COMPILER="${CXX:-c++}" \
      -DCMAKE_C_COMPILER="${CC:-cc}" -DCMAKE_CXX_FLAGS= -DCMAKE_C_FLAGS= -DCMAKE_EXPORT_COMPILE_COMMANDS=ON) >/dev/null
    found=$(grep -c -- '-DMMOE_ASSERTIONS' "$folder/$name/compile_commands.json") || true
    if ((expected != (found > 0))); then echo "error: preset $name: $found files assert" >&2; exit 1; fi
  done
}
preset 1 test debug asan-ubsan tsan fuzz
preset 0 release min-size
echo "a release does not assert; test, debug, sanitizers and fuzz do"
