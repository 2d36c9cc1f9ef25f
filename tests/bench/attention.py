#!/usr/bin/env python3
"""Times attention.mmoe and attention.onnx, which attention_model.py has written: attention.py MMOE_CONVERT FOLDER [--rounds N]

The Python package scores the candidates of one user, and the same as whole rows; ONNX Runtime scores the same whole
rows. The user's history is full, and half full: elements that are not there cost the package nothing.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import time

import numpy
import onnxruntime

import mmoe

CANDIDATES = 500


def rows_of_one_user(description, seed, full):
    """[CANDIDATES, input_dim]: the same history in each row, `full` of its elements there."""
    attention = description["nodes"][0]["attention"]
    length = attention["length"]
    history = attention["sequences"]["first"] + attention["sequences"]["count"]
    random = numpy.random.default_rng(seed)
    x = random.standard_normal((CANDIDATES, description["input_dim"])).astype(numpy.float32)
    x[:, :history] = x[0, :history]
    x[:, history - length:history] = numpy.arange(length) < full * length
    return x


def open_graph(folder):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(folder / "attention.onnx", options, providers=["CPUExecutionProvider"])


def convert(program, folder, graph, rows):
    """The model file; the scores that it gives some rows must be the graph's."""
    numpy.save(folder / "rows.npy", rows)
    numpy.savetxt(folder / "expected.csv", graph.run(None, {"x": rows})[0], "%.9g", ",", header="click,buy", comments="")
    subprocess.run([program, folder / "attention.safetensors", folder / "attention.json", "-o",
                    folder / "attention.mmoe", "--rows", folder / "rows.npy", "--expect", folder / "expected.csv",
                    "--tolerance", "1e-5"], check=True, stdout=subprocess.DEVNULL)
    return folder / "attention.mmoe"


def median_us(call):
    times, end = [], time.perf_counter() + 0.5
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e6)
    return statistics.median(times)


def calls_of(session, graph, x):
    user = x[0, :session.model.user_dim].copy()
    items = numpy.ascontiguousarray(x[:, session.model.user_dim:])
    assert session.score(items, user=user, candidates=True).tobytes() == session.score(x).tobytes()
    return {"candidates of one user": lambda: session.score(items, user=user, candidates=True),
            "whole rows": lambda: session.score(x), "ONNX Runtime": lambda: graph.run(None, {"x": x})}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("convert", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    description = json.loads((options.folder / "attention.json").read_text())
    graph = open_graph(options.folder)
    path = convert(options.convert, options.folder, graph, rows_of_one_user(description, 1, 0.5)[:8])
    session = mmoe.Model.load(path).session(max_multiply_adds=10**9)
    print(f"{CANDIDATES} candidates, a call in us; times that of the first; {session.kernel_set}, "
          f"ONNX Runtime {onnxruntime.__version__}")
    for full in (1, 0.5):
        calls = calls_of(session, graph, rows_of_one_user(description, 2, full))
        measured = {name: [] for name in calls}
        for _ in range(max(1, options.rounds)):
            for name, call in calls.items():
                measured[name].append(median_us(call))
        medians = {name: statistics.median(values) for name, values in measured.items()}
        print(f"  a history of which {full:.0%} is there")
        for name, median in medians.items():
            print(f"    {name:24} {median:8.0f} {median / medians['candidates of one user']:8.2f}")


if __name__ == "__main__":
    main()
