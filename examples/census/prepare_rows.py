#!/usr/bin/env python3
"""Writes the rows of one split as CSV: the raw columns, then label_<task> (0 or 1) of each task.

Values are as in the data, without the blanks that pad them there. Standard library only.
"""

import argparse
import csv
import sys

import census


def write_rows(file, rows, tasks):
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(census.COLUMNS + ["label_" + task for task in tasks])
    for row in rows:
        labels = [int(census.LABELS[task](row)) for task in tasks]
        writer.writerow([row[name] for name in census.COLUMNS] + labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--data", help=f"directory of {census.FILE_NAME} (default: "
                        "../shared/data/census next to the repository, then $MMOE_CENSUS_DIR)")
    parser.add_argument("--split", choices=census.SPLITS, default="test")
    parser.add_argument("--group", type=int, choices=census.GROUPS, default=1,
                        help="1: income and never married, 2: college and never married")
    parser.add_argument("-o", "--output", default="-", help="CSV file, or - for standard output")
    args = parser.parse_args()
    rows = census.read_rows(census.find_data(args.data), args.split)
    tasks = census.GROUPS[args.group]
    if args.output == "-":
        write_rows(sys.stdout, rows, tasks)
    else:
        with open(args.output, "w", newline="") as file:
            write_rows(file, rows, tasks)


if __name__ == "__main__":
    main()
