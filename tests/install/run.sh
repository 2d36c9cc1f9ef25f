#!/usr/bin/env bash
# What a user of the installed library does: run.sh BUILD FOLDER MODEL
#
# Installs BUILD into a prefix in FOLDER and moves it, to see that nothing in it remembers a path; builds the
# projects of this folder against it, and runs them and the installed tools on MODEL.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$1 folder=$2 model=$3
prefix="$folder/moved prefix"
multiarch=$(cd "$build" && cmake -LA -N . | sed -n 's/^CMAKE_INSTALL_LIBDIR:[A-Z]*=//p')

rm -rf "$folder"
mkdir -p "$folder"
cmake --install "$build" --prefix "$folder/prefix" >"$folder/install.txt"
mv "$folder/prefix" "$prefix"

# Nobody's headers but ours, and all of them.
(cd "$prefix/include" && find . -name '*.h' | LC_ALL=C sort) >"$folder/headers.txt"
(cd "$root/runtime/include" && find . -name '*.h' | LC_ALL=C sort) | diff - "$folder/headers.txt"

# build_project SOURCE NAME: as a project of its own, warnings as errors.
build_project() {
  cmake -G Ninja -S "$1" -B "$folder/$2" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_C_FLAGS="-Wall -Wextra -Wpedantic -Werror" -DCMAKE_CXX_FLAGS="-Wall -Wextra -Wpedantic -Werror" >/dev/null
  cmake --build "$folder/$2" >"$folder/$2.txt" || { cat "$folder/$2.txt" >&2; return 1; }
}

build_project "$here" installed
"$folder/installed/program"
"$folder/installed/threads" "$model"
build_project "$root/examples/embed" embed
cpp_scores=$("$folder/embed/embed_cpp" "$model")
c_scores=$("$folder/embed/embed_c" "$model")
echo "$cpp_scores"
[[ -n $cpp_scores && $cpp_scores == "$c_scores" ]] || {
  echo "error: the C program prints other scores: $c_scores" >&2
  exit 1
}
"$prefix/bin/mmoe-verify" "$model"
"$folder/embed/raw_rows_c" "$model"
# A C program can also be linked without CMake.
"${CC:-cc}" -std=c99 -pedantic -I"$prefix/include" "$root/examples/embed/embed.c" "$prefix/$multiarch/libmmoe.a" -lstdc++ -lm -o "$folder/plain"
[[ $("$folder/plain" "$model") == "$c_scores" ]]
if nm -C "$folder/plain" | grep kParallelCalls; then
  echo "error: a program that uses one core has the code for several" >&2
  exit 1
fi
if command -v pkg-config >/dev/null; then
  export PKG_CONFIG_PATH="$prefix/$multiarch/pkgconfig"
  flags=$(pkg-config --cflags --libs mmoe)
  # pkg-config quotes the space of our prefix for a shell.
  eval "\"${CC:-cc}\" -std=c99 \"$root/examples/embed/embed.c\" $flags -o \"$folder/plain_pc\""
  [[ $("$folder/plain_pc" "$model") == "$c_scores" ]]
  flags=$(pkg-config --cflags --libs mmoe-threads)
  printf 'int same_on_two_cores(const char*);\nint main(int n, char** v) { return n == 2 && same_on_two_cores(v[1]) ? 0 : 1; }\n' \
    >"$folder/threads_main.c"
  eval "\"${CC:-cc}\" -std=c99 \"$folder/threads_main.c\" \"$here/threads_c.c\" $flags -o \"$folder/threads_pc\""
  "$folder/threads_pc" "$model"
fi
echo "installed programs agree"
