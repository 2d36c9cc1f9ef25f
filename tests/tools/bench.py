#!/usr/bin/env python3
"""What mmoe-bench says of a model's numbers: the types of weights and tables, and the bytes that a row reads of them.

    bench.py FOLDERS    the folders of the tools, with ':' between

The expected bytes are summed from what mmoe-inspect lists.
"""

import json
import sys

from harness import ROOT, Folder, Tools, check, finish

CENSUS = ROOT / "examples" / "census" / "model"
BLOCK = 128  # rows that share one pass over the weights, at most


def output(tools, *arguments):
    process = tools.run(*arguments)
    check(process.returncode == 0, f"{arguments}: {process.stderr}")
    return process.stdout.decode()


def expected_weights(description):
    """Type -> bytes of the tensors that are panels."""
    weights = {}
    for tensor in description["tensors"]:
        if not tensor["layout"].startswith("panel16"):
            continue
        name = "w8a8" if tensor["layout"] != "panel16" else tensor["dtype"]
        weights[name] = weights.get(name, 0) + tensor["bytes"]
    return weights


def expected_tables(description):
    """Type -> bytes of a row of each sparse feature's table: census has no sequences."""
    tables = {}
    for feature in description["features"]:
        if feature["kind"] != "categorical":
            continue
        embedding = feature["embedding"]
        tensor = next(t for t in description["tensors"] if t["name"] == embedding["name"])
        tables[embedding["dtype"]] = tables.get(embedding["dtype"], 0) + tensor["bytes"] // tensor["rows"]
    return tables


def check_model(tools, folder, weights, tables):
    model = folder / f"{weights}.{tables}.mmoe"
    output(tools, "mmoe-convert", CENSUS / "weights.pt", CENSUS / "description.json", "--weights", weights, "--tables", tables,
           "-o", model)
    description = json.loads(output(tools, "mmoe-inspect", model, "--json", "--tensors"))
    bench = ["mmoe-bench", model, "--seconds", "0.001", "--batch", "1,8,300"]
    report = json.loads(output(tools, *bench, "--json", "--roofline"))
    label = f"{weights}, {tables}: "
    check(report["weights"] == expected_weights(description) and weights in report["weights"],
          f"{label}weights {report['weights']}, expected {expected_weights(description)}")
    check(report["weight_bytes"] == sum(report["weights"].values()), f"{label}sum of the weights: {report['weight_bytes']}")
    check(report["table_bytes_per_row"] == expected_tables(description) and tables in report["table_bytes_per_row"],
          f"{label}tables {report['table_bytes_per_row']}, expected {expected_tables(description)}")
    for run in report["runs"]:
        batch = run["batch"]
        least = report["weight_bytes"] * -(-batch // BLOCK) / batch
        check(run["weight_bytes_per_row"] >= least * 0.999, f"{label}bytes per row at batch {batch}: {run}")
        check(batch > 8 or abs(run["weight_bytes_per_row"] * batch - report["weight_bytes"]) < 1,
              f"{label}a small batch reads the weights once: {run}")
        check((run["roofline_share"] is None) == (weights == "w8a8"), f"{label}share of the roofline: {run}")
    text = output(tools, *bench)
    shown = weights if len(report["weights"]) == 1 else f"{weights} "
    check(f" in {shown}" in text and f"tables in {tables}: raw features would read" in text and "weights/row" in text,
          f"{label}{text}")


def main():
    tools = Tools(sys.argv[1])
    with Folder() as folder:
        for weights, tables in (("f32", "f32"), ("bf16", "f16"), ("i8", "u4"), ("w8a8", "u8")):
            check_model(tools, folder, weights, tables)
    finish()


if __name__ == "__main__":
    main()
