#!/usr/bin/env bash
# The API reference is made without a warning, and each public type, function and member of C++ has a comment:
# doc.sh DOXYFILE HEADERS FOLDER
#
# Constructors and operators need none, nor do the functions of C: those that belong together stand under one comment,
# and c_twins.txt names the C++ function that says more.
set -euo pipefail

doxyfile=$1 headers=$2 folder=$3
mkdir -p "$folder"
command -v doxygen >/dev/null || { echo "skipped: doxygen is not installed"; exit 77; }
doxygen "$doxyfile" && echo "API reference: no warnings"

# undocumented HEADERS...: what has no comment. Doxygen says it only where the reference leaves such things out.
undocumented() {
  { cat "$doxyfile"
    echo "INPUT = $*"
    echo "OUTPUT_DIRECTORY = \"$folder\""
    echo "GENERATE_HTML = NO"
    echo "GENERATE_XML = YES"
    echo "EXTRACT_ALL = NO"
    echo "WARN_AS_ERROR = NO"
  } | doxygen - 2>&1 | grep 'is not documented' |
    grep -Ev 'Member ([A-Z][A-Za-z]*)\(.* of class ([a-z0-9_]+::)*\1 |Member operator' || true
}

printf '/// Known.\nclass Planted {\n public:\n  Planted(int);\n  int lacks() const;\n};\n' >"$folder/planted.h"
[[ $(undocumented "\"$folder/planted.h\"" | wc -l) -eq 1 ]] || { echo "error: a planted fault is not found" >&2; exit 1; }

mapfile -t found < <(undocumented $(find "$headers" -name '*.h' ! -name mmoe.h -printf '"%p" '))
((${#found[@]} == 0)) || { printf '%s\n' "${found[@]}" >&2; exit 1; }
echo "each public type, function and member has a comment"
