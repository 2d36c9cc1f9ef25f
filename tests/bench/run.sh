#!/usr/bin/env bash
# mmoe-edge and its peers side by side: installs the peers that Debian has, builds, makes the four models, prints the
# table and writes it as CSV. What cannot be had is skipped and named.
#
#   tests/bench/run.sh                                the whole comparison; it says at first how long it takes
#   tests/bench/run.sh --resume                       goes on where one was interrupted
#   tests/bench/run.sh --quick                        a look
#   tests/bench/run.sh --models paper --batch 1,8     arguments go to the program `compare`; --help lists them
#
# Every cell is in the CSV file, build/bench/compare.csv, as soon as it is measured.
# Environment: MMOE_BENCH_BUILD (folder, default build/bench), MMOE_ONNXRUNTIME (a libonnxruntime.so to use instead of
# the one from PyPI), MMOE_TORCH_PYTHON (a Python that has PyTorch, default Debian's).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# shellcheck source=tests/bench/setup.sh
source tests/bench/setup.sh

readonly build=$bench_build
readonly models=$build/models
readonly python=${MMOE_TORCH_PYTHON:-/usr/bin/python3}
# PyTorch multiplies matrices with whatever libblas.so.3 is: libopenblas-dev makes it OpenBLAS.
readonly peers=(libxnnpack-dev libpthreadpool-dev libdnnl-dev libxsmm-dev libopenblas-dev libeigen3-dev python3-torch python3-venv)

# Not every architecture and release has every peer: one that is missing must not keep the others away.
install_peers() {
  local missing name
  mapfile -t missing < <(missing_packages "${peers[@]}")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  for name in "${missing[@]}"; do
    install_packages "$build/log/$name.txt" "$name" || echo "skipped: $name could not be installed" >&2
  done
}

# Prints the path of ONNX Runtime's library, or nothing.
find_onnxruntime() {
  local venv=$build/venv
  if [[ -n ${MMOE_ONNXRUNTIME:-} ]]; then
    echo "$MMOE_ONNXRUNTIME"
    return
  fi
  if [[ ! -d $venv/installed ]]; then
    quietly "$build/log/venv.txt" "$python" -m venv "$venv" &&
      quietly "$build/log/pip.txt" "$venv/bin/pip" install onnxruntime &&
      mkdir -p "$venv/installed" || return 0
  fi
  find "$venv" -name 'libonnxruntime.so.*' -print -quit
}

make_models() {
  local name
  if [[ tests/bench/models.py -nt $models/done || tests/bench/sizes.py -nt $models/done ||
    tests/bench/make_models.py -nt $models/done ]]; then
    echo "Making the models"
    quietly "$build/log/models.txt" "$python" -B tests/bench/make_models.py "$models"
    touch "$models/done"
  fi
  for name in paper small medium large; do
    quietly "$build/log/convert.txt" "$build/bin/mmoe-convert" "$models/$name.pt" "$models/$name.json" \
      -o "$models/$name.mmoe"
  done
}

install_packages "$build/log/packages.txt" "${packages_to_build[@]}" "${packages_to_test[@]}"
install_peers
onnxruntime=$(find_onnxruntime)
build_bench compare mmoe-convert
make_models

# The last processor that we may use: the first one serves most interrupts. What the caller says replaces these.
cpu=$(awk '/^Cpus_allowed_list/ { n = split($2, cpus, /[,-]/); print cpus[n] }' /proc/self/status)
arguments=(--csv "$build/compare.csv" --cpu "$cpu" --torch-python "$python")
[[ -z $onnxruntime ]] || arguments+=(--onnxruntime "$onnxruntime")
"$build/tests/bench/compare" "$models" "${arguments[@]}" "$@"
