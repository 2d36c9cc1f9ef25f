"""What a model reads, random rows of it, and the files that an exporter leaves for check.py."""
import argparse
import os

import numpy as np

ROWS = 120


class Input:
    """`kind` is numbers, ids (one), fields (several ids of one size) or history (ids, of which 0 is the padding)."""

    def __init__(self, kind, width, size=0):
        self.kind, self.width, self.size = kind, width, size


def numbers(width):
    return Input("numbers", width)


def ids(size):
    return Input("ids", 1, size)


def fields(count, size):
    return Input("fields", count, size)


def history(length, size):
    return Input("history", length, size)


def draw(spec, random, whole=(), in_front=True):
    """Values, [rows, width]; `whole`: columns of numbers that are ids. Every tenth history may be padding alone; every
    third is padded in front where `in_front`, the others behind."""
    if spec.kind == "numbers":
        values = random.randn(ROWS, spec.width).astype(np.float32)
        for column in whole:
            values[:, column] = random.randint(0, 5, ROWS)
        return values
    values = random.randint(0, spec.size, (ROWS, spec.width)).astype(np.int64)
    for row in range(ROWS if spec.kind == "history" else 0):
        values[row] = random.randint(1, spec.size, spec.width)
        length = random.randint(0 if row % 10 == 0 else 1, spec.width + 1)
        if in_front and row % 3 == 0:
            values[row, : spec.width - length] = 0
        else:
            values[row, length:] = 0
    return values


def write_rows(folder, name, values):
    """A matrix has a column for each of its columns, `name.0` and so on; a single matrix of numbers is x."""
    header, columns = [], []
    for key, table in values.items():
        header += [f"{key}.{i}" for i in range(table.shape[1])] if table.shape[1] > 1 else [key]
        columns += list(table.T)
    with open(os.path.join(folder, name + ".csv"), "w") as file:
        print(",".join(header), file=file)
        for row in zip(*columns):
            print(",".join(f"{v:.9g}" if isinstance(v, np.floating) else str(v) for v in row), file=file)
    if len(values) == 1 and values[key].dtype == np.float32:
        np.save(os.path.join(folder, name + ".npy"), values[key])


def write_scores(folder, name, parts):
    np.save(os.path.join(folder, name + ".want.npy"), np.concatenate([p.reshape(ROWS, -1) for p in parts], axis=1))


def is_asked(name, only):
    """`only`: names and beginnings of names with a star, separated by commas; empty: all."""
    patterns = [pattern for pattern in only.split(",") if pattern]
    return not patterns or any(
        pattern == name or (pattern.endswith("*") and name.startswith(pattern[:-1])) for pattern in patterns
    )


def parser_of(text):
    parser = argparse.ArgumentParser(description=text.split("\n")[0])
    parser.add_argument("--work", required=True, help="folder for the graphs")
    parser.add_argument("--only", default="", help="NAME,PREFIX*")
    return parser


def export_all(models, make, options):
    """Calls make(name) for each; what fails leaves NAME.failed."""
    os.makedirs(options.work, exist_ok=True)
    for name in models:
        if not is_asked(name, options.only):
            continue
        failed = os.path.join(options.work, name + ".failed")
        if os.path.exists(failed):
            os.remove(failed)
        try:
            make(name)
        except Exception as error:  # exporters fail in many ways, and the next model is to be tried
            with open(failed, "w") as file:
                print(type(error).__name__, str(error).replace("\n", " ")[:400], file=file)
