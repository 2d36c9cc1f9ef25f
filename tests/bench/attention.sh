#!/usr/bin/env bash
# Attention of 500 candidates to one user's history of 50 elements of 32 columns, in front of an MMoE: as candidates, as
# whole rows, and by ONNX Runtime with the graph that PyTorch exports, all of them called from Python with the same rows.
# Medians, one pinned core; the engines take turns.
#
#   tests/bench/attention.sh [--rounds N]        5 rounds take some 20 s
#
# Needs PyTorch (python3-torch). Environment: as for run.sh.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# shellcheck source=tests/bench/setup.sh
source tests/bench/setup.sh

install_packages "$bench_build/log/packages.txt" "${packages_to_build[@]}" python3-dev python3-venv python3-torch
install_python_peers
build_bench mmoe-convert mmoe_python__native
/usr/bin/python3 -B tests/bench/attention_model.py "$bench_build/attention"
PYTHONPATH=$bench_build/runtime/python exec taskset -c "$(last_cpu)" "$peers_venv/bin/python" -B \
  tests/bench/attention.py "$bench_build/bin/mmoe-convert" "$bench_build/attention" "$@"
