#!/usr/bin/env bash
# Two versions of the library in the plug-ins of one process: plugins.sh LIBRARY FOLDER MODEL
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
library=$1 folder=$2 model=$3
mkdir -p "$folder"
cd "$folder"

"${CC:-cc}" -O1 -fPIC -shared "$here/plugins/other_version.c" -o libother_version.so
"${CXX:-c++}" -std=c++17 -O1 -fPIC -shared -I"$here/../../runtime/include" "$here/plugins/plugin.cpp" "$library" -o libplugin.so
"${CC:-cc}" "$here/plugins/host.c" -L. -lother_version -lplugin "-Wl,-rpath,$folder" -o host
./host "$model"

# Of the library only what its headers define may be exported, as a namespace of the version.
nm -D -C --defined-only libplugin.so | cut -c 18- | LC_ALL=C sort >exported.txt
grep -q ' plugin_score$' exported.txt
if grep -E 'mmoe(_|::)' exported.txt | grep -vE '^[VWu] .*mmoe::v[0-9]+_[0-9]+::'; then
  echo "error: the plug-in exports the library" >&2
  exit 1
fi
