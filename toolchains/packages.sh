# shellcheck shell=bash disable=SC2034  # sourced: its lists are used elsewhere
# The Debian packages that building and testing need, by purpose, and their installation. To be sourced by
# the scripts that a person starts: they install what is missing and nothing else.

packages_for_quickstart=(
  cmake ninja-build g++ pkg-config
  flatbuffers-compiler libflatbuffers-dev libxsimd-dev         # runtime
  libcli11-dev nlohmann-json3-dev                              # command-line tools
  libzip-dev libxxhash-dev                                     # converter: PyTorch, safetensors, NumPy, Paddle
)
packages_to_build=(
  "${packages_for_quickstart[@]}"
  libhdf5-dev libprotobuf-dev protobuf-compiler                # converter: Keras, ONNX
)
packages_to_test=(
  doctest-dev python3
  python3-numpy                                                # evaluates random descriptions
  python3-dev python3-pytest                                   # the Python package
  valgrind                                                     # counts instructions
  mandoc doxygen                                               # manual pages and API reference
)
packages_for_experiments=(                                     # examples/RESULTS.md; else their tests are skipped
  python3-torch python3-matplotlib python3-optuna libopenblas0-pthread python3-pandas python3-sklearn
)
packages_for_bindings=(                                        # else their tests are skipped
  openjdk-17-jdk-headless junit5                               # the Java package
  maven libexec-maven-plugin-java libmaven-compiler-plugin-java libmaven-jar-plugin-java
  libmaven-resources-plugin-java libsurefire-java              # its jar
  python3-pip python3-venv python3-wheel                       # the Python package's wheel
  node-typescript                                              # the types of the npm package
)
# packages_for_commands: what brings the commands of other bindings that are not there, from wherever. npm is left out:
# Debian's brings 600 packages, and Node.js from elsewhere has it.
packages_for_commands() {
  command -v go >/dev/null || echo golang-go
  command -v cargo >/dev/null || echo cargo-web rustc-web     # Debian 12's rustc is older than the crates' 1.64
  command -v chromium >/dev/null || command -v google-chrome >/dev/null || echo chromium  # examples/web
}
packages_for_all_targets=(
  ccache                                                       # tests compile the library again and again
  qemu-user                                                    # older x86-64 CPUs
  clang libclang-rt-14-dev                                     # a second compiler, and libFuzzer
  clang-format                                                 # the layout of the sources
  clang-tidy                                                   # mistakes in the library (.clang-tidy)
)

# Presets that build for another machine and can be run here.
cross_presets=(aarch64 armv7 armv7-no-neon cortex-m7 cortex-m55 wasm windows riscv64 riscv64-vectors)

# packages_for_preset NAME: what it needs beyond the above.
packages_for_preset() {
  case $1 in
    aarch64) echo g++-aarch64-linux-gnu qemu-user ;;
    armv7 | armv7-no-neon) echo g++-arm-linux-gnueabihf qemu-user ;;
    cortex-m7 | cortex-m55) echo gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib qemu-system-arm ;;
    wasm) echo emscripten nodejs ;;
    windows) echo g++-mingw-w64-x86-64-posix wine64 ;;
    riscv64) echo g++-riscv64-linux-gnu qemu-user ;;
    riscv64-vectors) echo clang-19 g++-riscv64-linux-gnu qemu-user ;;
    fuzz) echo clang libclang-rt-14-dev ;;
    android-* | ios-*)
      echo "error: $1 needs the vendor's own kit, which Debian does not have: see toolchains/${1%%-*}.cmake" >&2
      return 1
      ;;
  esac
}

# missing_packages NAME...: those that are not installed, one a line.
missing_packages() {
  local name
  for name in "$@"; do
    # A removed package whose settings stayed is known to dpkg, but not "installed".
    [[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" == installed ]] || echo "$name"
  done
}

# quietly LOG COMMAND...: shows the command's output only if it fails.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  if ! "$@" >"$log" 2>&1 </dev/null; then
    tail -n 60 "$log" >&2
    echo "error: this failed: $*" >&2
    echo "       its whole output: $log" >&2
    return 1
  fi
}

# From here on CMake compiles through ccache, where that is installed: also what tests configure, which compile the library
# again with the same flags. The cache knows files by their place below $root, which the script that sources this has set:
# all clones share it.
use_ccache() {
  command -v ccache >/dev/null || return 0
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
  export CCACHE_BASEDIR=${root:-$PWD} CCACHE_NOHASHDIR=1
}

# install_packages LOG NAME...: with apt-get, as root or by sudo; without network access when all are there.
install_packages() {
  local log=$1 missing as_root=()
  shift
  command -v dpkg-query >/dev/null || {
    echo "note: not a Debian system; needed are what these packages of Debian 12 hold: $*" >&2
    return 0
  }
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || {
      echo "error: packages are missing. Run this as root first: apt-get install ${missing[*]}" >&2
      return 1
    }
    as_root=(sudo)
  fi
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  # Only sudo may ask (for a password), so it comes before the output is put away.
  [[ ${#as_root[@]} -eq 0 ]] || sudo -v
  # A machine that has just been started may be busy with packages of its own: that is waited for.
  quietly "$log" "${as_root[@]}" apt-get update
  quietly "$log" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}"
}
