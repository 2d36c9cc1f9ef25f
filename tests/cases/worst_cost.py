#!/usr/bin/env python3
"""The most time and memory that any file at hand costs each tool: worst_cost.py BUILD [--cases FOLDER]

Every file of tests/fuzz/corpus, tests/data and, where they are at hand, of the cases (run_cases.py) goes through
mmoe-convert with and without a description, and as rows through mmoe-score; what is a model file also through mmoe-
inspect, mmoe-verify, mmoe-score and mmoe-bench. A tool may refuse a file, but not die, and takes at most

    SECONDS + SECONDS_PER_MB * size   of processor time
    MEGABYTES + MEMORY_FACTOR * size  of memory

Prints a table: tool, worst seconds, worst megabytes, and of which file.
"""

import argparse
import csv
import dataclasses
import json
import pathlib
import sys
import tempfile

import support
from run_cases import REPOSITORY, find_cases

SECONDS, SECONDS_PER_MB = 2, 2
MEGABYTES, MEMORY_FACTOR = 200, 8

DESCRIPTION = (
    '{"mmoe_description": 1, "levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},'
    ' "gates": {"logits": "gates.{task}"}}], "towers": {"layers": "towers.{task}.{layer}"},'
    ' "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]}'
)


@dataclasses.dataclass
class Worst:
    """Of one tool."""

    runs: int = 0
    seconds: float = 0
    seconds_file: str = ""
    megabytes: float = 0
    megabytes_file: str = ""

    def add(self, outcome, file):
        self.runs += 1
        label = f"{file.parent.name}/{file.name} ({file.stat().st_size:,} bytes)"
        if outcome.cpu > self.seconds:
            self.seconds, self.seconds_file = outcome.cpu, label
        if outcome.peak_mb > self.megabytes:
            self.megabytes, self.megabytes_file = outcome.peak_mb, label


def files_at_hand(cases):
    folders = [
        REPOSITORY / "tests/fuzz/corpus",
        REPOSITORY / "tests/data",
        REPOSITORY / "tests/parity/architectures/fixtures",
    ]
    folders += [cases] if cases else []
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sorted(path for path in files if path.suffix not in (".py", ".cpp", ".md", ".sh", ".cmake"))


def is_model(path):
    with open(path, "rb") as file:
        return file.read(12)[8:] == b"MMOE"


def columns_of(feature):
    width = feature.get("raw_width", feature["width"])
    if feature["kind"] != "dense" or width == 1:
        return [feature["name"]]
    return [f"{feature['name']}.{i}" for i in range(width)]


def write_row(case, model, rows):
    """One row of what the model asks for; without an answer of mmoe-inspect, of anything."""
    done = case.tool("mmoe-inspect", "--json", model)
    columns = ["x0"]
    if done.code == 0:
        told = json.loads(done.out)
        columns = [column for feature in told["features"] for column in columns_of(feature)]
        columns = columns or [f"x{i}" for i in range(told["input_dim"])]
    with open(rows, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, ["0"] * len(columns)])
    return rows


def commands(path, model, output, rows):
    """(label, tool, arguments)"""
    yield "mmoe-convert", "mmoe-convert", [path, "-o", output]
    yield "mmoe-convert, description", "mmoe-convert", [path, DESCRIPTION, "-o", output]
    yield "mmoe-convert, as description", "mmoe-convert", [
        REPOSITORY / "tests/data/numpy/kinds.npz",
        path,
        "-o",
        output,
    ]
    yield "mmoe-score, as rows", "mmoe-score", [model, path]
    if not is_model(path):
        return
    yield "mmoe-score", "mmoe-score", [path, rows]
    yield "mmoe-score --gates", "mmoe-score", [path, rows, "--gates", output, "-o", f"{output}.csv"]
    yield "mmoe-inspect", "mmoe-inspect", [path]
    yield "mmoe-inspect --json", "mmoe-inspect", ["--json", path]
    yield "mmoe-verify", "mmoe-verify", [path]
    yield "mmoe-bench", "mmoe-bench", [path]


def allowed(path, label):
    size = path.stat().st_size / 1e6
    seconds = SECONDS + SECONDS_PER_MB * size
    return seconds + (10 if label == "mmoe-bench" else 0), MEGABYTES + MEMORY_FACTOR * size


def judge(path, label, outcome):
    """What is wrong with it, or None."""
    seconds, megabytes = allowed(path, label)
    if outcome.code < 0:
        return f"died of signal {-outcome.code}"
    if outcome.cpu > seconds:
        return f"{outcome.cpu:.2f} s, allowed are {seconds:.1f}"
    if outcome.peak_mb > megabytes:
        return f"{outcome.peak_mb:.0f} MB, allowed are {megabytes:.0f}"
    return None


def print_table(table):
    print("| program | runs | worst time | of | worst memory | of |\n|---|---|---|---|---|---|")
    for label, worst in table.items():
        print(
            f"| {label} | {worst.runs} | {worst.seconds:.2f} s | {worst.seconds_file} | {worst.megabytes:.0f} MB | "
            f"{worst.megabytes_file} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--cases")
    arguments = parser.parse_args()
    cases = find_cases(arguments.cases)
    if cases is None:
        print("without the cases: there is no ../shared/cases beside the checkout, and MMOE_CASES names no folder")
    table, faults = {}, []
    with tempfile.TemporaryDirectory(prefix="mmoe-cost-") as folder:
        scratch = pathlib.Path(folder)
        own = scratch / "case"
        own.mkdir()
        case = support.Case(REPOSITORY, arguments.build.resolve(), REPOSITORY, own)
        model = case.census()
        rows = own / "rows.csv"
        for path in files_at_hand(cases):
            if is_model(path):
                write_row(case, path, rows)
            for label, tool, words in commands(path, model, own / "out", rows):
                try:
                    outcome = case.tool(tool, *words, timeout=60)
                except support.Wrong as fault:
                    faults.append(f"{label} {path}: {fault}")
                    continue
                table.setdefault(label, Worst()).add(outcome, path)
                fault = judge(path, label, outcome)
                if fault is not None:
                    faults.append(f"{label} {path}: {fault}")
    print_table(table)
    for fault in faults:
        print("beyond the bounds: " + fault)
    return 1 if faults or not table else 0


if __name__ == "__main__":
    sys.exit(main())
