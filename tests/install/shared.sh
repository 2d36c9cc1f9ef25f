#!/usr/bin/env bash
# The shared library, and the static ones inside another shared library: shared.sh BUILD FOLDER MODEL
#
# BUILD has BUILD_SHARED_LIBS; it is installed into FOLDER.
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$1 folder=$2 model=$3
rm -rf "$folder"
mkdir -p "$folder"
cmake --install "$build" --prefix "$folder/prefix" >"$folder/install.txt"
libraries=$(dirname "$(find "$folder/prefix" -name libmmoe.so)")
library=$libraries/libmmoe.so
export PKG_CONFIG_PATH=$libraries/pkgconfig LD_LIBRARY_PATH=$libraries

# exported FILE: names of the symbols that others can link, without versions.
exported() { nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | sed 's/@.*//' | LC_ALL=C sort -u; }

# The functions of the header, all and nothing else.
grep -oE '\bmmoe_[a-z0-9_]+\(' "$root/runtime/include/mmoe/mmoe.h" | tr -d '(' | LC_ALL=C sort -u >"$folder/mentioned.txt"
sed -n 's/^MMOE_API .*[ *]\(mmoe_[a-z0-9_]*\)(.*/\1/p' "$root/runtime/include/mmoe/mmoe.h" | LC_ALL=C sort -u >"$folder/declared.txt"
[[ $(wc -l <"$folder/declared.txt") -ge 30 ]]
diff "$folder/declared.txt" <(exported "$library") || { echo "error: libmmoe.so exports something else than mmoe.h declares" >&2; exit 1; }
diff "$folder/declared.txt" <(LC_ALL=C comm -12 "$folder/declared.txt" "$folder/mentioned.txt")

version=$(pkg-config --modversion mmoe)
soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
[[ $soname == "libmmoe.so.${version%.*}" && -e $libraries/$soname && -e $libraries/libmmoe.so.$version ]] ||
  { echo "error: soname '$soname' of version $version" >&2; exit 1; }

# C programs by pkg-config: without and with threads, and the tests of the C interface's threads.
cc=("${CC:-cc}" -std=c99 -pedantic -Wall -Wextra -Werror)
# shellcheck disable=SC2046  # flags are words
"${cc[@]}" "$root/examples/embed/embed.c" $(pkg-config --cflags --libs mmoe) -o "$folder/embed"
"$folder/embed" "$model" >"$folder/scores.txt"
printf 'int same_on_two_cores(const char*);\nint main(int n, char** v) { return n == 2 && same_on_two_cores(v[1]) ? 0 : 1; }\n' \
  >"$folder/main.c"
# shellcheck disable=SC2046
"${cc[@]}" "$folder/main.c" "$here/threads_c.c" $(pkg-config --cflags --libs mmoe-threads) -o "$folder/threads"
"$folder/threads" "$model"
readelf -d "$folder/embed" | grep -q "NEEDED.*\[$soname\]"
if readelf -d "$folder/embed" | grep -q 'libstdc++'; then
  echo "error: a program in C needs the C++ library itself" >&2
  exit 1
fi

# A library for the JVM, in C: the static archives inside, its own function outside, whichever way it has the C++ library.
printf 'int same_on_two_cores(const char*);\n__attribute__((visibility("default"))) int Java_score(const char* path);\n%s\n' \
  'int Java_score(const char* path) { return same_on_two_cores(path); }' >"$folder/jni.c"
for runtime in -shared-libgcc -static-libstdc++; do
  for source in jni.c threads_c.c; do
    place=$folder
    [[ $source == jni.c ]] || place=$here
    "${cc[@]}" -fPIC -fvisibility=hidden -I"$root/runtime/include" -c "$place/$source" -o "$folder/$source.o"
  done
  "${CXX:-c++}" -shared "$folder/jni.c.o" "$folder/threads_c.c.o" "$libraries/libmmoe_threads.a" "$libraries/libmmoe.a" \
    "$runtime" -pthread -Wl,--exclude-libs,ALL -o "$folder/libjni.so"
  [[ $(exported "$folder/libjni.so") == Java_score ]] ||
    { echo "error: with $runtime the library exports $(exported "$folder/libjni.so" | head -n 5)" >&2; exit 1; }
done
