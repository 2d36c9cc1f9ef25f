#!/usr/bin/env bash
# Makes a Debian package of library, headers and tools: toolchains/package.sh ARCHITECTURE   amd64, arm64 or armhf
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=toolchains/packages.sh
source toolchains/packages.sh

architecture=${1-}
case $architecture in
  amd64) preset=release triplet=x86_64-linux-gnu toolchain= ;;
  arm64) preset=aarch64 triplet=aarch64-linux-gnu toolchain=aarch64-linux-gnu ;;
  armhf) preset=armv7 triplet=arm-linux-gnueabihf toolchain=arm-linux-gnueabihf ;;
  *) echo "usage: toolchains/package.sh amd64|arm64|armhf" >&2; exit 2 ;;
esac
toolchains/install.sh "$preset"
build=build/package-$architecture
options=(-DMMOE_BUILD_TESTS=OFF -DMMOE_BUILD_EXAMPLES=OFF -DCMAKE_INSTALL_PREFIX=/usr "-DCMAKE_INSTALL_LIBDIR=lib/$triplet")
[[ -z $toolchain ]] || options+=(-DMMOE_BUILD_CONVERTER=OFF "-DCMAKE_TOOLCHAIN_FILE=$root/toolchains/$toolchain.cmake")
quietly "$build/log/configure.txt" cmake --preset release -B "$build" "${options[@]}"
quietly "$build/log/build.txt" cmake --build "$build" -- --quiet
(cd "$build" && quietly log/package.txt cpack)
package=$(ls -t "$build"/*.deb | head -n 1)
found=$(dpkg-deb -f "$package" Architecture)
[[ $found == "$architecture" ]] || { echo "error: $package says that it is for $found" >&2; exit 1; }
echo "$package"
