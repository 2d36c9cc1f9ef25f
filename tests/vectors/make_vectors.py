#!/usr/bin/env python3
"""Test vectors for the layers over the C interface: models, inputs, and the bits of their scores.

    make_vectors.py PROGRAMS OUT

converts two models with mmoe-convert of the folder PROGRAMS, scores rows with mmoe-score, and writes to the folder OUT:

    plain.mmoe      takes x
    raw.mmoe        takes rows by name: a number, categories, sequences, a cross; the user's and the item's
    vectors.tsv     what to score, and what must come out
    pages           models and scores for the examples of the documents (page_models.py)

A line of vectors.tsv is a word and what belongs to it, separated by tabs. Floats are the eight hexadecimal digits of
their bits.

    model  FILE                     what follows is of this model
    x  FLOAT...                     [rows, input_dim]
    gates  FLOAT...                 [rows, gate weights] of the rows before
    scores  FLOAT...                [rows, tasks] of the rows before
    candidates  FLOAT...            [rows, tasks] of the rows' items with the user of row 0
    number  ROW  FEATURE  VALUE     and so on for integer, text, missing (no value), and the lists
    numbers, integers, texts  ROW  FEATURE  VALUE...
    weights  ROW  FEATURE  VALUE... of a sequence's elements

Features of the user come before those of the item.
"""

import argparse
import csv
import os
import pathlib
import subprocess
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "python"))

import models  # noqa: E402
import page_models  # noqa: E402
import raw_rows  # noqa: E402


def bits(values):
    return [f"{value:08x}" for value in numpy.ascontiguousarray(values, "float32").reshape(-1).view("uint32")]


def score(folder, model, rows, name, *options):
    """What mmoe-score says of a CSV file, as floats with the same bits."""
    out = folder / f"{name}.csv"
    subprocess.run([models.program("mmoe-score"), folder / model, rows, "-o", out, *options], check=True,
                   stdin=subprocess.DEVNULL)
    return numpy.loadtxt(out, delimiter=",", skiprows=1, dtype="float32", ndmin=2)


def plain_vectors(folder):
    models.convert(models.plain(), folder, "plain")
    x = numpy.random.default_rng(5).normal(0, 1, (200, 24)).astype("float32")
    rows = folder / "x.csv"
    with open(rows, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[f"x{i}" for i in range(x.shape[1])], *[[repr(float(v)) for v in row] for row in x]])
    scores = score(folder, "plain.mmoe", rows, "plain_scores", "--gates", folder / "plain_gates.csv")
    gates = numpy.loadtxt(folder / "plain_gates.csv", delimiter=",", skiprows=1, dtype="float32", ndmin=2)
    return [["model", "plain.mmoe"], ["x", *bits(x)], ["gates", *bits(gates)], ["scores", *bits(scores)]]


def raw_value_lines(row, values):
    """The lines that set the values of one row; what decides the word is the value's type in Python."""
    for feature in ("age", "country", "history", "price", "brand", "tags"):
        value = values[feature]
        if value is None:
            yield ["missing", row, feature]
        elif isinstance(value, list):
            of = {float: "numbers", int: "integers", str: "texts"}
            kind = float if feature == "price" else str if feature == "tags" else int
            yield [of[kind], row, feature, *value]
        else:
            of = {int: "integer", float: "number", str: "text"}
            yield [of[type(value)], row, feature, value]
        if feature == "tags":
            yield ["weights", row, feature, *values["counts"]]
    yield ["texts", row, "city x hour", values["city"], values["hour"]]


def raw_vectors(folder):
    models.convert(models.raw(), folder, "raw")
    lines = [["model", "raw.mmoe"]]
    for row, values in enumerate(raw_rows.ROWS):
        lines += raw_value_lines(row, values)
    path = folder / "raw.mmoe"
    lines.append(["scores", *bits(raw_rows.score_by_program(path, folder))])
    of_first = [{**values, **{name: raw_rows.ROWS[0][name] for name in raw_rows.USER}} for values in raw_rows.ROWS]
    lines.append(["candidates", *bits(raw_rows.score_by_program(path, folder, of_first))])
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", help="the folder of mmoe-convert and mmoe-score")
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    os.environ["MMOE_PROGRAMS"] = arguments.programs
    arguments.out.mkdir(parents=True, exist_ok=True)
    lines = plain_vectors(arguments.out) + raw_vectors(arguments.out)
    page_models.make_all(arguments.out / "pages", score)
    with open(arguments.out / "vectors.tsv", "w", encoding="utf-8") as file:
        file.writelines("\t".join(str(part) for part in line) + "\n" for line in lines)


if __name__ == "__main__":
    main()
