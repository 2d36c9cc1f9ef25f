#!/usr/bin/env bash
# Builds the tools, converts the trained census model that lies beside this script, checks the file and scores a few
# persons with it. Then builds the other tools. Installs the Debian packages that are missing.
#
# It builds what a PyTorch model needs, quickly: without Keras and ONNX, and with less optimised tools (the preset
# "quick"). `cmake --preset release && cmake --build --preset release` completes the same folder.
# Environment: MMOE_BUILD (folder, default build/release; one that is configured already stays as it is).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=toolchains/packages.sh
source toolchains/packages.sh

readonly build=${MMOE_BUILD:-build/release}
readonly census=examples/census
readonly model=$build/census.mmoe

# with_progress LOG COMMAND...: quietly, but on a terminal it shows how far the command is: "[57/161] 20 s".
with_progress() {
  local log=$1 start=$SECONDS count watcher=""
  mkdir -p "$(dirname "$log")"
  : >"$log"
  if [[ -t 1 ]]; then
    while sleep 1; do
      count=$(grep -ao '^\[[0-9]*/[0-9]*\]' "$log" | tail -n 1 || true)
      printf '\r  %s %d s ' "$count" $((SECONDS - start))
    done &
    watcher=$!
  fi
  local status=0
  quietly "$@" || status=$?
  if [[ -n $watcher ]]; then
    kill "$watcher"
    wait "$watcher" 2>/dev/null || true
    printf '\r%30s\r' ''
  fi
  echo "  $((SECONDS - start)) s"
  return "$status"
}

build_tools() {
  with_progress "$build/log/build.txt" cmake --build "$build" --target "$@"
}

configure() {
  [[ -f $build/CMakeCache.txt ]] || quietly "$build/log/configure.txt" cmake --preset quick -B "$build"
}

convert() {
  # The scores that PyTorch gave these persons, where they are at hand: conversion fails unless they are met.
  local expect=()
  if [[ -f $census/persons_expected.csv ]]; then
    expect=(--rows "$census/persons.csv" --expect "$census/persons_expected.csv")
  fi
  "$build/bin/mmoe-convert" "$census/model/weights.pt" "$census/model/description.json" -o "$model" "${expect[@]}"
}

install_packages "$build/log/packages.txt" "${packages_for_quickstart[@]}"
echo "Building the converter, mmoe-verify and mmoe-score in $build (one to two minutes the first time)"
configure
build_tools mmoe-convert mmoe-verify mmoe-score
echo; echo "Converting $census/model/weights.pt"
convert
echo; echo "Verifying $model"
"$build/bin/mmoe-verify" "$model"
echo; echo "Scoring $census/persons.csv"
"$build/bin/mmoe-score" "$model" "$census/persons.csv" --keep person --table
echo; echo "Building mmoe-inspect and mmoe-bench"
build_tools mmoe-inspect mmoe-bench
cat <<END

The tools are in $build/bin. For example:
  $build/bin/mmoe-inspect $model
  $build/bin/mmoe-bench $model

These read PyTorch, safetensors, NumPy and Paddle. For Keras and ONNX too, optimised, and to install them:
  apt-get install ${packages_to_build[@]:${#packages_for_quickstart[@]}}
  cmake --preset release && cmake --build --preset release
  cmake --install build/release                       # into /usr/local; --prefix FOLDER: elsewhere
  toolchains/package.sh amd64                         # or as a Debian package (amd64, arm64, armhf)
END
