#!/usr/bin/env bash
# What the runtime adds to a program: size.sh FOLDER [MODEL]
#
# Builds the library for size in FOLDER and links a program that scores with it, and the same program without
# it; both drop unused sections and symbols. The difference of the two files, for one kernel set, must stay
# below the limit. With MODEL, the program also has to score that.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=$1
model=${2-}
readonly limit=65536
flags=(-std=c++17 -Os -fno-exceptions -fno-rtti -ffunction-sections -fdata-sections "-Wl,--gc-sections" -s)
cxx=${CXX:-c++}

# build_library NAME ISAS: FOLDER/NAME/runtime/libmmoe.a
build_library() {
  (cd "$root" && cmake --preset min-size -B "$folder/$1" -DMMOE_ISAS="$2" -DCMAKE_CXX_COMPILER="$cxx") >/dev/null
  cmake --build "$folder/$1" --target mmoe_runtime >"$folder/$1.txt" || { cat "$folder/$1.txt" >&2; exit 1; }
}

# link NAME OUTPUT FLAG...: the consumer with that library, or the baseline where NAME is empty.
link() {
  local name=$1 output=$2
  shift 2
  if [[ -n $name ]]; then
    "$cxx" "${flags[@]}" "$@" -I"$root/runtime/include" "$here/size_consumer.cpp" "$folder/$name/runtime/libmmoe.a" -o "$output"
  else
    "$cxx" "${flags[@]}" "$@" -DMMOE_SIZE_BASELINE "$here/size_consumer.cpp" -o "$output"
  fi
}

# added_bytes NAME FLAG...
added_bytes() {
  local name=$1
  shift
  link "" "$folder/without" "$@"
  link "$name" "$folder/with_$name" "$@"
  echo $(($(stat -c %s "$folder/with_$name") - $(stat -c %s "$folder/without")))
}

mkdir -p "$folder"
build_library one_isa avx2
build_library all_isas auto
shared=$(added_bytes one_isa)
static=$(added_bytes one_isa -static)
echo "runtime, -Os, one kernel set (avx2): $shared bytes added to a program; $static with a static C library"
echo "runtime, -Os, all kernel sets:       $(added_bytes all_isas) bytes added to a program"
if [[ -n $model ]]; then
  "$folder/with_all_isas" "$model" || { echo "error: the program cannot score $model" >&2; exit 1; }
fi
for bytes in "$shared" "$static"; do
  ((bytes > 0 && bytes <= limit)) || { echo "error: $bytes bytes, the limit is $limit" >&2; exit 1; }
done
