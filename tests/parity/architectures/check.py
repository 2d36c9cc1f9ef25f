#!/usr/bin/env python3
"""Every fixture through the tools: check.py CONVERT INSPECT VERIFY FOLDER

CONVERT, INSPECT and VERIFY are the programs; models are written to FOLDER.

Converted, it must score within 1e-6 of PyTorch, give the reference's bits on every kernel set that keeps the
numerics contract, and be shown by its name in the paper. With its numbers in fewer bits it must give the same bits on
all these kernel sets. Standard library only.
"""

import json
import pathlib
import re
import subprocess
import sys

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
TOLERANCE = "1e-6"
NUMBERS = [("f16", "f16"), ("bf16", "u8"), ("i8", "u4"), ("w8a8", "f16")]


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{pathlib.Path(command[0]).name} failed: {done.stdout}{done.stderr}")
    return done.stdout


def check(convert, inspect, verify, folder, name, architecture):
    model = folder / f"{name}.mmoe"
    report = run(convert, FIXTURES / f"{name}.safetensors", FIXTURES / f"{name}.json", "-o", model,
                 "--rows", FIXTURES / f"{name}.rows.csv", "--expect", FIXTURES / f"{name}.scores.csv",
                 "--tolerance", TOLERANCE, "--relative-tolerance", "0")
    found = json.loads(run(inspect, "--json", model))["architecture"]
    if found != architecture:
        raise RuntimeError(f"mmoe-inspect shows {found!r}, expected {architecture!r}")
    replays = json.loads(run(verify, "--json", "--all-kernel-sets", model))["replays"]
    exact = sorted({replay["kernel_set"] for replay in replays if replay["exact"]})
    differences = re.search(r"^expect: .*; (.*)$", report, re.MULTILINE).group(1)
    print(f"{name:28} {architecture:24} {differences}; same bits on {' '.join(exact)}")


def check_numbers(convert, inspect, verify, folder, name):
    for weights, tables in NUMBERS:
        model = folder / f"{name}.{weights}.mmoe"
        run(convert, FIXTURES / f"{name}.safetensors", FIXTURES / f"{name}.json", "-o", model,
            "--weights", weights, "--tables", tables,
            "--rows", FIXTURES / f"{name}.rows.csv", "--expect", FIXTURES / f"{name}.scores.csv",
            "--tolerance", TOLERANCE, "--relative-tolerance", "0")
        described = json.loads(run(inspect, "--json", model))
        types = {layer["weights"] for tower in described["towers"] for layer in tower["layers"]}
        if types != {weights}:
            raise RuntimeError(f"mmoe-inspect shows towers of {types}, expected {weights}")
        if described["score_change"]["rows_file"] != f"{name}.rows.csv":
            raise RuntimeError(f"the file says that {described['score_change']['rows_file']} was measured")
        verified = json.loads(run(verify, "--json", "--all-kernel-sets", model))
        if not verified["ok"] or verified["f32_scores"]["wrong"] != 0:
            raise RuntimeError(f"{weights}, {tables}: {verified}")


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    *tools, folder = [pathlib.Path(word) for word in sys.argv[1:]]
    folder.mkdir(parents=True, exist_ok=True)
    index = json.loads((FIXTURES / "index.json").read_text())
    failures = []
    for name, architecture in index.items():
        try:
            check(*tools, folder, name, architecture)
            check_numbers(*tools, folder, name)
        except RuntimeError as error:
            failures.append(name)
            print(f"{name}: {error}")
    if failures or not index:
        sys.exit(f"error: {len(failures)} of {len(index)} fixtures fail: {' '.join(failures)}")


if __name__ == "__main__":
    main()
