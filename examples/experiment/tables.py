"""Small tables: CSV files to keep, Markdown to read."""

import csv
import pathlib

# How people call what experiment.family makes.
LABELS = {"single_task": "Single-Task", "shared_bottom": "Shared-Bottom", "l2_constrained": "L2-Constrained",
          "cross_stitch": "Cross-Stitch", "tensor_factorisation": "Tensor-Factorisation", "omoe": "OMoE",
          "mmoe": "MMoE", "ple": "PLE"}


def write_csv(path, header, rows):
    """rows: lists of text and numbers; floats with nine digits, which name a float32 exactly."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([[f"{v:.9g}" if isinstance(v, float) else v for v in row] for row in rows])
    print(f"wrote {path}")


def read_csv(path):
    """A list of {column: text}."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def markdown(header, rows):
    """The text of a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def rounded(rows, digits=4):
    """Rows for markdown(): floats with that many significant digits."""
    return [[f"{v:.{digits}g}" if isinstance(v, float) else v for v in row] for row in rows]
