#!/usr/bin/env bash
# Builds mmoe-edge, converts the trained census model that lies beside this script, checks the file and scores
# a few persons with it. Installs the Debian packages that are missing. The second run takes seconds.
# Environment: MMOE_BUILD (folder, default build/release; one that is configured already stays as it is).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=toolchains/packages.sh
source toolchains/packages.sh

readonly build=${MMOE_BUILD:-build/release}
readonly census=examples/census
readonly model=$build/census.mmoe

build_tools() {
  echo "Building in $build (a minute or two the first time)"
  [[ -f $build/CMakeCache.txt ]] || quietly "$build/log/configure.txt" cmake --preset release -B "$build"
  quietly "$build/log/build.txt" cmake --build "$build" --target mmoe-convert mmoe-verify mmoe-score -- --quiet
}

convert() {
  # The scores that PyTorch gave these persons, where they are at hand: conversion fails unless they are met.
  local expect=()
  if [[ -f $census/persons_expected.csv ]]; then
    expect=(--rows "$census/persons.csv" --expect "$census/persons_expected.csv")
  fi
  "$build/bin/mmoe-convert" "$census/model/weights.pt" "$census/model/description.json" -o "$model" "${expect[@]}"
}

install_packages "$build/log/packages.txt" "${packages_to_build[@]}"
build_tools
echo; echo "Converting $census/model/weights.pt"
convert
echo; echo "Verifying $model"
"$build/bin/mmoe-verify" "$model"
echo; echo "Scoring $census/persons.csv"
"$build/bin/mmoe-score" "$model" "$census/persons.csv" --keep person --table
