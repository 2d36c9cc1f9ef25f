#!/usr/bin/env python3
"""Raw census rows from a Parquet file to a Parquet file of scores: this package beside pandas with ONNX Runtime.

    parquet.py MODEL DATA SCRATCH [--rows N] [--rounds R] [--torch PYTHON]

MODEL is the converted census model (examples/quickstart.sh makes build/release/census.mmoe), DATA the file
census-income.test.gz, whose rows are repeated in another order until there are N. Both ways run on one core, in turns,
R times; each reads all columns, scores, and writes the tasks' scores. The scores must agree to 1e-6.

pandas looks up categories by pandas.Categorical, and scales numbers as NumPy arrays; the embedding tables are in the
ONNX graph, which PYTHON exports, one that has PyTorch. Needs mmoe, pandas, pyarrow and onnxruntime; without one of them,
or without PyTorch, it says so and ends with 77.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CENSUS = ROOT / "examples" / "census"
SKIPPED = 77
BATCH = 50_000
LARGEST_DIFFERENCE = 1e-6  # ten times what the float sums of the two engines differ by


def export(path):
    """Writes the network as ONNX: an input for each feature, [rows] floats or ids; probabilities [rows, tasks]."""
    import torch

    sys.path.insert(0, str(CENSUS))
    import network

    features = json.loads((CENSUS / "model" / "description.json").read_text())["features"]
    names = [feature["name"] for feature in features]

    class Probabilities(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network.load(features, CENSUS / "model" / "weights.pt").eval()

        def forward(self, *columns):
            return torch.sigmoid(self.network(dict(zip(names, columns))))

    example = tuple(torch.zeros(2, dtype=torch.float32 if feature["kind"] == "dense" else torch.int64)
                    for feature in features)
    torch.onnx.export(Probabilities(), example, path, input_names=names, output_names=["scores"],
                      dynamic_axes={name: {0: "rows"} for name in [*names, "scores"]}, opset_version=13)


def write_rows(data, path, num_rows):
    """A Parquet file of typed columns: integers where the model's categories are integers, else texts."""
    import numpy
    import pyarrow
    import pyarrow.parquet

    sys.path.insert(0, str(CENSUS))
    import census

    rows = list(census.read_rows(data, "test"))
    order = numpy.random.default_rng(1).integers(0, len(rows), num_rows)
    columns = {}
    for name in census.INPUTS:
        values = numpy.array([row[name] for row in rows])
        if name in census.CONTINUOUS or name in census.INTEGER_CATEGORIES:
            values = values.astype("float64" if name in census.CONTINUOUS else "int64")
        columns[name] = pyarrow.array(values).take(pyarrow.array(order))
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=100_000)


def by_mmoe(model, source, to):
    import mmoe.__main__

    mmoe.__main__.main(["score", model, source, "-o", to, "--quiet"])


def by_pandas(graph, source, to):
    import numpy
    import onnxruntime
    import pandas

    features = json.loads((CENSUS / "model" / "description.json").read_text())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    table = pandas.read_parquet(source)
    columns = {}
    for feature in features["features"]:
        values = table[feature["name"]]
        if feature["kind"] == "dense":
            scale, clip = feature["scale"], feature["clip"]
            numbers = values.to_numpy("float32").clip(*numpy.float32(clip))
            columns[feature["name"]] = (numbers - numpy.float32(scale["offset"])) * numpy.float32(scale["factor"])
        else:
            codes = pandas.Categorical(values, categories=feature["vocabulary"]).codes
            columns[feature["name"]] = codes.astype("int64") + feature["first_id"]  # unknown: -1, which is id 0
    parts = [session.run(None, {name: column[first:first + BATCH] for name, column in columns.items()})[0]
             for first in range(0, len(table), BATCH)]
    tasks = [task["name"] for task in features["tasks"]]
    pandas.DataFrame(numpy.concatenate(parts), columns=tasks).to_parquet(to)


def seconds(work, *arguments):
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def largest_difference(first, second):
    import pyarrow.parquet

    tables = [pyarrow.parquet.read_table(path) for path in (first, second)]
    if tables[0].column_names != tables[1].column_names or len(tables[0]) != len(tables[1]):
        sys.exit(f"error: {tables[0].schema} and {tables[1].schema}")
    return max(abs(tables[0].column(name).to_numpy() - tables[1].column(name).to_numpy()).max()
               for name in tables[0].column_names)


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def main():
    if sys.argv[1:2] == ["--export"]:
        return export(sys.argv[2])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("scratch", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--torch", default="/usr/bin/python3", metavar="PYTHON")
    arguments = parser.parse_args()
    for name in ("mmoe", "numpy", "pandas", "pyarrow", "onnxruntime"):
        if importlib.util.find_spec(name) is None:
            skip(f"{sys.executable} has no {name}")
    if not os.path.exists(arguments.data):
        skip(f"{arguments.data} is not there")
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    graph, rows = arguments.scratch / "census.onnx", arguments.scratch / "rows.parquet"
    if subprocess.run([arguments.torch, __file__, "--export", graph], stderr=subprocess.DEVNULL).returncode != 0:
        skip(f"{arguments.torch} has no PyTorch, or could not export the network")
    print(f"writing {arguments.rows:,} rows to {rows}", flush=True)
    write_rows(arguments.data, rows, arguments.rows)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # one core for both
    ours, theirs = [], []
    paths = arguments.scratch / "mmoe.parquet", arguments.scratch / "pandas.parquet"
    for _ in range(arguments.rounds):
        ours.append(seconds(by_mmoe, arguments.model, str(rows), str(paths[0])))
        theirs.append(seconds(by_pandas, str(graph), str(rows), str(paths[1])))
        print(f"mmoe {ours[-1]:.2f} s, pandas and ONNX Runtime {theirs[-1]:.2f} s", flush=True)
    difference = largest_difference(*paths)
    print(f"{arguments.rows:,} rows, median of {arguments.rounds}: mmoe {statistics.median(ours):.2f} s, pandas and ONNX "
          f"Runtime {statistics.median(theirs):.2f} s, ratio {statistics.median(theirs) / statistics.median(ours):.1f}; "
          f"largest difference of a score {difference:.1e}")
    return 0 if difference <= LARGEST_DIFFERENCE else 1


if __name__ == "__main__":
    sys.exit(main())
