#!/usr/bin/env python3
"""Instructions per row of score(), counted by valgrind's callgrind and compared with the baseline instructions.csv.

A count does not depend on how busy the machine is, so that a slowdown of a few per cent shows in a test. The kernel set
is avx2: valgrind knows no AVX-512. A run without calls is subtracted from one with them, which leaves out everything
that is done once. valgrind calculates each fused multiply-add by a function, which is what takes the time: no run makes
more calls than it needs, and the runs share the machine's processors. --update rewrites the baseline. Exit code 77: this machine cannot count. Standard library only.
"""

import argparse
import concurrent.futures
import csv
import os
import pathlib
import re
import subprocess
import sys

BASELINE = pathlib.Path(__file__).resolve().parent / "instructions.csv"
KERNEL_SET = "avx2"
# Calls enough that what differs between two runs of the same program, and what the first call finds out (together a
# thousand instructions), is nothing.
CELLS = [(model, batch, calls)
         for model, calls_of_one in (("paper", 64), ("small", 32), ("medium", 4), ("large", 1))
         for batch, calls in ((1, calls_of_one), (64, max(1, calls_of_one // 16)))]
SLACK = 0.05


def build_score_calls(folder):
    """The program, with the library as it is shipped."""
    commands = (["cmake", "-G", "Ninja", "-S", str(pathlib.Path(__file__).resolve().parent / "shipped"), "-B", str(folder),
                 "-DCMAKE_BUILD_TYPE=Release", f"-DMMOE_KERNEL_SETS={KERNEL_SET}"],
                ["cmake", "--build", str(folder), "--target", "score_calls"])
    for command in commands:
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"error: {' '.join(command)}\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
    return folder / "score_calls"


def count(options, model, batch, calls):
    """Instructions of a whole run."""
    command = [options.valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", str(options.score_calls),
               str(options.scratch / f"{model}.mmoe"), str(batch), str(calls), KERNEL_SET]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode == 77:
        print(run.stderr, end="")
        sys.exit(77)
    found = re.search(r"Collected *: *(\d+)", run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(f"error: {' '.join(command)}\n{run.stderr}")
    return int(found.group(1))


def instructions_per_row(options, model, batch, calls):
    return (count(options, model, batch, calls) - count(options, model, batch, 0)) / (calls * batch)


def measure(options):
    """Cell -> instructions per row. The longest runs begin first."""
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        values = {(model, batch): pool.submit(instructions_per_row, options, model, batch, calls)
                  for model, batch, calls in reversed(CELLS)}
        return {(model, batch): values[model, batch].result() for model, batch, _ in CELLS}


def read_baseline():
    with open(BASELINE, newline="") as file:
        return {(row["model"], int(row["batch"])): float(row["instructions_per_row"]) for row in csv.DictReader(file)}


def write_baseline(measured):
    lines = ["model,batch,instructions_per_row"]
    lines += [f"{model},{batch},{value:.1f}" for (model, batch), value in measured.items()]
    BASELINE.write_text("\n".join(lines) + "\n")


def report(measured, baseline):
    """Prints the table; returns the cells that need more instructions than the baseline and its slack."""
    exceeded = []
    print(f"{'model':<8}{'batch':>6}{'per row':>14}{'baseline':>14}{'ratio':>8}")
    for cell, value in measured.items():
        known = baseline.get(cell)
        ratio = value / known if known else float("inf")
        note = ""
        if ratio > 1 + SLACK:
            exceeded.append(cell)
            note = f"  more than {SLACK:.0%} above the baseline" if known else "  not in the baseline"
        elif ratio < 1 - SLACK:
            note = "  better: --update keeps it"
        print(f"{cell[0]:<8}{cell[1]:>6}{value:>14.1f}{known or 0:>14.1f}{ratio:>8.3f}{note}")
    return exceeded


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--valgrind", default="valgrind")
    parser.add_argument("--make-models", required=True, help="the program make_models")
    parser.add_argument("--scratch", type=pathlib.Path, required=True, help="folder for the models and the library")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at a time [the processors]")
    parser.add_argument("--update", action="store_true", help="write what is counted as the baseline")
    options = parser.parse_args()

    options.scratch.mkdir(parents=True, exist_ok=True)
    subprocess.run([options.make_models, str(options.scratch)], check=True, stdout=subprocess.DEVNULL)
    options.score_calls = build_score_calls(options.scratch / "shipped")
    measured = measure(options)
    baseline = read_baseline() if BASELINE.exists() else {}
    exceeded = report(measured, baseline)
    if options.update:
        write_baseline(measured)
        print(f"written: {BASELINE}")
    elif exceeded:
        sys.exit("error: more instructions per row: " + ", ".join(f"{model} x {batch}" for model, batch in exceeded))


if __name__ == "__main__":
    main()
