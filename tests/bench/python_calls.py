#!/usr/bin/env python3
"""What a call of one row costs in Python beside one in C++: python_calls.py MMOE_CONVERT MMOE_BENCH SCRATCH [--rounds N] [--quick]

The paper's model (100 inputs, 8 experts, 2 tasks) is scored row by row by the Python package, with `out` and with a new
array, and by mmoe-bench, turn by turn. Of each the fastest round counts: others measure what else the machine does.
Ratios are over the call in C++. --quick checks the scores' bits and takes a few calls. Needs NumPy.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import timeit

import numpy

import mmoe
import plain_models

CALLS = 2000  # of a round: some milliseconds, which other programs leave alone often enough


def make_model(convert, scratch):
    shutil.rmtree(scratch, ignore_errors=True)
    sys.argv[1:] = [str(scratch)]
    plain_models.main()
    path = scratch / "paper.mmoe"
    subprocess.run([convert, scratch / "paper.safetensors", scratch / "paper.json", "-o", path], check=True,
                   stdout=subprocess.DEVNULL)
    return path


def check_bits(session, x):
    """Rows alone have the bits of the batch; each is an array of its own."""
    expected = session.score(x)
    rows = [session.score(row) for row in x]
    assert numpy.stack(rows).tobytes() == expected.tobytes()
    out = numpy.empty(2, "float32")
    assert all(session.score(row, out) is out and out.tobytes() == one.tobytes() for row, one in zip(x, rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("convert")
    parser.add_argument("bench")
    parser.add_argument("scratch", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    path = make_model(arguments.convert, arguments.scratch)
    session = mmoe.Model.load(path).session(max_batch=1)
    x = numpy.random.default_rng(1).normal(0, 1, (200, 100)).astype("float32")
    check_bits(session, x)
    names = {"score": session.score, "row": x[0], "out": numpy.empty(2, "float32")}
    timers = {"with out": timeit.Timer("score(row, out)", globals=names), "new array": timeit.Timer("score(row)", globals=names)}
    times = {name: [] for name in ["C++", *timers]}
    for _ in range(2 if arguments.quick else max(1, arguments.rounds // 20)):
        done = subprocess.run([arguments.bench, path, "--batch", "1", "--seconds", "0.05", "--json"], check=True,
                              capture_output=True)
        times["C++"].append(json.loads(done.stdout)["runs"][0]["best_us"])
        for _ in range(20):
            for name, timer in timers.items():
                times[name].append(timer.timeit(CALLS) / CALLS * 1e6)
    fastest = {name: min(of) for name, of in times.items()}
    for name, of in times.items():
        print(f"{name + ',':10} one row: {fastest[name]:.2f} us at best, median {statistics.median(of):.2f}; "
              f"{fastest[name] / fastest['C++']:.2f} of C++")


if __name__ == "__main__":
    main()
