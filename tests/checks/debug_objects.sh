#!/usr/bin/env bash
# The same checks of the library's symbols for an unoptimised build: debug_objects.sh PYTHON FOLDER
#
# At -O0 compilers leave every inline function in the objects, which is when kernel sets come to share some.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$1 folder=$2
(cd "$here/../.." && cmake --preset debug -B "$folder" -DMMOE_BUILD_TOOLS=OFF -DMMOE_BUILD_CONVERTER=OFF \
  -DMMOE_BUILD_EXAMPLES=OFF -DMMOE_BUILD_TESTS=OFF) >/dev/null
cmake --build "$folder" --target mmoe_runtime >"$folder/build.txt" || { cat "$folder/build.txt" >&2; exit 1; }
"$python" "$here/objects.py" --debug "$folder/runtime/libmmoe.a"
"$python" "$here/definitions.py" --unoptimised "$folder/runtime/libmmoe.a"
