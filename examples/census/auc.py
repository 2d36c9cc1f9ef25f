#!/usr/bin/env python3
"""Prints the AUC of each task of a scores CSV, and how far the scores are from those of a .npy.

A task is a column of the scores whose labels are found in the labels CSV, as label_<task> or
<task>. With --npy the exit code is 1 if a score differs by more than --tolerance; it is 2 for input
that cannot be used. Standard library only.
"""

import argparse
import array
import ast
import csv
import math
import struct
import sys


def auc(labels, scores):
    """Area under the ROC curve by ranks; equal scores share their mean rank."""
    if not all(map(math.isfinite, scores)):
        fail("a score is not finite")
    order = sorted(range(len(scores)), key=scores.__getitem__)
    rank_sum, first = 0.0, 0
    while first < len(order):
        last = first
        while last < len(order) and scores[order[last]] == scores[order[first]]:
            last += 1
        mean_rank = (first + 1 + last) / 2
        rank_sum += mean_rank * sum(labels[i] for i in order[first:last])
        first = last
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        fail("an AUC needs rows of both classes")
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def fail(message):
    print("error: " + message, file=sys.stderr)
    sys.exit(2)


def read_csv(path):
    """{column: list of text}."""
    with open(path, newline="") as file:
        lines = csv.reader(file)
        header = next(lines, [])
        rows = list(lines)
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            fail(f"{path}, row {number}: {len(row)} fields, expected {len(header)}")
    return dict(zip(header, map(list, zip(*rows)))) if rows else fail(f"{path}: no rows")


def read_npy(path):
    """Columns of a two-dimensional little-endian float32 or float64 array in C order."""
    with open(path, "rb") as file:
        if file.read(6) != b"\x93NUMPY":
            fail(f"{path}: not a .npy file")
        major = file.read(2)[0]
        code = "<H" if major == 1 else "<I"
        length, = struct.unpack(code, file.read(struct.calcsize(code)))
        header = ast.literal_eval(file.read(length).decode("latin1"))
        data = file.read()
    codes = {"<f4": "f", "<f8": "d"}
    if header["descr"] not in codes or header["fortran_order"] or len(header["shape"]) != 2:
        fail(f"{path}: expected a C-ordered [rows, tasks] array of <f4 or <f8, found {header}")
    values = array.array(codes[header["descr"]], data)
    if sys.byteorder == "big":
        values.byteswap()
    rows, columns = header["shape"]
    if len(values) != rows * columns:
        fail(f"{path}: {len(values)} values, expected {rows} x {columns}")
    return [values[column::columns] for column in range(columns)]


def task_labels(scores, labels, args):
    """{task: its labels column} of all tasks, in the order of the scores."""
    found = {}
    for task in scores:
        names = [args.label] if args.label and task in args.task else ["label_" + task, task]
        found[task] = next((name for name in names if name in labels), None)
    for task in args.task or []:
        if not found.get(task):
            fail(f"no scores or no labels of {task}")
    found = {task: name for task, name in found.items() if name}
    return found or fail(f"{args.labels}: no labels of any of {', '.join(scores)}")


def max_difference(scores, expected):
    """Infinity if any score is not finite: a NaN must not compare as close."""
    differences = [abs(a - b) for a, b in zip(scores, expected)]
    return max(differences) if all(map(math.isfinite, differences)) else math.inf


def compare(scores, tasks, args):
    """Prints the largest difference of each score column; whether all are within the tolerance."""
    expected = read_npy(args.npy)
    rows = len(next(iter(scores.values())))
    if len(expected) != len(tasks) or len(expected[0]) != rows:
        fail(f"{args.npy}: [{len(expected[0])}, {len(expected)}] scores do not match "
             f"{args.scores}: {rows} rows of {', '.join(tasks)}")
    close = True
    for task, values in scores.items():
        difference = max_difference(values, expected[tasks.index(task)])
        close = close and difference <= args.tolerance
        print(f"{task} max_abs_difference {difference:.3e}")
    return close


def parse_arguments():
    summary, rest = __doc__.strip().split("\n\n")
    parser = argparse.ArgumentParser(description=summary, epilog=rest)
    parser.add_argument("scores", help="CSV with one column per task, as mmoe-score writes it")
    parser.add_argument("labels", help="CSV with the labels, 0 or 1, in the same order of rows")
    parser.add_argument("--task", action="append", metavar="NAME",
                        help="only this one (repeatable)")
    parser.add_argument("--label", metavar="COLUMN", help="column of the labels; needs one --task")
    parser.add_argument("--npy", help="expected scores, float32 [rows, tasks]; its columns are all "
                        "tasks of the scores that have labels, in order")
    parser.add_argument("--tolerance", type=float, default=2e-6, help="default: %(default)s")
    args = parser.parse_args()
    if args.label and len(args.task or []) != 1:
        parser.error("--label needs exactly one --task")
    return args


def main():
    args = parse_arguments()
    text, label_text = read_csv(args.scores), read_csv(args.labels)
    columns = task_labels(text, label_text, args)
    scores = {task: list(map(float, text[task])) for task in args.task or columns}
    for task, values in scores.items():
        labels = list(map(int, label_text[columns[task]]))
        if len(labels) != len(values):
            fail(f"{len(values)} rows of scores, {len(labels)} rows of labels")
        print(f"{task} auc {auc(labels, values):.6f}")
    if args.npy and not compare(scores, list(columns), args):
        print(f"error: scores differ by more than {args.tolerance:g}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
