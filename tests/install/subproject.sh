#!/usr/bin/env bash
# The runtime inside other projects: subproject.sh LIBRARY FOLDER MODEL
#
# A parent project with strict flags adds the folder and has xsimd
# and FlatBuffers as targets; another takes it by FetchContent, as a shared library, and installs it. In both a
# program must print the bits that it prints with LIBRARY, of this build. Of the kernel sets two are enough: one by intrinsics, one by plain loops.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
library=$1 folder=$2 model=$3
sets=${MMOE_SUBPROJECT_SETS:-sse2;scalar}
rm -rf "$folder/headers" "$folder/prefix"
mkdir -p "$folder"

# log NAME COMMAND...: quiet unless it fails.
log() {
  local name=$1
  shift
  "$@" >"$folder/$name.txt" 2>&1 || { tail -n 40 "$folder/$name.txt" >&2; return 1; }
}

# must_fail TEXT COMMAND...: an error that says TEXT.
must_fail() {
  local text=$1
  shift
  if "$@" >"$folder/refused.txt" 2>&1; then
    echo "error: not refused: $*" >&2
    return 1
  fi
  tr -s ' \n' ' ' <"$folder/refused.txt" | grep -qF -- "$text" || { cat "$folder/refused.txt" >&2; return 1; }
}

# What a parent's targets hold: links to the installed headers.
find_folder() { dirname "$(dirname "$(printf '#include <%s>\n' "$1" | "${CXX:-c++}" -E -x c++ - | sed -n "s|^# 1 \"\(.*/$1\)\".*|\1|p" | head -n 1)")"; }
mkdir -p "$folder/headers/xsimd" "$folder/headers/flatbuffers"
ln -sfn "$(find_folder xsimd/xsimd.hpp)/xsimd" "$folder/headers/xsimd/xsimd"
ln -sfn "$(find_folder flatbuffers/base.h)/flatbuffers" "$folder/headers/flatbuffers/flatbuffers"

# ------------------------------------------------------------------------------------ add_subdirectory
strict=$folder/strict
configure_strict=(cmake -G Ninja -S "$here/subproject" -B "$strict" "-DMMOE_KERNEL_SETS=$sets" -DMMOE_WERROR=ON
  -DCMAKE_CXX_STANDARD=20 -DCMAKE_CXX_VISIBILITY_PRESET=hidden -DCMAKE_VISIBILITY_INLINES_HIDDEN=ON
  -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON -DCMAKE_UNITY_BUILD=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
  "-DCMAKE_CXX_FLAGS=-O2 -Werror -Wconversion -Wshadow" -DPARENT_HAS_LIBRARIES=ON "-DPARENT_HEADERS=$folder/headers")
log configure_strict "${configure_strict[@]}"
for line in "CMAKE_BUILD_TYPE: ''" "CMAKE_CXX_STANDARD: '20'" "CMAKE_UNITY_BUILD: 'ON'" "CMAKE_CXX_EXTENSIONS: ''" \
  "CMAKE_POSITION_INDEPENDENT_CODE: ''"; do
  grep -qF "parent's $line" "$folder/configure_strict.txt" || { echo "error: not as the parent had it: $line" >&2; exit 1; }
done
for target in xsimd flatbuffers; do
  grep -q "$folder/headers/$target" "$strict/compile_commands.json" ||
    { echo "error: the parent's target $target is not used" >&2; exit 1; }
done
log build_strict cmake --build "$strict" --target app every_header
"$strict/app" "$model" >"$folder/strict_bits.txt"
log install_strict cmake --install "$strict" --prefix "$folder/prefix"
[[ $(cd "$folder/prefix" && find . -type f) == ./bin/app ]] || { echo "error: a parent's installation has more than its own" >&2; exit 1; }

# Headers of another version than flatc.
mkdir -p "$folder/headers/other/flatbuffers"
sed 's/\(#define FLATBUFFERS_VERSION_REVISION\) .*/\1 99/' "$folder/headers/flatbuffers/flatbuffers/base.h" \
  >"$folder/headers/other/flatbuffers/base.h"
touch "$folder/headers/other/flatbuffers/flatbuffers.h"
must_fail ".99' (" cmake -G Ninja -S "$here/subproject" -B "$folder/other" "-DMMOE_KERNEL_SETS=$sets" \
  "-DMMOE_FLATBUFFERS_HEADERS=$folder/headers/other"

# ------------------------------------------------------------------------------------ FetchContent, shared, installed
# Warnings that the library's code does not avoid must not break a parent that makes them errors.
shared=$folder/shared
log configure_shared cmake -G Ninja -S "$here/subproject" -B "$shared" "-DMMOE_KERNEL_SETS=$sets" -DCMAKE_BUILD_TYPE=Release \
  -DPARENT_FETCHES=ON -DBUILD_SHARED_LIBS=ON -DMMOE_INSTALL=ON \
  "-DCMAKE_CXX_FLAGS=-Werror -Wconversion -Wshadow -Wsign-conversion -Wuseless-cast"
log build_shared cmake --build "$shared"
"$shared/app" "$model" >"$folder/shared_bits.txt"
"$here/shared.sh" "$shared" "$folder/installed" "$model"

"${CXX:-c++}" -std=c++17 -O2 -I"$here/../../runtime/include" "$here/fast_math/app.cpp" "$library" -o "$folder/app"
"$folder/app" "$model" | grep -E "^(${sets//;/|}) " >"$folder/expected.txt"
for name in strict shared; do
  diff "$folder/expected.txt" "$folder/${name}_bits.txt"
done
cat "$folder/expected.txt"
