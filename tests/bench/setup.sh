# shellcheck shell=bash
# What run.sh and instructions.sh share: the packages and the build. To be sourced from the repository's root.
# shellcheck source=toolchains/packages.sh
source toolchains/packages.sh

bench_build=${MMOE_BENCH_BUILD:-build/bench}

# An optimised build, apart from the others.
configure_bench() {
  quietly "$bench_build/log/configure.txt" cmake -S . -B "$bench_build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DMMOE_BUILD_BENCH=ON -DMMOE_BUILD_EXAMPLES=OFF
}

# build_bench TARGET...
build_bench() {
  echo "Building in $bench_build (a few minutes the first time)"
  configure_bench
  quietly "$bench_build/log/build.txt" cmake --build "$bench_build" --target "$@"
}
