#!/usr/bin/env bash
# mmoe-edge and its peers side by side, in f32 and in smaller numbers: installs the peers that Debian and PyPI have,
# builds, makes the four models in every type, prints the tables and writes them as CSV. What cannot be had is skipped
# and named.
#
#   tests/bench/run.sh                                the whole comparison; it says at first how long it takes
#   tests/bench/run.sh --resume                       goes on where one was interrupted
#   tests/bench/run.sh --quick                        a look
#   tests/bench/run.sh --models paper --batch 1,8     arguments go to the program `compare`; --help lists them
#   tests/bench/run.sh --numbers i8,w8a8              only engines in 8 bits, besides ours in f32
#
# Every cell is in the CSV file, build/bench/compare.csv, as soon as it is measured.
# Environment: MMOE_BENCH_BUILD (folder, default build/bench), MMOE_PEERS_VENV (a virtual environment to use or to make
# with requirements.txt, default build/bench/venv), MMOE_ONNXRUNTIME (a libonnxruntime.so to use instead of the one from
# PyPI), MMOE_TORCH_PYTHON (a Python that has PyTorch, default Debian's).
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

# Models are made anew when what makes them has changed.
is_newer() {
  local file=$1 source
  shift
  for source in "$@"; do
    [[ ! tests/bench/$source -nt $file ]] || return 0
  done
  return 1
}

make_models() {
  local name type
  if is_newer "$models/done" models.py sizes.py make_models.py; then
    echo "Making the models"
    quietly "$build/log/models.txt" "$python" -B tests/bench/make_models.py "$models"
    touch "$models/done"
  fi
  for name in paper small medium large; do
    convert "$name" f32 "$name.mmoe"
    for type in f16 bf16 i8 w8a8; do convert "$name" "$type" "$name.$type.mmoe"; done
  done
  if [[ $models/done -nt $models/quantised ]] || is_newer "$models/quantised" make_quantised.py; then
    echo "Making the peers' models in 8 bits"
    quietly "$build/log/quantised.txt" "$peers_venv/bin/python" -B tests/bench/make_quantised.py "$models" || return 0
    grep '^skipped: ' "$build/log/quantised.txt" >&2 || true
    touch "$models/quantised"
  fi
}

# convert NAME TYPE FILE
convert() {
  quietly "$build/log/convert.txt" "$build/bin/mmoe-convert" "$models/$1.pt" "$models/$1.json" --weights "$2" \
    -o "$models/$3"
}

install_packages "$build/log/packages.txt" "${packages_to_build[@]}" "${packages_to_test[@]}"
install_peers
install_python_peers
onnxruntime=${MMOE_ONNXRUNTIME:-$(find_library 'libonnxruntime.so.*')}
openvino=$(find_library 'libopenvino_c.so*')
build_bench compare mmoe-convert
make_models

# What the caller says replaces these.
arguments=(--csv "$build/compare.csv" --cpu "$(last_cpu)" --torch-python "$python")
[[ -z $onnxruntime ]] || arguments+=(--onnxruntime "$onnxruntime")
[[ -z $openvino ]] || arguments+=(--openvino "$openvino")
"$build/tests/bench/compare" "$models" "${arguments[@]}" "$@"
