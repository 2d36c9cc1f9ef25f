"""Converts the graphs that an exporter left in a folder, scores their rows, and compares with the framework's scores.

    python3 check.py --tools BUILD --work DIR [--only NAME,PREFIX*] [--expect FILE]

For each graph one line: EQUAL, WRONG, REFUSED with the message, or NO EXPORT with the exporter's. Fails where a graph
is WRONG; with FILE, also where one is not EQUAL, or not what its line there says ("NAME STATUS").
"""
import argparse
import collections
import os
import subprocess
import sys

import numpy as np

from inputs import is_asked

# Scores are below 50 in size, of float sums of at most a few hundred terms; a wrong graph differs by far more.
TOLERANCE = 1e-5


def find_tool(folders, name):
    for folder in folders.split(":"):
        for root, _, files in os.walk(folder):
            if name in files:
                return os.path.join(root, name)
    sys.exit(f"error: no {name} below {folders}")


def compare(got, want):
    if got.shape != want.shape:
        return "WRONG", f"shape {got.shape}, wanted {want.shape}"
    # Where the framework has no number (a softmax over no element at all), a model file may have one (ONNX.md).
    difference = np.where(np.isnan(want), 0, np.abs(got - want) / np.maximum(1, np.abs(want)))
    worst = np.nan_to_num(difference, nan=np.inf).max()
    undefined = f", {np.isnan(want).any(1).sum()} rows are NaN in the framework" if np.isnan(want).any() else ""
    return ("EQUAL" if worst < TOLERANCE else "WRONG"), f"{worst:.1e}{undefined}"


def check(name, folder, convert, score):
    path = os.path.join(folder, name)
    if os.path.exists(path + ".failed"):
        return "NO EXPORT", open(path + ".failed").read().strip()
    done = subprocess.run([convert, path + ".onnx", "-o", path + ".mmoe"], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        return ("REFUSED" if done.returncode > 0 else "CRASH"), " ".join(done.stderr.split())[-400:]
    notes = "" if "proved against the graph" in done.stdout + done.stderr else " NOT PROVED"
    # A model that reads one tensor of numbers takes it as x, or has a feature for each column, if some are ids.
    for ending in (".npy", ".csv"):
        if not os.path.exists(path + ending):
            continue
        done = subprocess.run([score, path + ".mmoe", path + ending], capture_output=True, text=True, timeout=300)
        if done.returncode == 0:
            break
    if done.returncode != 0:
        return "NO SCORES", " ".join(done.stderr.split())[-400:]
    got = np.array([[float(v) for v in line.split(",")] for line in done.stdout.strip().split("\n")[1:]])
    status, detail = compare(got, np.load(path + ".want.npy"))
    return status, detail + notes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--expect")
    options = parser.parse_args()
    convert, score = find_tool(options.tools, "mmoe-convert"), find_tool(options.tools, "mmoe-score")
    expected = dict(line.split(None, 1) for line in open(options.expect).read().splitlines()) if options.expect else None
    names = sorted(f[: -len(".want.npy")] for f in os.listdir(options.work) if f.endswith(".want.npy"))
    names += [f[: -len(".failed")] for f in os.listdir(options.work) if f.endswith(".failed") and f[: -7] not in names]
    counts, bad = collections.Counter(), 0
    for name in names:
        if not is_asked(name, options.only):
            continue
        status, detail = check(name, options.work, convert, score)
        counts[status] += 1
        wanted = status if expected is None else expected.get(name, "EQUAL")
        bad += wanted != status or status in ("WRONG", "CRASH", "NO SCORES")
        print(f"{name:30s} {status:10s} {detail}{'' if wanted == status else f' (expected {wanted})'}", flush=True)
    print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
