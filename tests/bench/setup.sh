# shellcheck shell=bash
# What the scripts of this folder share: the packages, the peers from PyPI and the build. To be sourced from the
# repository's root.
# shellcheck source=toolchains/packages.sh
source toolchains/packages.sh

bench_build=${MMOE_BENCH_BUILD:-build/bench}
peers_venv=${MMOE_PEERS_VENV:-$bench_build/venv}

# An optimised build, apart from the others.
configure_bench() {
  quietly "$bench_build/log/configure.txt" cmake -S . -B "$bench_build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DMMOE_BUILD_BENCH=ON -DMMOE_PYTHON=ON -DMMOE_BUILD_EXAMPLES=OFF
}

# build_bench TARGET...
build_bench() {
  echo "Building in $bench_build (a few minutes the first time)"
  configure_bench
  quietly "$bench_build/log/build.txt" cmake --build "$bench_build" --target "$@"
}

# A package that cannot be had must not keep the others away.
install_python_peers() {
  local name
  [[ ! -e $peers_venv/installed ]] || return 0
  quietly "$bench_build/log/venv.txt" /usr/bin/python3 -m venv "$peers_venv" || return 0
  grep -v '^#' tests/bench/requirements.txt | while read -r name; do
    quietly "$bench_build/log/pip-$name.txt" "$peers_venv/bin/pip" install "$name" ||
      echo "skipped: $name could not be installed" >&2
  done
  touch "$peers_venv/installed"
}

# find_library PATTERN: prints the path of a library in the virtual environment, or nothing.
find_library() {
  [[ ! -d $peers_venv/lib ]] || find "$peers_venv/lib" -name "$1" -print -quit
}

# The last processor that we may use: the first one serves most interrupts.
last_cpu() {
  awk '/^Cpus_allowed_list/ { n = split($2, cpus, /[,-]/); print cpus[n] }' /proc/self/status
}
