"""Rows as a file, as the converter reads them."""

from __future__ import annotations

import contextlib
import csv
import os
import tempfile

from ._rows import Columns, _as_list


@contextlib.contextmanager
def row_file(rows, labels):
    """The path of a CSV file of `rows`, with the arrays `labels` as columns label_TASK; of a path that itself."""
    if rows is None or isinstance(rows, (str, os.PathLike)):
        yield "" if rows is None else os.fsdecode(rows)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.csv")
        with open(path, "w", newline="", encoding="utf-8") as file:
            _write(file, _columns_of(rows), labels)
        yield path


def _columns_of(rows):
    """Lists by name; x has the columns x0, x1, ..."""
    if getattr(rows, "ndim", 0) == 2 and not hasattr(rows, "iloc"):
        return {f"x{i}": rows[:, i].tolist() for i in range(rows.shape[1])}
    columns = Columns(rows)
    return {str(name): _as_list(columns.get(name)) for name in columns._names}


def _write(file, columns, labels):
    columns = _split(columns)
    columns.update({f"label_{task}": _as_list(values) if hasattr(values, "tolist") else list(values)
                    for task, values in labels.items()})
    writer = csv.writer(file)
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([_cell(value) for value in row])


def _cell(value):
    if value is None or value != value:
        return ""
    return int(value) if isinstance(value, bool) else value


def _split(columns):
    """Columns of lists as a column for each element."""
    split = {}
    for name, values in columns.items():
        if not any(isinstance(value, (list, tuple)) for value in values):
            split[name] = values
            continue
        for i in range(max(len(value or ()) for value in values)):
            split[f"{name}.{i}"] = [value[i] if value is not None and i < len(value) else None for value in values]
    return split
