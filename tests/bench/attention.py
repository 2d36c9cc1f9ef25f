#!/usr/bin/env python3
"""Times attention.mmoe and attention.onnx, which attention_model.py has written: attention.py TOOLS FOLDER [--rounds N]

TOOLS is the folder of mmoe-convert and mmoe-bench.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import time

import numpy
import onnxruntime

CANDIDATES = 500


def random_rows(folder, count, seed):
    """x, with some elements of the history left out."""
    description = json.loads((folder / "attention.json").read_text())
    attention = description["nodes"][0]["attention"]
    end = attention["sequences"]["first"] + attention["sequences"]["count"]
    x = numpy.random.default_rng(seed).standard_normal((count, description["input_dim"])).astype(numpy.float32)
    there = x[:, end - attention["length"]:end]
    there[:] = there > -1
    return x


def convert(tools, folder):
    """The graph; the scores that the model gives some rows must be its."""
    session = open_graph(folder)
    rows = random_rows(folder, 8, 1)
    numpy.save(folder / "rows.npy", rows)
    heading = ",".join(["click", "buy"])
    numpy.savetxt(folder / "expected.csv", session.run(None, {"x": rows})[0], "%.9g", ",", header=heading, comments="")
    subprocess.run([tools / "mmoe-convert", folder / "attention.safetensors", folder / "attention.json", "-o",
                    folder / "attention.mmoe", "--rows", folder / "rows.npy", "--expect", folder / "expected.csv",
                    "--tolerance", "1e-5"], check=True, stdout=subprocess.DEVNULL)
    return session


def open_graph(folder):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(folder / "attention.onnx", options, providers=["CPUExecutionProvider"])


def ours(tools, folder, *arguments):
    """Microseconds per call."""
    command = [tools / "mmoe-bench", folder / "attention.mmoe", "--batch", str(CANDIDATES), "--json",
               "--max-multiply-adds", "none", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["runs"][0]["p50_us"]


def theirs(session, x):
    times, end = [], time.perf_counter() + 0.5
    while time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, {"x": x})
        times.append((time.perf_counter() - start) * 1e6)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tools", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    session = convert(options.tools, options.folder)
    x = random_rows(options.folder, CANDIDATES, 2)
    measured = {"ours, candidates of one user": [], "ours, whole rows": [], "ONNX Runtime": []}
    for _ in range(options.rounds):
        for name, value in zip(measured, (ours(options.tools, options.folder, "--candidates"),
                                          ours(options.tools, options.folder), theirs(session, x))):
            measured[name].append(value)
    first = statistics.median(measured["ours, candidates of one user"])
    print(f"{CANDIDATES} candidates, a call in us (ONNX Runtime {onnxruntime.__version__}); times that of the first")
    for name, values in measured.items():
        median = statistics.median(values)
        print(f"  {name:30} {median:10.0f} {median / first:8.2f}")


if __name__ == "__main__":
    main()
