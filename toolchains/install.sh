#!/usr/bin/env bash
# Installs the Debian packages that presets need, as root or by sudo: toolchains/install.sh PRESET...
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=toolchains/packages.sh
source "$root/toolchains/packages.sh"

if [[ $# -eq 0 || $1 == --help ]]; then
  echo "usage: toolchains/install.sh PRESET...   (cmake --list-presets names them)"
  exit $(($# == 0 ? 2 : 0))
fi
for preset in "$@"; do
  packages=$(packages_for_preset "$preset")
  # shellcheck disable=SC2086  # one word per package
  install_packages "$root/build/$preset/log/packages.txt" "${packages_to_build[@]}" "${packages_to_test[@]}" $packages
done
