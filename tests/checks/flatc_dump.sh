#!/usr/bin/env bash
# The model file can be read without our code: flatc_dump.sh FLATC SCHEMA MODEL FOLDER
set -euo pipefail
trap 'echo "error: ${BASH_SOURCE[0]}, line $LINENO" >&2' ERR

flatc=$1 schema=$2 model=$3 folder=$4
mkdir -p "$folder"
"$flatc" --json --strict-json --raw-binary --size-prefixed -o "$folder" "$schema" -- "$model"
python3 - "$folder/$(basename "$model" .mmoe).json" <<'PYTHON'
import json, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
# flatc writes what JSON has no word for as nan and inf.
model = json.loads(re.sub(r": -?(nan|inf)\b", ": null", text))
missing = [key for key in ("tasks", "levels") if not model.get(key)]
if missing:
    sys.exit(f"error: the dump has no {' or '.join(missing)}: {sorted(model)}")
print(f"the dump holds {len(model['levels'])} level(s), {len(model['tasks'])} task(s)")
PYTHON
