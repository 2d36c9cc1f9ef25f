#!/usr/bin/env python3
"""Every fixture through the tools: check.py CONVERT INSPECT VERIFY FOLDER

CONVERT, INSPECT and VERIFY are the programs; models are written to FOLDER.

Weights that were quantised before must be in the model file with the bytes that they have in the weights file, in the
type that they have there, and score like the library's own module: within 1e-6, and the file as it stands within the
rounding of floats, which the converter checks with its own bound. Standard library only.
"""

import base64
import json
import pathlib
import re
import subprocess
import sys

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
TOLERANCE = 1e-6


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{pathlib.Path(command[0]).name} failed: {done.stdout}{done.stderr}")
    return done.stdout


def check_types(described, fixture):
    tables = {feature["embedding"]["dtype"] for feature in described["features"] if "embedding" in feature}
    if fixture["tables"] and tables != {fixture["tables"]}:
        raise RuntimeError(f"mmoe-inspect shows tables of {tables}, expected {fixture['tables']}")
    layers = {layer["weights"] for tower in described["towers"] for layer in tower["layers"]}
    if layers != {fixture["layers"]}:
        raise RuntimeError(f"mmoe-inspect shows towers of {layers}, expected {fixture['layers']}")


def check(convert, inspect, verify, folder, name, fixture):
    model, rows = folder / f"{name}.mmoe", FIXTURES / f"{name}.rows.csv"
    report = run(convert, FIXTURES / fixture["weights"], FIXTURES / f"{name}.json", "-o", model, "--rows", rows,
                 "--expect", FIXTURES / f"{name}.scores.csv", "--tolerance", TOLERANCE, "--relative-tolerance", "0")
    described = json.loads(run(inspect, "--json", model))
    check_types(described, fixture)
    data = model.read_bytes()
    missing = [i for i, part in enumerate(fixture["stored"]) if base64.b64decode(part) not in data]
    if missing or not fixture["stored"]:
        raise RuntimeError(f"the bytes of {missing} are not in the file")
    # Tables are the same numbers in f32 and as they are stored; sums of codes round where those of floats do not.
    largest = max(task["largest"] for task in described["score_change"]["tasks"])
    if largest > (0 if fixture["layers"] == "f32" else TOLERANCE):
        raise RuntimeError(f"stored, the scores differ by {largest} from those in f32")
    verified = json.loads(run(verify, "--json", "--all-kernel-sets", model))
    if not verified["ok"]:
        raise RuntimeError(str(verified))
    differences = re.search(r"^expect: .*; (.*)$", report, re.MULTILINE).group(1)
    print(f"{name:28} {differences}; stored against f32 {largest:.1e}")


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    *tools, folder = [pathlib.Path(word) for word in sys.argv[1:]]
    folder.mkdir(parents=True, exist_ok=True)
    index = json.loads((FIXTURES / "index.json").read_text())
    failures = []
    for name, fixture in index.items():
        try:
            check(*tools, folder, name, fixture)
        except RuntimeError as error:
            failures.append(name)
            print(f"{name}: {error}")
    if failures or not index:
        sys.exit(f"error: {len(failures)} of {len(index)} fixtures fail: {' '.join(failures)}")


if __name__ == "__main__":
    main()
