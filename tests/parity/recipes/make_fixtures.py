#!/usr/bin/env python3
"""Trains models with the public libraries themselves and writes what the recipes are tested with.

    make_fixtures.py LIBRARY... [-o FOLDER] [--rows N] [--full]

LIBRARY: a module of this folder without `_models`, such as deepctr_torch. What is checked in was made without options.
Needs the library in question, which CI does not: versions are in index.json; made with PyTorch 2.15, TensorFlow 2.15.1 and
Paddle 3.3.1, FuxiCTR with polars before 2. Each module says what else it needs. `--rows 1000 --full -o FOLDER` makes models of
the size that the library makes by default; `check.py TOOLS FOLDER2 FOLDER` compares them with mmoe-score.
"""

import argparse
import importlib
import json
import pathlib

FIXTURES = pathlib.Path(__file__).parent / "fixtures"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("libraries", nargs="+", metavar="LIBRARY")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=FIXTURES)
    parser.add_argument("--rows", type=int, default=12)
    parser.add_argument("--full", action="store_true")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    index_path = arguments.output / "index.json"
    index = json.loads(index_path.read_text()) if index_path.exists() else {}
    for library in arguments.libraries:
        for case in importlib.import_module(library + "_models").cases(arguments.rows, arguments.full):
            index[case.name] = case.write(arguments.output)
            print(f"{case.name}: {case.library}")
            index_path.write_text(json.dumps(dict(sorted(index.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
