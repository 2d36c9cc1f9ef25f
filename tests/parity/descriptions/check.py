#!/usr/bin/env python3
"""Random descriptions through converter and runtime, against NumPy in double precision.

    check.py CONVERT SCORE FOLDER [--count 100] [--first 0]

CONVERT and SCORE are the programs; FOLDER takes the files of a failing one. Descriptions are numbered: one number
gives the same description everywhere. All of them: --count 2000. NumPy's evaluation (evaluate.py) was written from
converter/DESCRIPTION.md alone, and shares nothing with the converter.

The tolerance: the same evaluation in single precision is one way to round all of its operations. The runtime is
another, with fused multiply-adds, batch norms folded into weights and sums in another order. Both errors are sums
over the same operations of roundings of at most half a unit in the last place, so that the runtime's may exceed the
largest that NumPy's shows over all rows, but not by orders of magnitude: 16 times, and 16 units in the last place of
the largest score.
"""

import argparse
import csv
import importlib.util
import json
import pathlib
import re
import struct
import subprocess
import sys
import time

if importlib.util.find_spec("numpy") is None:
    print(f"skipped: {sys.executable} has no numpy (Debian: python3-numpy)")
    sys.exit(77)

import numpy as np  # noqa: E402

from evaluate import evaluate  # noqa: E402
from layers import FUNCTIONS  # noqa: E402
from random_description import RandomDescription  # noqa: E402


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, array in tensors.items():
        part = array.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_rows(path, rows):
    """Columns by name, in another order than the description's."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if isinstance(rows, list):
            columns = sorted(rows[0])
            writer.writerow(columns)
            writer.writerows([[row[column] for column in columns] for row in rows])
        else:
            writer.writerow([f"x{i}" for i in range(rows.shape[1])])
            writer.writerows([[f"{value:.9g}" for value in row] for row in rows])


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{pathlib.Path(command[0]).name}: exit {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def score(convert, scorer, folder, description):
    weights, text, rows, model = (folder / f"random.{end}" for end in ("safetensors", "json", "csv", "mmoe"))
    write_safetensors(weights, description.tensors)
    text.write_text(json.dumps(description.json, indent=1, ensure_ascii=False), encoding="utf-8")
    write_rows(rows, description.rows)
    report = run(convert, weights, text, "-o", model)
    if "is not used" in report:
        raise RuntimeError(report)
    table = list(csv.reader(run(scorer, model, rows).splitlines()))
    names = [task["name"] for task in description.json["tasks"] if task.get("output", True)]
    if table[0] != names:
        raise RuntimeError(f"columns {table[0]}, expected {names}")
    return np.array([[float(cell) for cell in row] for row in table[1:]])


def unknown_activations(convert, folder):
    """The activations of a description that NumPy's evaluation lacks."""
    weights, text = folder / "none.safetensors", folder / "none.json"
    write_safetensors(weights, {"t.weight": np.zeros((1, 2))})
    text.write_text(json.dumps({"mmoe_description": 1, "input_dim": 2, "tasks": [{"name": "a", "link": "identity"}],
                                "towers": {"layers": "t", "activation": "no such"}}))
    done = subprocess.run([str(convert), str(weights), str(text), "-o", str(folder / "none.mmoe")], capture_output=True,
                          text=True)
    found = re.search(r'found "no such", expected one of (.*)', done.stderr)
    if not found:
        raise RuntimeError(f"the converter does not list its activations: {done.stderr}")
    return set(found.group(1).split(", ")) - set(FUNCTIONS) - {"prelu", "dice"}


def check(convert, scorer, folder, number):
    """How far it is from double precision, relative to what is allowed. None where a score exceeds a float."""
    description = RandomDescription(number)
    wanted = evaluate(description.json, description.tensors, description.rows, np.float64)
    single = evaluate(description.json, description.tensors, description.rows, np.float32)
    if not np.isfinite(single).all() or np.abs(wanted).max() > 1e30:
        return None
    try:
        got = score(convert, scorer, folder, description)
    except RuntimeError as error:
        if "of a finite row is not finite; the weights overflow a float" in str(error):
            return None  # a score of the converter's own random rows
        raise
    # A top-k whose k-th and next logits are a rounding apart may choose either: such a row says nothing.
    sensitive = np.abs(single - wanted).max(1) > 1e-3 * np.maximum(1, np.abs(wanted).max(1))
    allowed = 16 * np.abs(single - wanted)[~sensitive].max(initial=0) + 16 * 2.0**-24 * max(1, np.abs(wanted).max())
    worst = np.abs(got - wanted)[~sensitive].max(initial=0)
    if not worst <= allowed:
        raise RuntimeError(f"largest difference {worst:.3g}, allowed is {allowed:.3g}")
    return worst / allowed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("convert", type=pathlib.Path)
    parser.add_argument("score", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if unknown := unknown_activations(arguments.convert, arguments.folder):
        print(f"layers.py lacks the activations {', '.join(sorted(unknown))}")
        return 1
    begin, failures, shares, beyond = time.monotonic(), [], [], 0
    for number in range(arguments.first, arguments.first + arguments.count):
        try:
            share = check(arguments.convert, arguments.score, arguments.folder, number)
            beyond += share is None
            shares += [] if share is None else [share]
        except Exception as error:  # whatever it is, the others are tried too
            failures.append(number)
            print(f"description {number}: {type(error).__name__}: {error}", flush=True)
            for path in arguments.folder.glob("random.*"):
                path.rename(path.with_name(f"failed{number}{path.suffix}"))
    print(
        f"{len(shares)} of {arguments.count} random descriptions score as NumPy does in double precision, {beyond} "
        f"more exceed a float; the largest difference is {max(shares, default=0):.2f} of what is allowed; "
        f"{time.monotonic() - begin:.0f} s"
    )
    return 1 if failures or beyond * 20 > arguments.count or not shares else 0


if __name__ == "__main__":
    sys.exit(main())
