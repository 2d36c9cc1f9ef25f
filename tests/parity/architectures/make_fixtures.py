#!/usr/bin/env python3
"""Writes the folder `fixtures` anew, from PyTorch modules with seeded random weights: make_fixtures.py [NAME...]

NAME: the fixtures to write; the others stay as they are. Needs PyTorch (Debian's python3-torch will do); the tests that
read the fixtures need neither. The same PyTorch on the same machine writes the same bytes.
"""

import json
import sys

import architectures
import blocks
import inputs
import nodes
import papers
import parts
import torch
from fixture import FIXTURES

MODULES = [architectures, blocks, inputs, nodes, papers, parts]


def main():
    torch.set_num_threads(1)
    FIXTURES.mkdir(exist_ok=True)
    wanted = set(sys.argv[1:])
    for old in FIXTURES.iterdir() if not wanted else []:
        old.unlink()
    index = {}
    for module in MODULES:
        for fixture in module.all_fixtures():
            assert fixture.name not in index, fixture.name
            if not wanted or fixture.name in wanted:
                fixture.write(FIXTURES)
            index[fixture.name] = fixture.architecture
    if missing := sorted(wanted - set(index)):
        sys.exit(f"error: no fixture is named {', '.join(missing)}")
    (FIXTURES / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    print(f"{len(index)} fixtures")


if __name__ == "__main__":
    main()
