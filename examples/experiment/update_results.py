#!/usr/bin/env python3
"""Writes the tables of RESULTS.md anew from the CSV files of the experiments' results.

A line `<!-- table FILE [COLUMN, ...] -->` in RESULTS.md is followed by the table of that CSV file, of all columns or
of those named; `COLUMN = title` gives a column another title. Standard library only.
"""

import argparse
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import tables  # noqa: E402

EXAMPLES = pathlib.Path(__file__).resolve().parents[1]
MARKER = re.compile(r"(<!-- table (\S+)(?: ([^>]*?))? -->\n)((?:\|.*\n)*)")


def shown(text):
    """At most four decimals of a small number, four digits of a large one; architectures as people call them."""
    try:
        value = float(text)
    except ValueError:
        return tables.LABELS.get(text, text)
    if "e" not in text and len(text.partition(".")[2]) <= 4:
        return text
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}"


def rendered(match):
    rows = tables.read_csv(EXAMPLES / match[2])
    wanted = [part.strip() for part in match[3].split(",")] if match[3] else list(rows[0])
    columns = [tuple(text.strip() for text in part.split("=")) for part in wanted]
    try:
        lines = [[shown(row[column[0]]) for column in columns] for row in rows]
    except KeyError as error:
        sys.exit(f"error: {match[2]} has no column {error}; it has {', '.join(rows[0])}")
    return match[1] + tables.markdown([column[-1] for column in columns], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a table is not its file's")
    args = parser.parse_args()
    path = EXAMPLES / "RESULTS.md"
    text = path.read_text(encoding="utf-8")
    updated = MARKER.sub(rendered, text)
    if args.check and updated != text:
        sys.exit(f"error: {path.name}: a table is not what its CSV file says; run {pathlib.Path(__file__).name}")
    if not args.check:
        path.write_text(updated, encoding="utf-8")


if __name__ == "__main__":
    main()
