"""Raw rows of the model raw(), and what the program mmoe-score says of them."""

import csv
import subprocess

import numpy

import models

ROWS = [
    {"age": 39, "country": "AT", "history": [3, 7, 7], "price": [1.5, -2], "brand": 3, "tags": ["red", "x,y"],
     "counts": [1, 0.5], "city": "Wien", "hour": 7, "id": "a"},
    {"age": 21.5, "country": "??", "history": [], "price": [0, 0.25], "brand": 2**40, "tags": ["blue"],
     "counts": [2], "city": "Bern", "hour": 23, "id": "b"},
    {"age": None, "country": "Côte", "history": [19], "price": [3, 4], "brand": 5, "tags": [], "counts": [],
     "city": "Rom", "hour": -3, "id": "c"},
]
USER = ("age", "country", "history")


def columns():
    return {name: [row[name] for row in ROWS] for name in ROWS[0]}


def same(found, wanted):
    """The same bits."""
    return numpy.asarray(found).tobytes() == numpy.asarray(wanted).tobytes()


def score_by_program(path, folder, rows=ROWS):
    """The scores of rows, as many digits as give the same bits."""
    names = ["age", "country", *[f"history.{i}" for i in range(5)], "price.0", "price.1", "brand",
             *[f"tags.{i}" for i in range(4)], "city", "hour", *[f"counts.{i}" for i in range(4)]]
    with open(folder / "rows.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in rows:
            values = ["" if row["age"] is None else row["age"], row["country"], *pad(row["history"], 5), *row["price"],
                      row["brand"], *pad(row["tags"], 4), row["city"], row["hour"], *pad(row["counts"], 4)]
            writer.writerow(values)
    subprocess.run([models.program("mmoe-score"), path, folder / "rows.csv", "-o", folder / "scores.csv"],
                   check=True, stdin=subprocess.DEVNULL)
    return numpy.loadtxt(folder / "scores.csv", delimiter=",", skiprows=1, dtype="float32")


def pad(values, length):
    return [*values, *[""] * (length - len(values))]
