#!/usr/bin/env bash
# build_native.sh FOLDER: builds libmmoe_jni.so in FOLDER/native, for this machine and, where its compiler is installed,
# for 64-bit ARM, and puts them where the jar has them: FOLDER/native-resources/mmoe/native/SYSTEM-MACHINE.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${1:?the folder to build in}

# build MACHINE OPTION...
build() {
  local machine=$1
  shift
  local folder=$target/native/linux-$machine to=$target/native-resources/mmoe/native/linux-$machine
  cmake -S "$here" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release "$@"
  cmake --build "$folder" --target mmoe_jni -- --quiet
  mkdir -p "$to"
  cp "$(find "$folder" -name libmmoe_jni.so -print -quit)" "$to/"
}

machine=$(uname -m)
build "$machine"
if [[ $machine != aarch64 ]] && command -v aarch64-linux-gnu-g++ >/dev/null; then
  build aarch64 --toolchain "$here/../../toolchains/aarch64-linux-gnu.cmake"
fi
