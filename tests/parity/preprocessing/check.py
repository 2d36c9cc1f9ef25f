#!/usr/bin/env python3
"""Every fixture through the tools: check.py CONVERT VERIFY FOLDER [--without-keras]

CONVERT and VERIFY are the programs; models are written to FOLDER. From raw rows, the scores must be those of training's
own preprocessing and network. scikit-learn's numbers are doubles that are rounded to float at the end; Keras's and ours
are floats throughout, each step with half a unit in the last place: scores differ as those of two orders of float operations
do, within 1e-6. Standard library only.
"""

import json
import pathlib
import subprocess
import sys

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
TOLERANCE = 1e-6


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{pathlib.Path(command[0]).name} failed: {done.stdout}{done.stderr}")
    return done.stdout


def check(convert, verify, folder, name):
    model, rows = folder / f"{name}.mmoe", FIXTURES / f"{name}.rows.csv"
    (weights,) = [*FIXTURES.glob(f"{name}.safetensors"), *FIXTURES.glob(f"{name}.keras")]
    report = run(convert, weights, FIXTURES / f"{name}.json", "-o", model, "--rows", rows,
                 "--expect", FIXTURES / f"{name}.scores.csv", "--tolerance", TOLERANCE, "--relative-tolerance", "0")
    verified = json.loads(run(verify, "--json", "--all-kernel-sets", model))
    if not verified["ok"]:
        raise RuntimeError(str(verified))
    (line,) = [line for line in report.splitlines() if line.startswith("expect: ")]
    print(f"{name:12} {line}")


def main():
    words = [word for word in sys.argv[1:] if word != "--without-keras"]
    if len(words) != 3:
        sys.exit(__doc__)
    *tools, folder = [pathlib.Path(word) for word in words]
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name[: -len(".rows.csv")] for path in FIXTURES.glob("*.rows.csv"))
    if "--without-keras" in sys.argv:
        names.remove("keras")
    failures = []
    for name in names:
        try:
            check(*tools, folder, name)
        except RuntimeError as error:
            failures.append(name)
            print(f"{name}: {error}")
    if failures or len(names) < 4:
        sys.exit(f"error: {len(failures)} of {len(names)} fixtures fail: {' '.join(failures)}")


if __name__ == "__main__":
    main()
